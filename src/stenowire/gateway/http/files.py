"""File transcription in the background: ask for it, look after it, fetch the result.

`POST /api/v1/services/audio/asr/transcription` with `X-DashScope-Async: enable`, then `GET /api/v1/tasks/{id}`, as the
vendor's clients do it. Input: addresses of recordings. Output: a task; when it has ended, addresses of its results.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.responses import Response

from stenowire.dialects.task_wire import FilterList, WordFilter, decode_filter
from stenowire.errors import AccessDenied, InvalidParameter
from stenowire.gateway.http.body import read_json
from stenowire.gateway.http.door import Door, KeylessDoor
from stenowire.gateway.http.faults import NotFound, NotPossible
from stenowire.gateway.http.file_results import FileResult
from stenowire.gateway.http.hearing import Names, Wanted, check
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store.tasks import Outcome, Request, Task

T = TypeVar("T")

MOST_FILES = 100
RESULTS = "/api/v1/results/"

# ---- the request --------------------------------------------------------------------------------------------------

FileUrl = Annotated[str, Meta(min_length=1, max_length=4096)]


class Input(msgspec.Struct, frozen=True):
    """One of the two."""

    file_urls: Annotated[list[FileUrl], Meta(max_length=MOST_FILES)] | None = None
    file_url: FileUrl | None = None


class Parameters(msgspec.Struct, frozen=True):
    """Accepted without effect: `channel_id` (channels are mixed), diarization, and whatever else services offer."""

    language_hints: list[str] | None = None
    language: str | None = None
    special_word_filter: WordFilter | str | None = None


class FileRequest(msgspec.Struct, frozen=True):
    model: str
    input: Input
    parameters: Parameters | None = None


# ---- answers ------------------------------------------------------------------------------------------------------


class Ticket(msgspec.Struct, frozen=True):
    task_id: str
    task_status: str


class Submitted(msgspec.Struct, frozen=True):
    request_id: str
    output: Ticket


class FileStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    file_url: str
    transcription_url: str | None = None
    subtask_status: str
    code: str | None = None
    message: str | None = None


class SingleResult(msgspec.Struct, frozen=True):
    transcription_url: str


class Metrics(msgspec.Struct, frozen=True):
    TOTAL: int
    SUCCEEDED: int
    FAILED: int


class TaskOutput(msgspec.Struct, frozen=True, kw_only=True):
    task_id: str
    task_status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, or UNKNOWN where there is no such task of this key."""
    submit_time: str | UnsetType = UNSET
    """UTC, as are the others."""
    scheduled_time: str | UnsetType = UNSET
    end_time: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    results: list[FileStatus] | UnsetType = UNSET
    result: SingleResult | UnsetType = UNSET
    """For a task with one `file_url`."""
    task_metrics: Metrics | UnsetType = UNSET


class TaskUsage(msgspec.Struct, frozen=True):
    duration: int
    """Seconds of audio transcribed."""


class TaskStatus(msgspec.Struct, frozen=True):
    request_id: str
    output: TaskOutput
    usage: TaskUsage | UnsetType = UNSET


class Done(msgspec.Struct, frozen=True):
    request_id: str


# ---- the doors ----------------------------------------------------------------------------------------------------


def operations(runtime: Runtime) -> list[Operation]:
    files = Files(runtime)
    asynchronous = {"X-DashScope-Async": "`enable`, always"}
    return [
        Operation(
            methods=("POST",),
            path="/api/v1/services/audio/asr/transcription",
            endpoint=Door(runtime, files.submit),
            summary="Ask for recordings to be transcribed in the background",
            headers=asynchronous,
            body=FileRequest,
            answers={"application/json": (Submitted,)},
        ),
        Operation(
            methods=("GET", "POST"),
            path="/api/v1/tasks/{task_id}",
            endpoint=Door(runtime, files.status),
            summary="What has become of a task",
            answers={"application/json": (TaskStatus,)},
        ),
        Operation(
            methods=("POST",),
            path="/api/v1/tasks/{task_id}/cancel",
            endpoint=Door(runtime, files.cancel),
            summary="Cancel a task that waits",
            answers={"application/json": (Done,)},
        ),
        Operation(
            methods=("GET",),
            path=RESULTS + "{name}",
            endpoint=KeylessDoor(runtime, files.result),
            summary="The transcript of one recording; its address is a secret",
            answers={"application/json": (FileResult,)},
            refusals=(404, 503),
            keyless=True,
        ),
    ]


class Files:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tasks = runtime.shelf.tasks

    async def submit(self, visit: Visit) -> Response:
        settings = self._runtime.settings
        if visit.request.headers.get("x-dashscope-async", "").lower() != "enable":
            raise AccessDenied("This is only done in the background; set the header X-DashScope-Async: enable.")
        asked = await read_json(visit, FileRequest, settings.max_body_bytes)
        request = read_request(asked)
        wanted = Wanted(id=visit.id, model=request.model, language=request.language)
        check(self._runtime, wanted, Names(language="parameters.language_hints"))
        id, tenant = str(uuid.uuid4()), visit.caller.tenant.name
        await asyncio.to_thread(self._tasks.submit, id, tenant, request, time.time(), settings.max_file_tasks_waiting)
        self._runtime.file_tasks_came.set()
        return json(Submitted(visit.id, Ticket(id, "PENDING")))

    async def status(self, visit: Visit) -> Response:
        id = visit.request.path_params["task_id"]
        task = await asyncio.to_thread(self._tasks.find, id, visit.caller.tenant.name)
        if task is None:
            return json(TaskStatus(visit.id, TaskOutput(task_id=id, task_status="UNKNOWN")))
        base_url = visit.base_url(self._runtime.settings.public_url)
        return json(told(visit.id, task, lambda name: f"{base_url}{RESULTS}{name}.json"))

    async def cancel(self, visit: Visit) -> Response:
        id = visit.request.path_params["task_id"]
        if await asyncio.to_thread(self._tasks.cancel, id, visit.caller.tenant.name, time.time()):
            return json(Done(visit.id))
        if await asyncio.to_thread(self._tasks.find, id, visit.caller.tenant.name) is None:
            raise NotFound("There is no such task.")
        raise NotPossible("Only a task that is PENDING can be canceled.")

    async def result(self, visit: Visit) -> Response:
        name = visit.request.path_params["name"].removesuffix(".json")
        body = await asyncio.to_thread(self._tasks.result, name)
        if body is None:
            raise NotFound("There is no such result, or no more.")
        return Response(body, media_type="application/json")


def read_request(asked: FileRequest) -> Request:
    """Raises InvalidParameter unless it names files in one way."""
    given, parameters = asked.input, asked.parameters or Parameters()
    if bool(given.file_urls) == bool(given.file_url):
        path = "input.file_urls"
        raise InvalidParameter(f"{path}: either this or file_url is needed", path)
    hints = [*(parameters.language_hints or []), parameters.language or ""]
    words = parameters.special_word_filter or WordFilter()
    words = decode_filter(words) if isinstance(words, str) else words
    return Request(
        model=asked.model,
        urls=tuple(given.file_urls or [given.file_url or ""]),
        language=next((hint for hint in hints if hint and hint != "auto"), None),
        starred=_listed(words.filter_with_signed),
        dropped=_listed(words.filter_with_empty),
        single=given.file_url is not None,
    )


def _listed(words: FilterList | None) -> tuple[str, ...]:
    return tuple(word for word in (words and words.word_list) or [] if word.strip())


def told(request_id: str, task: Task, url_of: Callable[[str], str]) -> TaskStatus:
    files = [_file(task, number, url, url_of) for number, url in enumerate(task.request.urls)]
    ended = task.status in ("SUCCEEDED", "FAILED")
    single = next((SingleResult(file.transcription_url) for file in files if file.transcription_url), UNSET)
    first = files[0]
    counts = [file.subtask_status for file in files]
    output = TaskOutput(
        task_id=task.id,
        task_status=task.status,
        submit_time=_clock(task.submitted_at),
        scheduled_time=_given(task.scheduled_at, _clock),
        end_time=_given(task.ended_at, _clock),
        code=(first.code or UNSET) if task.status == "FAILED" else UNSET,
        message=(first.message or UNSET) if task.status == "FAILED" else UNSET,
        results=files if ended else UNSET,
        result=single if ended and task.request.single else UNSET,
        task_metrics=Metrics(len(files), counts.count("SUCCEEDED"), counts.count("FAILED")),
    )
    seconds = sum(-(-outcome.audio_s // 1) for outcome in task.outcomes.values())
    return TaskStatus(request_id, output, TaskUsage(int(seconds)) if ended else UNSET)


def _file(task: Task, number: int, url: str, url_of: Callable[[str], str]) -> FileStatus:
    outcome = task.outcomes.get(number, Outcome())
    if outcome.result:
        return FileStatus(file_url=url, transcription_url=url_of(outcome.result), subtask_status="SUCCEEDED")
    if outcome.code:
        return FileStatus(file_url=url, subtask_status="FAILED", code=outcome.code, message=outcome.message)
    return FileStatus(file_url=url, subtask_status=task.status)


def _given(value: float | None, shape: Callable[[float], T]) -> T | UnsetType:
    return UNSET if value is None else shape(value)


def _clock(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
