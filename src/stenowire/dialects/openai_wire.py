"""The client's events of OpenAI's realtime transcription, in both generations of their names.

In: the text of a frame. Out: a struct whose types and ranges hold, or `Malformed`, which names the field at fault.
Rules of the wire: an absent key leaves a setting as it is, null puts it back to its default, unknown keys are ignored.
The newer generation (GA) nests what concerns the input in `session.audio.input`; the older one (beta) has it flat and
under other names. Either is read in either event. What the settings mean is said in `openai_session`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from stenowire.dialects.faults import explain
from stenowire.dialects.realtime_wire import AppendAudio, ClearAudio, ClientEvent, CommitAudio, Malformed
from stenowire.errors import InvalidParameter

MAX_PROMPT_CHARS = 40_000
MAX_KEYWORDS = 2000

Milliseconds = Annotated[int, Meta(ge=0, le=600_000)]
FormatName = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
BetaFormatName = Literal["pcm16", "g711_ulaw", "g711_alaw"]
Eagerness = Literal["low", "medium", "high", "auto"]
Kind = Literal["transcription", "realtime"]
Delay = Literal["minimal", "low", "medium", "high", "xhigh"]


class TranscriptionFields(msgspec.Struct, frozen=True, kw_only=True):
    model: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    languages: list[str] | UnsetType | None = UNSET
    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARS)] | UnsetType | None = UNSET
    keywords: Annotated[list[str], Meta(max_length=MAX_KEYWORDS)] | UnsetType | None = UNSET
    delay: Delay | UnsetType | None = UNSET


class TurnFields(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["server_vad", "semantic_vad"] | UnsetType = UNSET
    threshold: Annotated[float, Meta(ge=0, le=1)] | UnsetType | None = UNSET
    prefix_padding_ms: Milliseconds | UnsetType | None = UNSET
    silence_duration_ms: Milliseconds | UnsetType | None = UNSET
    idle_timeout_ms: Milliseconds | UnsetType | None = UNSET
    eagerness: Eagerness | UnsetType | None = UNSET


class NoiseFields(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    type: Literal["near_field", "far_field"] | UnsetType | None = UNSET
    strength: Annotated[float, Meta(ge=0)] | UnsetType | None = UNSET


class FormatFields(msgspec.Struct, frozen=True, kw_only=True):
    type: FormatName | UnsetType | None = UNSET
    rate: Annotated[int, Meta(ge=8000, le=48_000)] | UnsetType | None = UNSET


class InputFields(msgspec.Struct, frozen=True, kw_only=True):
    format: FormatFields | UnsetType | None = UNSET
    transcription: TranscriptionFields | UnsetType | None = UNSET
    noise_reduction: NoiseFields | UnsetType | None = UNSET
    turn_detection: TurnFields | UnsetType | None = UNSET


class AudioFields(msgspec.Struct, frozen=True):
    input: InputFields | None = None


class SessionFields(msgspec.Struct, frozen=True, kw_only=True):
    type: Kind | None = None
    audio: AudioFields | None = None
    include: list[str] | UnsetType | None = UNSET
    input_audio_format: BetaFormatName | UnsetType | None = UNSET
    input_audio_transcription: TranscriptionFields | UnsetType | None = UNSET
    input_audio_noise_reduction: NoiseFields | UnsetType | None = UNSET
    turn_detection: TurnFields | UnsetType | None = UNSET


class UpdateSession(ClientEvent, frozen=True, tag="session.update"):
    session: SessionFields


class UpdateTranscriptionSession(ClientEvent, frozen=True, tag="transcription_session.update"):
    session: SessionFields


Message = UpdateSession | UpdateTranscriptionSession | AppendAudio | CommitAudio | ClearAudio
KNOWN = (
    "session.update, transcription_session.update, input_audio_buffer.append, input_audio_buffer.commit and "
    "input_audio_buffer.clear"
)


class _Loose(msgspec.Struct, frozen=True):
    event_id: Any = None


_MESSAGE = msgspec.json.Decoder(Message)
_LOOSE = msgspec.json.Decoder(_Loose)


def decode(text: str) -> Message | Malformed:
    """Read one text frame. Never raises."""
    try:
        message: Message = _MESSAGE.decode(text)
        return message
    except (ValueError, RecursionError) as fault:
        error = explain(fault)
        if error.param == "type" and "required" not in error.message:
            error = InvalidParameter(f"type: this server only transcribes; the events it takes are {KNOWN}", "type")
        return Malformed(_code(error), error, _salvage(text))


def _code(error: InvalidParameter) -> str:
    """The service's name for what is wrong with a field."""
    if error.param is None:
        return "invalid_json"
    if "this field is required" in error.message:
        return "missing_required_parameter"
    return "invalid_type" if ", got `" in error.message else "invalid_value"


def _salvage(text: str) -> str | None:
    """The id of an event that is not valid, as far as it can be read."""
    try:
        event_id = _LOOSE.decode(text).event_id
    except (ValueError, RecursionError):
        return None
    return event_id if isinstance(event_id, str) and len(event_id) <= 512 else None
