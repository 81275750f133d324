"""What is said about file transcription in the background: requests, and what became of them, in the vendor's shape.

In: a client's request, or a task from the store. Out: what to store, or what to tell.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from stenowire.dialects.task_wire import FilterList, WordFilter, decode_filter
from stenowire.errors import InvalidParameter
from stenowire.store.tasks import Outcome, Request, Task

T = TypeVar("T")

MOST_FILES = 100

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
