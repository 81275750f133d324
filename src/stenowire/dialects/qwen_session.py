"""What is in force in a session of the session protocol, and what that means in the inner language.

In: the fields of a `session.update`. Out: a new `Config`, or an InvalidParameter that names the field; then the hint,
the segmentation and the format that it stands for. Fields that were not sent stay as they are, at every depth.

Accepted without effect: `modalities` (answers are text), `instructions` (Omni obeys them), the model named inside
`input_audio_transcription`, voices, output formats, tools and whatever else the general classes of the SDKs send.
"""

from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from stenowire.dialects.realtime_wire import (
    FormatFields,
    FormatName,
    Given,
    SessionFields,
    TranscriptionFields,
    TurnFields,
)
from stenowire.errors import InvalidParameter
from stenowire.events import Reconfigure
from stenowire.text.tokens import MAX_CONTEXT_TOKENS, count_tokens
from stenowire.types import AudioFormat, Encoding, Hint, NoiseReduction, Segmentation

T = TypeVar("T")

ENCODINGS: dict[FormatName, Encoding] = {"pcm": "pcm", "pcm16": "pcm", "wav": "wav", "opus": "opus_packets"}
"""Names of the wire -> what is decoded. How opus is framed is said nowhere: in Ogg, or a packet in each append."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Turn detection by voice activity. Defaults as in the vendor's page on session.update."""

    threshold: float = 0.2
    silence_ms: int = 800
    prefix_ms: int = 300
    create_response: bool = True
    """Whether a turn is answered without being asked; only Omni answers turns."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    format_name: FormatName = "pcm"
    """As the client spelled it."""
    rate_hz: int = 16_000
    transcribes: bool = True
    """Whether the client wants `input_audio_transcription`; for a recogniser that is always so."""
    language: str | None = None
    corpus: str = ""
    instructions: str = ""
    turn: Turn | None = Turn()
    """None is manual mode."""
    noise_reduction: NoiseReduction | None = None
    """None: what the server's settings say."""
    audit: bool = False
    """Whether transcripts say which terms were written."""

    @property
    def context(self) -> str:
        return "\n".join(part for part in (self.instructions, self.corpus) if part)


def merge(config: Config, fields: SessionFields, defaults: Config) -> Config:
    """`config` with the fields of an update. Raises InvalidParameter."""
    name, rate_hz = _format_fields(fields)
    merged = msgspec.structs.replace(
        config,
        format_name=_pick(name, config.format_name, defaults.format_name),
        rate_hz=_pick(rate_hz, config.rate_hz, defaults.rate_hz),
        turn=_merge_turn(config.turn, fields.turn_detection, defaults.turn or Turn()),
        noise_reduction=_pick(fields.noise_reduction, config.noise_reduction, defaults.noise_reduction),
        audit=_pick(fields.hotword_audit, config.audit, defaults.audit),
    )
    merged = _merge_transcription(merged, fields.input_audio_transcription)
    check_length("input_audio_transcription.corpus.text", merged.corpus)
    return merged


def check_length(path: str, context: str) -> None:
    """Raises InvalidParameter."""
    tokens = count_tokens(context)
    if tokens > MAX_CONTEXT_TOKENS:
        raise invalid(path, f"{tokens} tokens, and at most {MAX_CONTEXT_TOKENS} are accepted")


def invalid(path: str, reason: str) -> InvalidParameter:
    path = f"session.{path}"
    return InvalidParameter(f"{path}: {reason}", path)


# ---- merging ----------------------------------------------------------------------------------------------------


def _pick(value: Given[T], current: T, default: T) -> T:
    if isinstance(value, UnsetType):
        return current
    return default if value is None else value


def _format_fields(fields: SessionFields) -> tuple[Given[FormatName], Given[int]]:
    """(name, rate): from the place that newer clients use, where they use it."""
    newer = (fields.audio and fields.audio.input and fields.audio.input.format) or FormatFields()
    name = fields.input_audio_format if newer.type is UNSET else newer.type
    return name, fields.sample_rate if newer.sample_rate is UNSET else newer.sample_rate


def _merge_turn(turn: Turn | None, fields: Given[TurnFields], default: Turn) -> Turn | None:
    if isinstance(fields, UnsetType):
        return turn
    if fields is None:
        return None
    now = turn or default
    return Turn(
        threshold=_pick(fields.threshold, now.threshold, default.threshold),
        silence_ms=_pick(fields.silence_duration_ms, now.silence_ms, default.silence_ms),
        prefix_ms=_pick(fields.prefix_padding_ms, now.prefix_ms, default.prefix_ms),
        create_response=_pick(fields.create_response, now.create_response, default.create_response),
    )


def _merge_transcription(config: Config, fields: Given[TranscriptionFields]) -> Config:
    if isinstance(fields, UnsetType):
        return config
    if fields is None:
        return msgspec.structs.replace(config, transcribes=False, language=None, corpus="")
    language: str | None = _pick(fields.language, config.language, None)
    text = UNSET if isinstance(fields.corpus, UnsetType) else fields.corpus and fields.corpus.text
    return msgspec.structs.replace(
        config,
        transcribes=True,
        language=None if language in ("", "auto") else language,
        corpus=_pick(text, config.corpus, ""),
    )


# ---- meaning ----------------------------------------------------------------------------------------------------


def audio_format(config: Config) -> AudioFormat:
    return AudioFormat(encoding=ENCODINGS[config.format_name], rate_hz=config.rate_hz)


def segmentation(config: Config) -> Segmentation:
    turn = config.turn
    if turn is None:
        return Segmentation(mode="manual")
    return Segmentation(threshold=turn.threshold, silence_ms=turn.silence_ms, prefix_ms=turn.prefix_ms)


def hint(config: Config) -> Hint:
    return Hint(language=config.language, context=config.context)


def change(session: str, before: Config, after: Config) -> Reconfigure:
    """Only what differs: naming a format again would break a stream at its place."""
    was, now = hint(before), hint(after)
    cut, cuts = segmentation(before), segmentation(after)
    given, gives = audio_format(before), audio_format(after)
    return Reconfigure(
        session,
        hint=now if now != was else None,
        segmentation=cuts if cuts != cut else None,
        format=gives if gives != given else None,
        noise_reduction=after.noise_reduction if after.noise_reduction != before.noise_reduction else None,
    )
