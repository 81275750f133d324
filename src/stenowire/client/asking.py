"""What a program asks for, in the words of either protocol.

In: a format and wishes. Out: the client half that says them on one connection.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
import numpy as np
import soxr

from stenowire.client.errors import Unsupported
from stenowire.client.urls import Protocol
from stenowire.dialects.openai_client import FORMATS, OpenAIClient
from stenowire.dialects.task_client import Point, TaskClient, turn
from stenowire.dialects.task_resume import WireResume
from stenowire.dialects.task_wire import Parameters
from stenowire.types import AudioFormat, NoiseReduction

DEFAULT_MODEL = "fun-asr-realtime"
DEFAULT_OPENAI_MODEL = "gpt-4o-transcribe"
OPENAI_RATE_HZ = 24_000
"""The only rate of pcm that OpenAI's service takes."""
WEIGHT = 4

HotWords = Mapping[str, int] | Iterable[str]
Segment = Literal["silence", "meaning"]


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What `connect` was asked for; None and empty leave it to the server."""

    model: str | None = None
    language: str | None = None
    hotwords: dict[str, int] = {}
    vocabulary: str | None = None
    context: str = ""
    segmentation: Segment = "silence"
    silence_ms: int | None = None
    noise_reduction: NoiseReduction | None = None
    audit: bool = False
    heartbeat: bool = True
    parameters: Parameters | None = None
    """Further ones of the task protocol; what is asked for by name counts more."""


def weighted(hotwords: HotWords | None) -> dict[str, int]:
    if hotwords is None:
        return {}
    return dict(hotwords) if isinstance(hotwords, Mapping) else dict.fromkeys(hotwords, WEIGHT)


class TaskTalk(TaskClient):
    """The task protocol on a connection of its own."""

    @property
    def request_id(self) -> str:
        return self.task_id

    def hello(self) -> list[str]:
        return [self.run()]

    def audio(self, data: bytes) -> str | bytes:
        return data

    def goodbye(self) -> list[str]:
        return [self.finish()]


class OpenAITalk(OpenAIClient):
    """OpenAI's protocol at the rate that its service takes."""

    point: Point | None = None
    begun_ms: int | None = None

    def __init__(self, format: AudioFormat, wishes: Wishes) -> None:
        if format.encoding not in FORMATS:
            raise Unsupported(f"this protocol takes {', '.join(FORMATS)}, not {format.encoding}")
        pcm = format.encoding == "pcm"
        self._resampler = None
        self._odd = b""
        if pcm and format.rate_hz != OPENAI_RATE_HZ:
            self._resampler = soxr.ResampleStream(format.rate_hz, OPENAI_RATE_HZ, 1, dtype="int16", quality="HQ")
        turn: dict[str, object] | None = None
        if wishes.segmentation == "meaning":
            turn = {"type": "semantic_vad"}
        elif wishes.silence_ms is not None:
            turn = {"type": "server_vad", "silence_duration_ms": wishes.silence_ms}
        super().__init__(
            wishes.model or DEFAULT_OPENAI_MODEL,
            encoding=format.encoding,
            rate_hz=OPENAI_RATE_HZ if pcm else format.rate_hz,
            language=wishes.language,
            prompt=wishes.context,
            keywords=tuple(wishes.hotwords),
            turn_detection=turn,
            noise_reduction=wishes.noise_reduction,
        )

    def audio(self, data: bytes) -> str:
        return super().audio(self._recoded(data, last=False))

    def goodbye(self) -> list[str]:
        rest = self._recoded(b"", last=True)
        return [*([super().audio(rest)] if rest else []), *self.finish()]

    def _recoded(self, data: bytes, *, last: bool) -> bytes:
        if self._resampler is None:
            return data
        data, self._odd = self._odd + data, b""
        if len(data) % 2:
            data, self._odd = data[:-1], data[-1:]
        recoded: bytes = self._resampler.resample_chunk(np.frombuffer(data, "<i2"), last=last).tobytes()
        return recoded


def talk(
    protocol: Protocol, format: AudioFormat, wishes: Wishes, task_id: str, resume: WireResume | None
) -> TaskTalk | OpenAITalk:
    if protocol == "openai":
        return OpenAITalk(format, wishes)
    context = [turn("user", wishes.context)] if wishes.context else []
    return TaskTalk(task_id, wishes.model or DEFAULT_MODEL, task_parameters(format, wishes, resume), context)


def task_parameters(format: AudioFormat, wishes: Wishes, resume: WireResume | None = None) -> Parameters:
    given: dict[str, object] = {"format": format.encoding, "sample_rate": format.rate_hz}
    given |= {"language_hints": [wishes.language]} if wishes.language else {}
    given |= {"vocabulary": dict(wishes.hotwords)} if wishes.hotwords else {}
    given |= {"vocabulary_id": wishes.vocabulary} if wishes.vocabulary else {}
    given |= {"semantic_punctuation_enabled": True} if wishes.segmentation == "meaning" else {}
    given |= {"max_sentence_silence": wishes.silence_ms} if wishes.silence_ms is not None else {}
    given |= {"hotword_audit": True} if wishes.audit else {}
    given |= {"noise_reduction": wishes.noise_reduction} if wishes.noise_reduction else {}
    given |= {"heartbeat": True} if wishes.heartbeat else {}
    given |= {"resume": resume} if resume else {}
    return msgspec.structs.replace(wishes.parameters or Parameters(), **given)
