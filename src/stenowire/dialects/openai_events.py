"""The server's events of OpenAI's realtime transcription: their shape, and how updates and settings fill them.

In: what there is to say. Out: structs, one per type of event, and their text. A few keys are more than either
generation has, and pass as unknown: `id` and `created` beside the session of `session.created` are what a client of
vLLM reads there.
"""

import math
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from stenowire.dialects.hotword_audit import HotwordApplied
from stenowire.dialects.openai_echo import BetaSessionEcho, SessionEcho
from stenowire.errors import (
    BadAudio,
    EmptyBuffer,
    InvalidParameter,
    ModelNotFound,
    ResponseTimeout,
    StenowireError,
    Throttled,
    UnsupportedFormat,
    UnsupportedLanguage,
)
from stenowire.types import Sentence, Word

CODES: tuple[tuple[type[StenowireError], str], ...] = (
    (EmptyBuffer, "input_audio_buffer_commit_empty"),
    (ModelNotFound, "model_not_found"),
    (Throttled, "rate_limit_exceeded"),
    (InvalidParameter, "invalid_value"),
    (UnsupportedFormat, "invalid_value"),
    (BadAudio, "invalid_audio"),
)
"""Names that this protocol has for our errors; the others keep their own. The first match counts."""
PARAMS: tuple[tuple[type[StenowireError], str], ...] = (
    (ModelNotFound, "session.audio.input.transcription.model"),
    (UnsupportedLanguage, "session.audio.input.transcription.language"),
)
"""Where the field stands that such an error is about, whatever another protocol calls it."""


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""
    """Given when the event is written."""


# ---- the session ------------------------------------------------------------------------------------------------


class SessionCreated(ServerEvent, frozen=True, tag="session.created"):
    session: SessionEcho | BetaSessionEcho
    id: str
    created: int


class SessionUpdated(ServerEvent, frozen=True, tag="session.updated"):
    session: SessionEcho | BetaSessionEcho


class TranscriptionSessionCreated(ServerEvent, frozen=True, tag="transcription_session.created"):
    session: SessionEcho | BetaSessionEcho


class TranscriptionSessionUpdated(ServerEvent, frozen=True, tag="transcription_session.updated"):
    session: SessionEcho | BetaSessionEcho


# ---- the audio buffer and the conversation ------------------------------------------------------------------------


class SpeechStarted(ServerEvent, frozen=True, tag="input_audio_buffer.speech_started"):
    item_id: str
    audio_start_ms: int


class SpeechStopped(ServerEvent, frozen=True, tag="input_audio_buffer.speech_stopped"):
    item_id: str
    audio_end_ms: int


class Committed(ServerEvent, frozen=True, tag="input_audio_buffer.committed"):
    item_id: str
    previous_item_id: str | None


class Cleared(ServerEvent, frozen=True, tag="input_audio_buffer.cleared"):
    pass


class Content(msgspec.Struct, frozen=True):
    type: Literal["input_audio"] = "input_audio"
    transcript: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of audio. It is complete once it is committed; its transcript comes in events of its own."""

    id: str
    object: Literal["realtime.item"] = "realtime.item"
    type: Literal["message"] = "message"
    status: Literal["completed"] = "completed"
    role: Literal["user"] = "user"
    content: tuple[Content, ...] = (Content(),)


class ItemAdded(ServerEvent, frozen=True, tag="conversation.item.added"):
    previous_item_id: str | None
    item: Item


class ItemDone(ServerEvent, frozen=True, tag="conversation.item.done"):
    previous_item_id: str | None
    item: Item


class ItemCreated(ServerEvent, frozen=True, tag="conversation.item.created"):
    """What the beta generation has for both of the above."""

    previous_item_id: str | None
    item: Item


# ---- what was said ------------------------------------------------------------------------------------------------


class Usage(msgspec.Struct, frozen=True):
    seconds: float
    """Of the item's audio."""
    type: Literal["duration"] = "duration"


class LogProb(msgspec.Struct, frozen=True):
    """A word with its leading blank and its marks stands for a token; bytes are its UTF-8."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class DetectedLanguage(msgspec.Struct, frozen=True):
    code: str


class TranscriptionDelta(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.delta"):
    item_id: str
    delta: str
    content_index: int = 0


class TranscriptionCompleted(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.completed"):
    item_id: str
    transcript: str
    usage: Usage
    content_index: int = 0
    logprobs: tuple[LogProb, ...] | UnsetType = UNSET
    languages: tuple[DetectedLanguage, ...] | UnsetType = UNSET
    hotwords_applied: list[HotwordApplied] | UnsetType = UNSET


class ItemError(msgspec.Struct, frozen=True):
    type: str
    code: str
    message: str
    param: str | None = None


class TranscriptionFailed(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.failed"):
    item_id: str
    error: ItemError
    content_index: int = 0


# ---- errors -------------------------------------------------------------------------------------------------------


class ErrorBody(msgspec.Struct, frozen=True):
    type: Literal["invalid_request_error", "server_error"]
    code: str
    message: str
    param: str | None = None
    event_id: str | None = None
    """Of the client's event at fault, where it had one."""


class Error(ServerEvent, frozen=True, tag="error"):
    error: ErrorBody


_ENCODER = msgspec.json.Encoder()


def text(event: ServerEvent, event_id: str) -> str:
    return _ENCODER.encode(msgspec.structs.replace(event, event_id=event_id)).decode()


# ---- filling them -------------------------------------------------------------------------------------------------


def logprobs(sentence: Sentence) -> tuple[LogProb, ...] | UnsetType:
    """From the words' confidences; absent where the engine has none, rather than made up."""
    if not sentence.words or any(word.confidence is None for word in sentence.words):
        return UNSET
    return tuple(_logprob(word, " " if index else "") for index, word in enumerate(sentence.words))


def _logprob(word: Word, blank: str) -> LogProb:
    token = blank + word.text + word.mark
    return LogProb(token, math.log(max(word.confidence or 0.0, 1e-6)), tuple(token.encode()))


def languages(sentence: Sentence) -> tuple[DetectedLanguage, ...] | UnsetType:
    return (DetectedLanguage(sentence.language),) if sentence.language else UNSET


def code_of(error: StenowireError) -> str:
    return next((code for kind, code in CODES if isinstance(error, kind)), error.code)


def param_of(error: StenowireError) -> str | None:
    return next((param for kind, param in PARAMS if isinstance(error, kind)), error.param)


def error_body(error: StenowireError, event_id: str | None = None, code: str | None = None) -> ErrorBody:
    """Whether the client is to blame or the server decides the type; whether the session goes on is said elsewhere."""
    ours = error.http_status >= 500 or isinstance(error, Throttled | ResponseTimeout)
    kind: Literal["invalid_request_error", "server_error"] = "server_error" if ours else "invalid_request_error"
    return ErrorBody(kind, code or code_of(error), error.message, param_of(error), event_id)


def item_error(error: StenowireError) -> ItemError:
    body = error_body(error)
    return ItemError(body.type, body.code, body.message, body.param)
