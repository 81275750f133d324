"""What is in force in a session of OpenAI's realtime transcription, and what that means in the inner language.

In: the fields of an update. Out: a new `Config`, or an InvalidParameter that names the field; then the Open or the
Reconfigure that it stands for. Fields that were not sent stay as they are, at every depth.

Accepted without effect: `delay`, `idle_timeout_ms`, and whatever a conversation would need (tools, voices,
instructions, `create_response`): this server listens and never answers. Both kinds of `noise_reduction` mean `auto`:
clients ask for one by habit, and reducing noise where there is none costs words (dev/LOG.md, "Noise reduction").
"""

from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from stenowire.dialects.openai_wire import (
    BetaFormatName,
    Delay,
    Eagerness,
    FormatFields,
    FormatName,
    InputFields,
    Kind,
    NoiseFields,
    SessionFields,
    TranscriptionFields,
    TurnFields,
)
from stenowire.errors import InvalidParameter
from stenowire.events import Open, Reconfigure
from stenowire.types import AudioFormat, Encoding, Hint, HotWord, Limits, NoiseReduction, Segmentation

T = TypeVar("T")

LOGPROBS = "item.input_audio_transcription.logprobs"
HOTWORDS_APPLIED = "item.input_audio_transcription.hotwords_applied"
"""An extension of this server."""
PCM_RATE_HZ = 24_000
"""What `audio/pcm` means when no rate is named; others from 8000 to 48000 are an extension of this server."""
TELEPHONE_RATE_HZ = 8_000

ENCODINGS: dict[FormatName | BetaFormatName, Encoding] = {
    "audio/pcm": "pcm",
    "audio/pcmu": "mulaw",
    "audio/pcma": "alaw",
    "pcm16": "pcm",
    "g711_ulaw": "mulaw",
    "g711_alaw": "alaw",
}
SILENCE_MS: dict[Eagerness, int] = {"low": 4000, "medium": 2000, "auto": 2000, "high": 1000}
"""Trailing silence that ends a turn whatever was said, by eagerness: half the service's longest waits of 8, 4, 2 s."""
LEAST_SILENCE_MS, MOST_SILENCE_MS, MOST_PREFIX_MS = 200, 6000, 5000
"""What the segmenter keeps to; a client that asks for more or less is told what is in force."""
KEYWORD_WEIGHT = 4


class Transcription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    language: str | None = None
    languages: tuple[str, ...] = ()
    prompt: str = ""
    keywords: tuple[str, ...] = ()
    delay: Delay | None = None


class ServerVad(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="server_vad"):
    threshold: float = 0.5
    """0..1; 0.5 is the detector's own advice."""
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None


class SemanticVad(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="semantic_vad"):
    eagerness: Eagerness = "auto"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    transcription: Transcription
    kind: Kind = "transcription"
    """As the client calls it; a "realtime" session is transcribed too, and never answered."""
    format: AudioFormat = AudioFormat("pcm", PCM_RATE_HZ)
    turn: ServerVad | SemanticVad | None = ServerVad()
    """None leaves it to the client to commit."""
    noise: NoiseFields | None = None
    """As the client spelled it."""
    noise_reduction: NoiseReduction | None = None
    """None until the client has said: what the server's settings say."""
    include: tuple[str, ...] | None = None

    @property
    def logprobs(self) -> bool:
        return LOGPROBS in (self.include or ())

    @property
    def audit(self) -> bool:
        return HOTWORDS_APPLIED in (self.include or ())


def merge(config: Config, fields: SessionFields, defaults: Config) -> Config:
    """`config` with the fields of an update. Raises InvalidParameter; then nothing has changed."""
    given = _input(fields)
    include = tuple(fields.include) if isinstance(fields.include, list) else fields.include
    return msgspec.structs.replace(
        config,
        kind=fields.type or config.kind,
        format=_format(config.format, given.format, fields.input_audio_format),
        transcription=_transcription(config.transcription, given.transcription, defaults.transcription),
        turn=_turn(config.turn, given.turn_detection),
        noise=config.noise if given.noise_reduction is UNSET else _noise(config.noise, given.noise_reduction),
        noise_reduction=_noise_reduction(config.noise_reduction, given.noise_reduction),
        include=_pick(include, config.include, None),
    )


# ---- merging ----------------------------------------------------------------------------------------------------


def _pick(value: T | UnsetType | None, current: T, default: T) -> T:
    if isinstance(value, UnsetType):
        return current
    return default if value is None else value


def _input(fields: SessionFields) -> InputFields:
    """The nested form, filled up with what came flat."""
    nested = (fields.audio and fields.audio.input) or InputFields()
    flat = {
        "transcription": fields.input_audio_transcription,
        "noise_reduction": fields.input_audio_noise_reduction,
        "turn_detection": fields.turn_detection,
    }
    return msgspec.structs.replace(
        nested, **{name: value for name, value in flat.items() if getattr(nested, name) is UNSET}
    )


def _format(
    now: AudioFormat, fields: FormatFields | UnsetType | None, flat: BetaFormatName | UnsetType | None
) -> AudioFormat:
    if isinstance(fields, UnsetType):
        return now if isinstance(flat, UnsetType) else _named(flat or "pcm16", None)
    if fields is None:
        return _named("audio/pcm", None)
    rate_hz = None if isinstance(fields.rate, UnsetType) else fields.rate
    if not isinstance(fields.type, UnsetType):
        return _named(fields.type or "audio/pcm", rate_hz)
    return _named(next(name for name, encoding in ENCODINGS.items() if encoding == now.encoding), rate_hz)


def _named(name: FormatName | BetaFormatName, rate_hz: int | None) -> AudioFormat:
    encoding = ENCODINGS[name]
    if encoding == "pcm":
        return AudioFormat(encoding, rate_hz or PCM_RATE_HZ)
    if rate_hz not in (None, TELEPHONE_RATE_HZ):
        path = "session.audio.input.format.rate"
        raise InvalidParameter(f"{path}: {name} has {TELEPHONE_RATE_HZ} samples a second, not {rate_hz}", path)
    return AudioFormat(encoding, TELEPHONE_RATE_HZ)


def _transcription(
    now: Transcription, fields: TranscriptionFields | UnsetType | None, default: Transcription
) -> Transcription:
    if isinstance(fields, UnsetType):
        return now
    if fields is None:
        return default
    return Transcription(
        model=_pick(fields.model, now.model, default.model) or default.model,
        language=_pick(fields.language, now.language, None),
        languages=tuple(_pick(fields.languages, now.languages, ())),
        prompt=_pick(fields.prompt, now.prompt, ""),
        keywords=tuple(_pick(fields.keywords, now.keywords, ())),
        delay=_pick(fields.delay, now.delay, None),
    )


def _turn(now: ServerVad | SemanticVad | None, fields: TurnFields | UnsetType | None) -> ServerVad | SemanticVad | None:
    """Settings of one kind of turn detection do not outlive a change to the other."""
    if isinstance(fields, UnsetType):
        return now
    if fields is None:
        return None
    if fields.type == "semantic_vad" or (fields.type is UNSET and isinstance(now, SemanticVad)):
        semantic = now if isinstance(now, SemanticVad) else SemanticVad()
        return SemanticVad(eagerness=_pick(fields.eagerness, semantic.eagerness, "auto"))
    vad = now if isinstance(now, ServerVad) else ServerVad()
    silence_ms = _pick(fields.silence_duration_ms, vad.silence_duration_ms, 500)
    return ServerVad(
        threshold=_pick(fields.threshold, vad.threshold, 0.5),
        prefix_padding_ms=min(MOST_PREFIX_MS, _pick(fields.prefix_padding_ms, vad.prefix_padding_ms, 300)),
        silence_duration_ms=min(MOST_SILENCE_MS, max(LEAST_SILENCE_MS, silence_ms)),
        idle_timeout_ms=_pick(fields.idle_timeout_ms, vad.idle_timeout_ms, None),
    )


def _noise(now: NoiseFields | None, fields: NoiseFields | UnsetType | None) -> NoiseFields | None:
    if fields is None or isinstance(fields, UnsetType):
        return None
    now = now or NoiseFields()
    return NoiseFields(type=_pick(fields.type, now.type, UNSET), strength=_pick(fields.strength, now.strength, UNSET))


def _noise_reduction(now: NoiseReduction | None, fields: NoiseFields | UnsetType | None) -> NoiseReduction | None:
    if isinstance(fields, UnsetType):
        return now
    return "off" if fields is None else "auto"


# ---- meaning ----------------------------------------------------------------------------------------------------


def segmentation(config: Config) -> Segmentation:
    match config.turn:
        case ServerVad() as vad:
            return Segmentation(
                threshold=2 * vad.threshold - 1,
                silence_ms=vad.silence_duration_ms,
                prefix_ms=vad.prefix_padding_ms,
            )
        case SemanticVad(eagerness=eagerness):
            return Segmentation(mode="semantic", silence_ms=SILENCE_MS[eagerness])
        case None:
            return Segmentation(mode="manual")


def hint(config: Config) -> Hint:
    """Of several languages the first: a hint holds one."""
    said = config.transcription
    named = [said.language or "", *said.languages]
    return Hint(
        language=next((language for language in named if language and language != "auto"), None),
        hotwords=tuple(HotWord(word, KEYWORD_WEIGHT) for word in said.keywords if word.strip()),
        context=said.prompt,
    )


def opening(session: str, config: Config, limits: Limits) -> Open:
    return Open(
        session=session,
        model=config.transcription.model,
        format=config.format,
        segmentation=segmentation(config),
        hint=hint(config),
        limits=limits,
        answer_empty=True,
        # Whether it is told may change with any update.
        audit=True,
        noise_reduction=config.noise_reduction,
    )


def change(session: str, before: Config, after: Config) -> Reconfigure:
    """The format only when it differs: naming it again would break a stream at its place."""
    return Reconfigure(
        session,
        hint=hint(after),
        segmentation=segmentation(after),
        format=after.format if after.format != before.format else None,
        noise_reduction=after.noise_reduction if after.noise_reduction != before.noise_reduction else None,
    )


def bytes_per_second(format: AudioFormat) -> int:
    return format.rate_hz * (2 if format.encoding == "pcm" else 1)
