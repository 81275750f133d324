"""The server's events of the session protocol: their shape, and how updates and settings fill them.

In: what there is to say. Out: structs, one per type of event, and their text. Clients read these events by fixed keys,
so none is left out. There is no notion of emotion in any engine here yet: where it has none, it reads "neutral".
"""

import math
from typing import Literal

import msgspec

from stenowire.dialects.hotword_audit import HotwordApplied
from stenowire.dialects.qwen_echo import SessionEcho
from stenowire.errors import (
    BadAudio,
    EmptyBuffer,
    InvalidParameter,
    ModelNotFound,
    ResponseTimeout,
    StenowireError,
    Throttled,
    UnsupportedLanguage,
)
from stenowire.types import Sentence

NEUTRAL = "neutral"

CODES: tuple[tuple[type[StenowireError], str], ...] = (
    (EmptyBuffer, "input_audio_buffer_commit_empty"),
    (InvalidParameter, "invalid_value"),
    (BadAudio, "invalid_audio"),
)
"""Names that this protocol has for our errors; the others keep their own. The first match counts."""
PARAMS: tuple[tuple[type[StenowireError], str], ...] = (
    (ModelNotFound, "model"),
    (UnsupportedLanguage, "session.input_audio_transcription.language"),
)
"""Where the field stands that such an error is about, whatever another protocol calls it."""


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: str = ""
    """Given when the event is written."""


# ---- the session ------------------------------------------------------------------------------------------------


class SessionCreated(ServerEvent, frozen=True, tag="session.created"):
    session: SessionEcho


class SessionUpdated(ServerEvent, frozen=True, tag="session.updated"):
    session: SessionEcho


class SessionFinished(ServerEvent, frozen=True, tag="session.finished"):
    pass


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
    type: str
    transcript: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET


class Item(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["realtime.item"] = "realtime.item"
    type: Literal["message"] = "message"
    status: Literal["in_progress", "completed", "incomplete"] = "in_progress"
    role: Literal["user", "assistant"] = "user"
    content: list[Content]


class ItemCreated(ServerEvent, frozen=True, tag="conversation.item.created"):
    previous_item_id: str | None
    item: Item


# ---- what was said ------------------------------------------------------------------------------------------------


class Usage(msgspec.Struct, frozen=True):
    seconds: int
    """Of the item's audio, rounded up."""
    type: Literal["duration"] = "duration"


class Transcription(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.text"):
    """`text` + `stash` is the whole item as it stands; `text` is settled and only grows."""

    item_id: str
    language: str
    text: str
    stash: str
    emotion: str
    content_index: int = 0


class TranscriptionCompleted(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.completed"):
    item_id: str
    language: str
    emotion: str
    transcript: str
    usage: Usage
    content_index: int = 0
    hotwords_applied: list[HotwordApplied] | msgspec.UnsetType = msgspec.UNSET


class ItemError(msgspec.Struct, frozen=True):
    code: str
    message: str
    param: str | None = None


class TranscriptionFailed(ServerEvent, frozen=True, tag="conversation.item.input_audio_transcription.failed"):
    item_id: str
    error: ItemError
    content_index: int = 0


TRANSCRIPTIONS = Transcription | TranscriptionCompleted | TranscriptionFailed


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


def user_item(item_id: str) -> Item:
    return Item(id=item_id, content=[Content("input_audio", transcript=None)])


def usage_of(sentence: Sentence) -> Usage:
    return Usage(math.ceil(((sentence.end_ms or sentence.begin_ms) - sentence.begin_ms) / 1000))


def code_of(error: StenowireError) -> str:
    return next((code for kind, code in CODES if isinstance(error, kind)), error.code)


def param_of(error: StenowireError) -> str | None:
    return next((param for kind, param in PARAMS if isinstance(error, kind)), error.param)


def item_error(error: StenowireError) -> ItemError:
    return ItemError(code_of(error), error.message, param_of(error))


def error_body(error: StenowireError, event_id: str | None = None, code: str | None = None) -> ErrorBody:
    """Whether the client is to blame or the server decides the type; whether the session goes on is said elsewhere."""
    ours = error.http_status >= 500 or isinstance(error, Throttled | ResponseTimeout)
    kind: Literal["invalid_request_error", "server_error"] = "server_error" if ours else "invalid_request_error"
    return ErrorBody(kind, code or code_of(error), error.message, param_of(error), event_id)
