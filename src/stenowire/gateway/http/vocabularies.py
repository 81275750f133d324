"""The service for lists of hot words: `POST /api/v1/services/audio/asr/customization`, five actions behind one address.

Input: a permanent key and an action. Output: what the vendor's SDKs read. A list belongs to the tenant of the key: to
any other it does not exist. It counts from the next task on that names its id.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.engines.registry import BY_NAME
from stenowire.errors import InvalidParameter, ModelNotFound
from stenowire.gateway.http.body import read_json
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store.entries import Entry, check_entries, check_prefix
from stenowire.store.vocabularies import NotThere, Vocabulary

T = TypeVar("T")

PATH = "/api/v1/services/audio/asr/customization"
SERVICE = "speech-biasing"
MOST_CHARS = 256

Id = Annotated[str, Meta(min_length=1, max_length=MOST_CHARS)]


# ---- actions ------------------------------------------------------------------------------------------------------


class Action(msgspec.Struct, frozen=True, tag_field="action"):
    pass


class CreateVocabulary(Action, frozen=True, tag="create_vocabulary"):
    target_model: Id
    """Tasks with another model get nothing from this list."""
    prefix: str
    vocabulary: list[Entry]


class ListVocabulary(Action, frozen=True, tag="list_vocabulary"):
    prefix: str | None = None
    page_index: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    page_size: Annotated[int, Meta(ge=1, le=1000)] = 10


class QueryVocabulary(Action, frozen=True, tag="query_vocabulary"):
    vocabulary_id: Id


class UpdateVocabulary(Action, frozen=True, tag="update_vocabulary"):
    vocabulary_id: Id
    vocabulary: list[Entry]
    """Replaces the whole list."""


class DeleteVocabulary(Action, frozen=True, tag="delete_vocabulary"):
    vocabulary_id: Id


class CustomizationRequest(msgspec.Struct, frozen=True):
    model: Annotated[str, Meta(max_length=MOST_CHARS)]
    input: CreateVocabulary | ListVocabulary | QueryVocabulary | UpdateVocabulary | DeleteVocabulary


# ---- answers ------------------------------------------------------------------------------------------------------


class Created(msgspec.Struct, frozen=True):
    vocabulary_id: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    vocabulary_id: str
    target_model: str
    gmt_create: str
    """UTC, as `YYYY-MM-DD HH:MM:SS`."""
    gmt_modified: str
    status: str = "OK"


class Listed(msgspec.Struct, frozen=True):
    vocabulary_list: list[Row]


class Queried(msgspec.Struct, frozen=True, kw_only=True):
    vocabulary: list[Entry]
    target_model: str
    gmt_create: str
    gmt_modified: str
    status: str = "OK"


class Changed(msgspec.Struct, frozen=True):
    pass


Output = Created | Listed | Queried | Changed


class CustomizationUsage(msgspec.Struct, frozen=True):
    count: int = 1


class CustomizationAnswer(msgspec.Struct, Generic[T], frozen=True):
    output: T
    request_id: str
    usage: CustomizationUsage = CustomizationUsage()


# ---- the door -----------------------------------------------------------------------------------------------------


def operations(runtime: Runtime) -> list[Operation]:
    return [
        Operation(
            methods=("POST",),
            path=PATH,
            endpoint=Door(runtime, Customization(runtime).answer, scope="vocabulary"),
            summary="Lists of hot words: create, list, query, update, delete",
            body=CustomizationRequest,
            answers={
                "application/json": (
                    CustomizationAnswer[Created],
                    CustomizationAnswer[Listed],
                    CustomizationAnswer[Queried],
                    CustomizationAnswer[Changed],
                )
            },
        )
    ]


class Customization:
    def __init__(self, runtime: Runtime) -> None:
        self._lists = runtime.vocabularies
        self._settings = runtime.settings

    async def answer(self, visit: Visit) -> Response:
        visit.caller.must_be_permanent()
        asked = await read_json(visit, CustomizationRequest, self._settings.max_text_bytes)
        if asked.model != SERVICE:
            raise ModelNotFound("Model not exist.", "model")
        output = await asyncio.to_thread(self._act, visit.caller.tenant.name, asked.input)
        return json(CustomizationAnswer(output, visit.id))

    def _act(self, tenant: str, action: Action) -> Output:
        try:
            match action:
                case CreateVocabulary():
                    return self._create(tenant, action)
                case ListVocabulary(prefix=prefix, page_index=index, page_size=size):
                    return Listed([_row(found) for found in self._lists.page(tenant, prefix, index, size)])
                case QueryVocabulary(vocabulary_id=id):
                    return _queried(self._lists.get(tenant, id))
                case UpdateVocabulary(vocabulary_id=id, vocabulary=entries):
                    check_entries(entries, self._settings.vocabulary_entries, "input.vocabulary")
                    self._lists.replace(tenant, id, entries)
                case DeleteVocabulary(vocabulary_id=id):
                    self._lists.delete(tenant, id)
        except NotThere as error:
            raise InvalidParameter(f"input.{error.message}", "input.vocabulary_id") from None
        return Changed()

    def _create(self, tenant: str, action: CreateVocabulary) -> Created:
        check_prefix(action.prefix, "input.prefix")
        check_entries(action.vocabulary, self._settings.vocabulary_entries, "input.vocabulary")
        check_model(action.target_model, "input.target_model")
        return Created(self._lists.create(tenant, action.prefix, action.target_model, action.vocabulary).id)


def check_model(model: str, path: str) -> None:
    """Raises InvalidParameter where no task could ever name it."""
    if model not in BY_NAME:
        raise InvalidParameter(f"{path}: there is no model {model[:64]!r}", path)


def _row(found: Vocabulary) -> Row:
    return Row(
        vocabulary_id=found.id,
        target_model=found.target_model,
        gmt_create=clock(found.created),
        gmt_modified=clock(found.modified),
    )


def _queried(found: Vocabulary) -> Queried:
    return Queried(
        vocabulary=list(found.entries),
        target_model=found.target_model,
        gmt_create=clock(found.created),
        gmt_modified=clock(found.modified),
    )


def clock(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
