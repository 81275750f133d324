"""What a run-task means: from its parameters to the `Open` of the inner language.

In: a valid RunTask. Out: an Open, or a StenowireError that names the field. It judges what types alone cannot: which
formats are decoded, how weights combine, how much context is kept.

Accepted without effect here: `inverse_text_normalization_enabled`, `disfluency_removal_enabled`, `keep_dialect`,
`vad_model`.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from stenowire.dialects.families import Family, family
from stenowire.dialects.task_resume import RAW, read_resume
from stenowire.dialects.task_wire import (
    FilterList,
    InstantWord,
    Parameters,
    RunPayload,
    RunTask,
    Turn,
    WordFilter,
    decode_filter,
)
from stenowire.errors import InvalidParameter, UnsupportedFormat
from stenowire.events import Open
from stenowire.types import AudioFormat, Claim, Encoding, Hint, HotWord, Limits, ResumePoint, Segmentation, TextOptions

T = TypeVar("T")

ENCODINGS: dict[str, Encoding] = {
    "pcm": "pcm",
    "wav": "wav",
    "mp3": "mp3",
    "opus": "opus",
    "speex": "speex",
    "aac": "aac",
    "amr": "amr",
    "flac": "flac",
}
"""What the protocol names, and FLAC."""

MAX_HOTWORDS = 2000
MAX_SUPER_HOTWORDS = 50
SUPER_WEIGHT = 50
PHRASES = "asr_phrase"
MAX_TURNS = 5
MAX_TURN_CHARS = 400
"""Of the user's and the assistant's text of one turn together; the tail is cut."""


def read_open(message: RunTask, limits: Limits) -> Open:
    """`limits` are the timers of a task that asks for no heartbeat. Raises StenowireError."""
    payload = message.payload
    parameters = payload.parameters
    row = family(payload.model)
    context = payload.input.context if payload.input else None
    heartbeat = bool(parameters.heartbeat)
    if parameters.translation_enabled:
        raise _invalid("translation_enabled", "this server does not translate")
    claim, resume = _resume(parameters)
    return Open(
        session=message.task_id,
        model=payload.model,
        format=_format(parameters),
        segmentation=_segmentation(parameters, row),
        hint=Hint(language=_language(parameters), hotwords=_hotwords(parameters), context=read_context(context or [])),
        text=_text_options(parameters),
        limits=msgspec.structs.replace(limits, silence_s=None) if heartbeat else limits,
        heartbeat=heartbeat,
        vocabulary=_vocabulary(payload),
        interims=row.interims or bool(parameters.intermediate_result_enabled),
        noise_reduction=parameters.noise_reduction,
        audit=bool(parameters.hotword_audit),
        claim=claim,
        resume=resume,
    )


def _resume(parameters: Parameters) -> tuple[Claim | None, ResumePoint | None]:
    """Nothing for formats that cannot be cut at any sample: their clients are told so by task-started's silence."""
    if parameters.resume is None or _format(parameters).encoding not in RAW:
        return None, None
    return read_resume(parameters.resume)


def read_context(turns: Iterable[Turn]) -> str:
    """The text of the newest turns, one entry per line; never refuses."""
    kept = _newest(list(turns))
    lines: list[str] = []
    left = MAX_TURN_CHARS
    for index, turn in enumerate(kept):
        answers = turn.role == "assistant" and index > 0 and kept[index - 1].role == "user"
        left = left if answers else MAX_TURN_CHARS
        line = " ".join(content.text for content in turn.content)[:left]
        left -= len(line)
        lines.append(line)
    return "\n".join(line for line in lines if line)


def _newest(turns: list[Turn]) -> list[Turn]:
    """At most MAX_TURNS entries of each role, the newest, in order."""
    counts = {"user": 0, "assistant": 0}
    kept: list[Turn] = []
    for turn in reversed(turns):
        counts[turn.role] += 1
        if counts[turn.role] <= MAX_TURNS:
            kept.append(turn)
    return kept[::-1]


def _format(parameters: Parameters) -> AudioFormat:
    if not parameters.format:
        raise _invalid("format", "this field is required")
    if parameters.sample_rate is None:
        raise _invalid("sample_rate", "this field is required")
    name = parameters.format.lower()
    if name in ENCODINGS:
        return AudioFormat(encoding=ENCODINGS[name], rate_hz=parameters.sample_rate)
    path = "payload.parameters.format"
    raise UnsupportedFormat(f"{path}: {name[:32]!r} is not an audio format of this protocol; send pcm or wav", path)


SEMANTIC_SILENCE_MS = 2_000
"""Silence that ends a sentence cut by meaning; `max_sentence_silence` is for cutting by silence."""


def _segmentation(parameters: Parameters, row: Family) -> Segmentation:
    semantic = bool(parameters.semantic_punctuation_enabled)
    silence_ms = _or(parameters.max_sentence_silence, _or(parameters.max_end_silence, row.silence_ms))
    return Segmentation(
        mode="semantic" if semantic else "vad",
        threshold=_or(parameters.speech_noise_threshold, 0.0),
        silence_ms=SEMANTIC_SILENCE_MS if semantic else silence_ms,
        tapered=bool(parameters.multi_threshold_mode_enabled),
    )


def _language(parameters: Parameters) -> str | None:
    """The first hint: `Hint` holds one language, also for families whose clients may name four."""
    hints = parameters.language_hints or []
    names = [hints] if isinstance(hints, str) else [*hints, parameters.source_language or ""]
    return next((name for name in names if name and name != "auto"), None)


def _hotwords(parameters: Parameters) -> tuple[HotWord, ...]:
    words = [_hotword(text, said) for text, said in (parameters.vocabulary or {}).items()]
    if sum(word.weight == SUPER_WEIGHT for word in words) > MAX_SUPER_HOTWORDS:
        raise _invalid("vocabulary", f"at most {MAX_SUPER_HOTWORDS} words may have the weight {SUPER_WEIGHT}")
    return tuple(word for word in words if word.text.strip())[:MAX_HOTWORDS]


def _hotword(text: str, said: int | InstantWord) -> HotWord:
    word = InstantWord(said) if isinstance(said, int) else said
    if word.weight not in (1, 2, 3, 4, 5, SUPER_WEIGHT):
        raise _invalid("vocabulary", f"the weight of {text[:32]!r} must be 1 to 5, or {SUPER_WEIGHT}")
    sounds = [word.sounds_like] if isinstance(word.sounds_like, str) else word.sounds_like or []
    return HotWord(text, word.weight, sounds_like=tuple(sounds))


def _vocabulary(payload: RunPayload) -> str:
    """The id of a stored list, by either name; "" for none."""
    phrases = (each.resource_id for each in payload.resources or [] if each.resource_type == PHRASES)
    return payload.parameters.vocabulary_id or next((id for id in phrases if id), "")


def _text_options(parameters: Parameters) -> TextOptions:
    words = parameters.special_word_filter or WordFilter()
    if isinstance(words, str):
        words = decode_filter(words)
    return TextOptions(
        punctuation=_or(parameters.punctuation_prediction_enabled, True),
        starred=_listed(words.filter_with_signed),
        dropped=_listed(words.filter_with_empty),
    )


def _listed(words: FilterList | None) -> tuple[str, ...]:
    return tuple(word for word in (words and words.word_list) or [] if word.strip())


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def _invalid(name: str, reason: str) -> InvalidParameter:
    path = f"payload.parameters.{name}"
    return InvalidParameter(f"{path}: {reason}", path)
