"""The shapes in which OpenAI's protocol tells a transcript: JSON, text, subtitles.

In: a transcript, and the format that was asked for. Out: a response. Knows nothing of requests.
"""

import math
import zlib
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import PlainTextResponse, Response

from stenowire.dialects.hotword_audit import HotwordApplied, hotwords_applied
from stenowire.gateway.http.hearing import Transcript
from stenowire.gateway.http.status import json
from stenowire.text.subtitles import srt, vtt
from stenowire.types import Sentence, Word

Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["word", "segment"]

NAMES = {"en": "english", "zh": "chinese", "ja": "japanese", "ko": "korean", "de": "german", "fr": "french"}
NAMES |= {"es": "spanish", "it": "italian", "pt": "portuguese", "ru": "russian", "ar": "arabic", "hi": "hindi"}
"""Languages as `verbose_json` names them; others stand by their code."""


class Usage(msgspec.Struct, frozen=True):
    seconds: int
    """Of audio, rounded up."""
    type: Literal["duration"] = "duration"


class Plain(msgspec.Struct, frozen=True):
    text: str
    usage: Usage


class VerboseWord(msgspec.Struct, frozen=True):
    word: str
    start: float
    end: float


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence. What only one model family has (tokens, probabilities) is empty or zero."""

    id: int
    seek: int = 0
    start: float
    end: float
    text: str
    tokens: list[int] = []
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float
    no_speech_prob: float = 0.0
    hotwords_applied: list[HotwordApplied] | UnsetType = UNSET


class Verbose(msgspec.Struct, frozen=True, kw_only=True):
    task: Literal["transcribe"] = "transcribe"
    language: str
    duration: float
    text: str
    segments: list[Segment] | UnsetType = UNSET
    words: list[VerboseWord] | UnsetType = UNSET
    usage: Usage


class Delta(msgspec.Struct, frozen=True):
    delta: str
    type: Literal["transcript.text.delta"] = "transcript.text.delta"


class Done(msgspec.Struct, frozen=True):
    text: str
    type: Literal["transcript.text.done"] = "transcript.text.done"


def written(
    transcript: Transcript, format: Format, granularities: Sequence[Granularity], language: str | None
) -> Response:
    """`language` is what the client said it is; what was heard counts more."""
    match format:
        case "json":
            return json(Plain(transcript.text, _usage(transcript)))
        case "text":
            return PlainTextResponse(transcript.text + "\n")
        case "verbose_json":
            return json(_verbose(transcript, granularities, language))
        case "srt":
            return PlainTextResponse(srt(transcript.sentences))
        case "vtt":
            return Response(vtt(transcript.sentences), media_type="text/vtt")


def _usage(transcript: Transcript) -> Usage:
    return Usage(math.ceil(transcript.audio_s))


def _verbose(transcript: Transcript, granularities: Sequence[Granularity], language: str | None) -> Verbose:
    """Segments unless only words are asked for, as the protocol has it."""
    language = transcript.language or language or ""
    sentences = transcript.sentences
    segments, words = "segment" in granularities or not granularities, "word" in granularities
    return Verbose(
        language=NAMES.get(language, language),
        duration=round(transcript.audio_s, 3),
        text=transcript.text,
        segments=[_segment(number, sentence) for number, sentence in enumerate(sentences)] if segments else UNSET,
        words=_words(sentences) if words else UNSET,
        usage=_usage(transcript),
    )


def _segment(number: int, sentence: Sentence) -> Segment:
    return Segment(
        id=number,
        start=sentence.begin_ms / 1000,
        end=_end_ms(sentence) / 1000,
        text=sentence.text,
        compression_ratio=_compression(sentence.text),
        hotwords_applied=hotwords_applied(sentence),
    )


def _compression(text: str) -> float:
    """As Whisper's own code has it: bytes of the text by bytes of the same compressed by zlib."""
    data = text.encode()
    return round(len(data) / len(zlib.compress(data)), 3)


def _words(sentences: Sequence[Sentence]) -> list[VerboseWord]:
    return [_word(word) for sentence in sentences for word in sentence.words]


def _word(word: Word) -> VerboseWord:
    """Without its punctuation, as the protocol has it."""
    return VerboseWord(word.text, word.begin_ms / 1000, word.end_ms / 1000)


def _end_ms(sentence: Sentence) -> int:
    return sentence.words[-1].end_ms if sentence.end_ms is None else sentence.end_ms
