"""The session as it is reported to its client: what is in force, in either generation of names.

In: a `Config`. Out: the session object of the events that create and update one.
"""

import msgspec
from msgspec import UNSET, UnsetType

from stenowire.dialects.openai_session import Config, SemanticVad, ServerVad, Transcription
from stenowire.dialects.openai_wire import NoiseFields
from stenowire.types import Encoding

FORMATS: dict[Encoding, str] = {"pcm": "audio/pcm", "mulaw": "audio/pcmu", "alaw": "audio/pcma"}
BETA_FORMATS: dict[Encoding, str] = {"pcm": "pcm16", "mulaw": "g711_ulaw", "alaw": "g711_alaw"}

Turn = ServerVad | SemanticVad


class FormatEcho(msgspec.Struct, frozen=True):
    type: str
    rate: int | UnsetType = UNSET


class InputEcho(msgspec.Struct, frozen=True):
    format: FormatEcho
    transcription: Transcription
    noise_reduction: NoiseFields | None
    turn_detection: Turn | None


class AudioEcho(msgspec.Struct, frozen=True):
    input: InputEcho


class SessionEcho(msgspec.Struct, frozen=True):
    type: str
    object: str
    id: str
    expires_at: int
    """Seconds since 1970."""
    audio: AudioEcho
    include: tuple[str, ...] | None


class BetaSessionEcho(msgspec.Struct, frozen=True):
    id: str
    object: str
    expires_at: int
    input_audio_format: str
    input_audio_transcription: Transcription
    input_audio_noise_reduction: NoiseFields | None
    turn_detection: Turn | None
    include: tuple[str, ...] | None
    modalities: tuple[str, ...] = ("text",)


def echo(config: Config, session_id: str, expires_at: int) -> SessionEcho:
    given = config.format
    rate = given.rate_hz if given.encoding == "pcm" else UNSET
    return SessionEcho(
        type=config.kind,
        object="realtime.session" if config.kind == "realtime" else "realtime.transcription_session",
        id=session_id,
        expires_at=expires_at,
        audio=AudioEcho(
            InputEcho(
                format=FormatEcho(FORMATS[given.encoding], rate),
                transcription=config.transcription,
                noise_reduction=config.noise,
                turn_detection=config.turn,
            )
        ),
        include=config.include,
    )


def beta_echo(config: Config, session_id: str, expires_at: int) -> BetaSessionEcho:
    return BetaSessionEcho(
        id=session_id,
        object="realtime.transcription_session",
        expires_at=expires_at,
        input_audio_format=BETA_FORMATS[config.format.encoding],
        input_audio_transcription=config.transcription,
        input_audio_noise_reduction=config.noise,
        turn_detection=config.turn,
        include=config.include,
    )
