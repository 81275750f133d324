"""The client's frames of the task protocol: their shape, and the one place that decides whether a frame is valid.

In: the text of a frame. Out: a struct whose types and ranges hold, or `Malformed`, which names the field at fault.
Rules of the wire: null is the same as absent, unknown keys are ignored, a number in quotes is not a number.
What the parameters mean is said in `task_open`; the server's frames are in `task_events`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from stenowire.dialects.faults import explain
from stenowire.dialects.task_resume import WireResume
from stenowire.errors import InvalidParameter
from stenowire.types import NoiseReduction

Action = Literal["run-task", "continue-task", "finish-task"]
TaskId = Annotated[str, Meta(min_length=1, max_length=64)]
SilenceMs = Annotated[int, Meta(ge=200, le=6000)]
ListId = Annotated[str, Meta(max_length=256)]
Sound = Annotated[str, Meta(min_length=1, max_length=64)]
WordList = Annotated[list[str], Meta(max_length=32)]


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    action: Action
    task_id: TaskId
    streaming: Literal["duplex"] | None = None


class Content(msgspec.Struct, frozen=True):
    text: str
    type: Literal["input_text", "text"] = "text"


class Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: list[Content]


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    context: list[Turn] | None = None


class FilterList(msgspec.Struct, frozen=True, omit_defaults=True):
    word_list: WordList | None = None


class WordFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    filter_with_signed: FilterList | None = None
    filter_with_empty: FilterList | None = None
    system_reserved_filter: bool | None = None


class InstantWord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Our addition: a hot word of which more is said than its weight."""

    weight: int = 4
    sounds_like: Annotated[list[Sound], Meta(max_length=4)] | Sound | None = None


class Parameters(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    format: str | None = None
    sample_rate: Annotated[int, Meta(ge=8000, le=48000)] | None = None
    vocabulary_id: ListId | None = None
    vocabulary: dict[str, int | InstantWord] | None = None
    language_hints: list[str] | str | None = None
    semantic_punctuation_enabled: bool | None = None
    max_sentence_silence: SilenceMs | None = None
    multi_threshold_mode_enabled: bool | None = None
    punctuation_prediction_enabled: bool | None = None
    heartbeat: bool | None = None
    inverse_text_normalization_enabled: bool | None = None
    disfluency_removal_enabled: bool | None = None
    speech_noise_threshold: Annotated[float, Meta(ge=-1, le=1)] | None = None
    special_word_filter: WordFilter | str | None = None
    keep_dialect: bool | None = None
    vad_model: Literal["far_field_meeting_16k", "near_meeting_16k"] | None = None
    noise_reduction: NoiseReduction | None = None
    intermediate_result_enabled: bool | None = None
    source_language: str | None = None
    transcription_enabled: bool | None = None
    translation_enabled: bool | None = None
    translation_target_languages: list[str] | None = None
    max_end_silence: SilenceMs | None = None
    resume: WireResume | None = None
    hotword_audit: bool | None = None
    """Our addition: say with each final which terms were written, and why."""


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """How older models are told of their list of phrases."""

    resource_id: ListId | None = None
    resource_type: str | None = None


class RunPayload(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    task_group: Literal["audio"] | None = None
    task: Literal["asr"] | None = None
    function: Literal["recognition"] | None = None
    model: Annotated[str, Meta(min_length=1, max_length=256)]
    parameters: Parameters
    input: Input | None = None
    resources: list[Resource] | None = None


class InputPayload(msgspec.Struct, frozen=True):
    """All that counts in continue-task and finish-task; some clients repeat the whole payload of run-task."""

    input: Input | None = None


class RunTask(msgspec.Struct, frozen=True):
    task_id: str
    payload: RunPayload


class ContinueTask(msgspec.Struct, frozen=True):
    task_id: str
    context: list[Turn] | None


class FinishTask(msgspec.Struct, frozen=True):
    task_id: str


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is not valid. `task_id` and `action` are what could be read of them, else ""."""

    task_id: str
    action: str
    error: InvalidParameter


Message = RunTask | ContinueTask | FinishTask | Malformed


class _Frame(msgspec.Struct, frozen=True):
    header: Header
    payload: msgspec.Raw = msgspec.Raw(b"null")


_FRAME = msgspec.json.Decoder(_Frame)
_RUN = msgspec.json.Decoder(RunPayload)
_INPUT = msgspec.json.Decoder(InputPayload | None)
_FILTER = msgspec.json.Decoder(WordFilter)


def decode(text: str) -> Message:
    """Read one text frame. Never raises."""
    action = task_id = path = ""
    try:
        frame = _FRAME.decode(text)
        action, task_id, path = frame.header.action, frame.header.task_id, "payload"
        if action == "run-task":
            return RunTask(task_id, _RUN.decode(frame.payload))
        payload = _INPUT.decode(frame.payload)
        if action == "finish-task":
            return FinishTask(task_id)
        return ContinueTask(task_id, payload.input.context if payload and payload.input else None)
    except (ValueError, RecursionError) as fault:
        if not path:
            action, task_id = _salvage(text)
        return Malformed(task_id, action, explain(fault, path))


def decode_filter(text: str) -> WordFilter:
    """Read a `special_word_filter` that came as a JSON string. Raises InvalidParameter."""
    try:
        return _FILTER.decode(text)
    except (ValueError, RecursionError) as fault:
        raise explain(fault, "payload.parameters.special_word_filter") from fault


def _salvage(text: str) -> tuple[str, str]:
    """Action and task id of a frame whose header is not valid, as far as they can be read."""
    try:
        frame: Any = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return "", ""
    header = frame.get("header") if isinstance(frame, dict) else None
    if not isinstance(header, dict):
        return "", ""
    action, task_id = header.get("action"), header.get("task_id")
    return (
        action if isinstance(action, str) else "",
        task_id if isinstance(task_id, str) and len(task_id) <= 64 else "",
    )
