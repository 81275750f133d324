"""The client's events of the session protocol: their shape, and the one place that decides whether one is valid.

In: the text of a frame. Out: a struct whose types and ranges hold, or `Malformed`, which names the field at fault.
Rules of the wire: an absent key leaves a setting as it is, null puts it back to its default, unknown keys are ignored,
a number in quotes is not a number. Base64 is decoded straight into bytes. `event_id` is optional and never compared.
What the settings mean is said in `qwen_session`; the server's events are in `qwen_events`.
"""

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from stenowire.dialects.faults import explain
from stenowire.errors import InvalidParameter
from stenowire.types import NoiseReduction

MAX_AUDIO_BYTES = 15 << 20
"""Of one append, once its base64 is decoded."""
MAX_TEXT_CHARS = 22 << 20
"""The largest append in base64, and its envelope."""

T = TypeVar("T")
Given: TypeAlias = T | UnsetType | None
"""UNSET where the client did not send it, None where it sent null."""
EventId = Annotated[str, Meta(max_length=512)]
RateHz = Annotated[int, Meta(ge=8000, le=48_000)]
FormatName = Literal["pcm", "pcm16", "wav", "opus"]
Language = Literal[
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi",
    "cs", "da", "fil", "fi", "is", "ms", "no", "pl", "sv", "auto", "",
]  # fmt: skip
"""The protocol's codes; the last two mean that the client does not know."""


class CorpusFields(msgspec.Struct, frozen=True):
    text: Given[str] = UNSET


class TranscriptionFields(msgspec.Struct, frozen=True):
    language: Given[Language] = UNSET
    corpus: Given[CorpusFields] = UNSET


class TurnFields(msgspec.Struct, frozen=True):
    type: Literal["server_vad"] = "server_vad"
    threshold: Given[Annotated[float, Meta(ge=-1, le=1)]] = UNSET
    silence_duration_ms: Given[Annotated[int, Meta(ge=200, le=6000)]] = UNSET
    prefix_padding_ms: Given[Annotated[int, Meta(ge=0, le=5000)]] = UNSET
    create_response: Given[bool] = UNSET


class FormatFields(msgspec.Struct, frozen=True):
    type: Given[FormatName] = UNSET
    sample_rate: Given[RateHz] = UNSET


class InputFields(msgspec.Struct, frozen=True):
    format: FormatFields | None = None


class AudioFields(msgspec.Struct, frozen=True):
    input: InputFields | None = None


class SessionFields(msgspec.Struct, frozen=True, kw_only=True):
    modalities: Given[list[str]] = UNSET
    instructions: Given[str] = UNSET
    input_audio_format: Given[FormatName] = UNSET
    sample_rate: Given[RateHz] = UNSET
    audio: AudioFields | None = None
    input_audio_transcription: Given[TranscriptionFields] = UNSET
    turn_detection: Given[TurnFields] = UNSET
    noise_reduction: Given[NoiseReduction] = UNSET
    """An extension of this server; null is what its settings say."""
    hotword_audit: Given[bool] = UNSET
    """Another one: say with each transcript which terms were written, and why."""


class ClientEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    event_id: EventId | None = None


class SessionUpdate(ClientEvent, frozen=True, tag="session.update"):
    session: SessionFields


class SessionFinish(ClientEvent, frozen=True, tag="session.finish"):
    pass


class AppendAudio(ClientEvent, frozen=True, tag="input_audio_buffer.append"):
    audio: Annotated[bytes, Meta(max_length=MAX_AUDIO_BYTES)]


class CommitAudio(ClientEvent, frozen=True, tag="input_audio_buffer.commit"):
    pass


class ClearAudio(ClientEvent, frozen=True, tag="input_audio_buffer.clear"):
    pass


class CreateResponse(ClientEvent, frozen=True, tag="response.create"):
    pass


class CancelResponse(ClientEvent, frozen=True, tag="response.cancel"):
    pass


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is not valid. `event_id` is what could be read of it."""

    code: str
    error: InvalidParameter
    event_id: str | None = None


Message = SessionUpdate | SessionFinish | AppendAudio | CommitAudio | ClearAudio | CreateResponse | CancelResponse


class _Loose(msgspec.Struct, frozen=True):
    event_id: Any = None


_MESSAGE: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_LOOSE = msgspec.json.Decoder(_Loose)


def decode(text: str) -> Message | Malformed:
    """Read one text frame. Never raises."""
    try:
        return _MESSAGE.decode(text)
    except (ValueError, RecursionError) as fault:
        error = explain(fault)
        return Malformed(_code(error.param or ""), error, _salvage(text))


def _code(path: str) -> str:
    if path.startswith("session"):
        return "invalid_value"
    return "invalid_audio" if path == "audio" else "invalid_event"


def _salvage(text: str) -> str | None:
    """The id of an event that is not valid, as far as it can be read."""
    try:
        event_id = _LOOSE.decode(text).event_id
    except (ValueError, RecursionError):
        return None
    return event_id if isinstance(event_id, str) and len(event_id) <= 512 else None
