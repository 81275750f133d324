"""The older lists of phrases, of Paraformer's first models: another way to write and read the same store.

Input: a job that "compiles" a list, done at once. Output: the list's id as `finetuned_output`. Weights went to 90 and
below 0 there: what is above our scale gets its top, what is below is left out.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Generic, Literal, ParamSpec, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.gateway.http.body import read_json, read_query
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.faults import NotFound
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.http.vocabularies import check_model, clock
from stenowire.gateway.runtime import Runtime
from stenowire.store.entries import Entry, check_entries
from stenowire.store.vocabularies import NotThere, Vocabulary

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

PATH = "/api/v1/fine-tunes"
PREFIX = "phrase"
HEAVIEST = 5
PHRASES = "hyper_parameters.phrase_list"

Id = Annotated[str, Meta(min_length=1, max_length=256)]


class HyperParameters(msgspec.Struct, frozen=True):
    phrase_list: dict[str, int]
    """Phrase -> weight."""


class PhraseJob(msgspec.Struct, frozen=True):
    """Accepted without effect: ids of training files."""

    model: Id
    hyper_parameters: HyperParameters
    training_type: Literal["compile_asr_phrase"] = "compile_asr_phrase"
    finetuned_output: Id | None = None
    """A list to write anew."""


class PhrasePage(msgspec.Struct, frozen=True):
    page_no: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Meta(ge=1, le=100)] = 10


class JobDone(msgspec.Struct, frozen=True):
    job_id: str
    finetuned_output: str
    status: str = "SUCCEEDED"


class PhraseRow(msgspec.Struct, frozen=True):
    job_id: str
    finetuned_output: str
    model: str
    create_time: str
    output_type: str = "asr_phrase"


class PhraseList(msgspec.Struct, frozen=True):
    finetuned_outputs: list[PhraseRow]
    page_no: int
    page_size: int
    total: int


class NoOutput(msgspec.Struct, frozen=True):
    pass


class PhraseAnswer(msgspec.Struct, Generic[T], frozen=True):
    output: T
    request_id: str


def operations(runtime: Runtime) -> list[Operation]:
    phrases = Phrases(runtime)
    one = PATH + "/outputs/{phrase_id}"
    return [
        Operation(
            methods=("POST",),
            path=PATH,
            endpoint=Door(runtime, phrases.write, scope="vocabulary"),
            summary="Write a list of phrases (older models)",
            body=PhraseJob,
            answers={"application/json": (PhraseAnswer[JobDone],)},
        ),
        Operation(
            methods=("GET",),
            path=PATH + "/outputs",
            endpoint=Door(runtime, phrases.page, scope="vocabulary"),
            summary="The lists of phrases",
            query=PhrasePage,
            answers={"application/json": (PhraseAnswer[PhraseList],)},
        ),
        Operation(
            methods=("GET",),
            path=one,
            endpoint=Door(runtime, phrases.query, scope="vocabulary"),
            summary="What is known of a list of phrases",
            answers={"application/json": (PhraseAnswer[PhraseRow],)},
        ),
        Operation(
            methods=("DELETE",),
            path=one,
            endpoint=Door(runtime, phrases.delete, scope="vocabulary"),
            summary="Delete a list of phrases",
            answers={"application/json": (PhraseAnswer[NoOutput],)},
        ),
    ]


class Phrases:
    def __init__(self, runtime: Runtime) -> None:
        self._lists = runtime.vocabularies
        self._settings = runtime.settings

    async def write(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked = await read_json(visit, PhraseJob, self._settings.max_text_bytes)
        entries = _entries(asked.hyper_parameters.phrase_list)
        check_entries(entries, self._settings.vocabulary_entries, PHRASES)
        check_model(asked.model, "model")
        tenant, id = visit.caller.tenant.name, asked.finetuned_output
        if id is None:
            made = await asyncio.to_thread(self._lists.create, tenant, PREFIX, asked.model, entries)
            id = made.id
        else:
            await _there(self._lists.replace, tenant, id, entries)
        return json(PhraseAnswer(JobDone(id, id), visit.id))

    async def page(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked, tenant = read_query(visit, PhrasePage), visit.caller.tenant.name
        found = await asyncio.to_thread(self._lists.page, tenant, PREFIX, asked.page_no - 1, asked.page_size)
        total = await asyncio.to_thread(self._lists.count, tenant, PREFIX)
        rows = [_row(each) for each in found]
        return json(PhraseAnswer(PhraseList(rows, asked.page_no, asked.page_size, total), visit.id))

    async def query(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        found = await _there(self._lists.get, visit.caller.tenant.name, visit.request.path_params["phrase_id"])
        return json(PhraseAnswer(_row(found), visit.id))

    async def delete(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        await _there(self._lists.delete, visit.caller.tenant.name, visit.request.path_params["phrase_id"])
        return json(PhraseAnswer(NoOutput(), visit.id))


async def _there(act: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    """`act`, in a thread. Raises NotFound where the tenant has no such list."""
    try:
        return await asyncio.to_thread(act, *given, **named)
    except NotThere:
        raise NotFound("There is no such list of phrases.") from None


def _entries(phrases: dict[str, int]) -> list[Entry]:
    return [Entry(text=text, weight=min(weight, HEAVIEST)) for text, weight in phrases.items() if weight > 0]


def _row(found: Vocabulary) -> PhraseRow:
    return PhraseRow(found.id, found.id, found.target_model, clock(found.created))
