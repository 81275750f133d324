"""The session as it is reported to its client: what is in force, in the client's own spelling.

In: a `Config`. Out: the session object of session.created and session.updated.
"""

from typing import Literal

import msgspec

from stenowire.dialects.qwen_session import Config, Turn
from stenowire.types import NoiseReduction


class CorpusEcho(msgspec.Struct, frozen=True):
    text: str


class TranscriptionEcho(msgspec.Struct, frozen=True, omit_defaults=True):
    model: str | None = None
    language: str | None = None
    corpus: CorpusEcho | None = None


class TurnEcho(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["server_vad"] = "server_vad"
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    create_response: bool | msgspec.UnsetType = msgspec.UNSET
    interrupt_response: bool | msgspec.UnsetType = msgspec.UNSET


class FormatEcho(msgspec.Struct, frozen=True):
    type: str
    sample_rate: int


class InputEcho(msgspec.Struct, frozen=True):
    format: FormatEcho


class AudioEcho(msgspec.Struct, frozen=True):
    input: InputEcho


class SessionEcho(msgspec.Struct, frozen=True, kw_only=True):
    """The format stands in both places where clients look for it."""

    id: str
    object: Literal["realtime.session"] = "realtime.session"
    model: str
    modalities: tuple[str, ...] = ("text",)
    input_audio_format: str
    sample_rate: int
    audio: AudioEcho
    input_audio_transcription: TranscriptionEcho | None
    turn_detection: TurnEcho | None
    noise_reduction: NoiseReduction | msgspec.UnsetType = msgspec.UNSET
    instructions: str | msgspec.UnsetType = msgspec.UNSET


def echo(config: Config, session_id: str, model: str) -> SessionEcho:
    corpus = CorpusEcho(config.corpus) if config.corpus else None
    known = TranscriptionEcho(language=config.language, corpus=corpus)
    return SessionEcho(
        id=session_id,
        model=model,
        input_audio_format=config.format_name,
        sample_rate=config.rate_hz,
        audio=AudioEcho(InputEcho(FormatEcho(config.format_name, config.rate_hz))),
        input_audio_transcription=known if known != TranscriptionEcho() else None,
        turn_detection=turn_echo(config.turn) if config.turn else None,
        noise_reduction=config.noise_reduction or msgspec.UNSET,
    )


def turn_echo(turn: Turn) -> TurnEcho:
    return TurnEcho(threshold=turn.threshold, prefix_padding_ms=turn.prefix_ms, silence_duration_ms=turn.silence_ms)
