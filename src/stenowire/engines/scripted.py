"""A stand-in engine and detector whose words are written into the audio: for tests of everything but recognition.

`say("w3 w7")` makes audio in which word N is a 400 ms block of level N/100 followed by 100 ms of near silence. The
engine reads the levels back, so its words depend on the audio alone, as a real engine's do; the detector calls
anything above a whisper speech. Never offered to users.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stenowire.engines.base import Job
from stenowire.errors import InvalidParameter
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Hint, Hypothesis, Samples, Word

WORD_MS = 400
GAP_MS = 100
SLOT = (WORD_MS + GAP_MS) * SESSION_RATE_HZ // 1000
BLOCK = WORD_MS * SESSION_RATE_HZ // 1000
FLOOR = 0.005


def say(text: str) -> Samples:
    """Audio for words "w1".."w90", float32 at 16 kHz."""
    slots = [np.concatenate([_block(word), np.zeros(SLOT - BLOCK, np.float32)]) for word in text.split()]
    return np.concatenate(slots) if slots else np.zeros(0, np.float32)


def _block(word: str) -> Samples:
    level = int(word.removeprefix("w")) / 100
    return np.where(np.arange(BLOCK) % 2 == 0, level, -level).astype(np.float32)


def pause(ms: int) -> Samples:
    return np.zeros(ms * SESSION_RATE_HZ // 1000, np.float32)


class ScriptedDetector:
    """Speech is whatever is louder than a whisper, and the short gap behind it."""

    def open(self) -> list[float]:
        return [0.0]

    def hear(self, jobs: Sequence[tuple[Any, Samples]]) -> list[Samples]:
        return [self._judge(state, samples) for state, samples in jobs]

    def _judge(self, state: list[float], samples: Samples) -> Samples:
        loud = np.abs(samples.reshape(-1, 512)).max(axis=1) > FLOOR
        probabilities = np.zeros(len(loud), np.float32)
        for index, is_loud in enumerate(loud):
            # Four frames bridge the gap between two words.
            state[0] = 4.0 if is_loud else state[0] - 1
            probabilities[index] = 0.97 if state[0] > 0 else 0.02
        return probabilities

    def dump(self, state: list[float]) -> bytes:
        return struct.pack("<f", state[0])

    def restore(self, data: bytes) -> list[float]:
        try:
            return list(struct.unpack("<f", data))
        except struct.error:
            raise InvalidParameter("resume.point.ear: not what this detector remembers") from None

    def close(self, state: list[float]) -> None: ...

    def warm_up(self) -> None: ...


class ScriptedEngine:
    """`before_step` may raise or sleep: that is how tests make an engine slow or faulty."""

    def __init__(self, before_step: Callable[[Sequence[Job]], None] | None = None) -> None:
        self.before_step = before_step
        self.open_states = 0

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            name="scripted",
            languages=("en",),
            batch=4,
            word_times=True,
            description="Reads words that tests wrote into the audio; recognises nothing.",
        )

    def open(self, hint: Hint) -> dict[str, bool]:
        self.open_states += 1
        return {"open": True}

    def close(self, state: dict[str, bool]) -> None:
        if state["open"]:
            state["open"] = False
            self.open_states -= 1

    def warm_up(self) -> None: ...

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        if self.before_step:
            self.before_step(jobs)
        return [self._read(job) for job in jobs]

    def _read(self, job: Job) -> Hypothesis:
        words: list[Word] = []
        loud = np.abs(job.clip) > FLOOR
        at = int(loud.argmax()) if loud.any() else len(loud)
        while at < len(loud):
            run = loud[at : at + BLOCK]
            length = len(run) if run.all() else int((~run).argmax())
            level = float(np.median(np.abs(job.clip[at : at + length])))
            words.append(Word(f"w{round(level * 100)}", _ms(at), _ms(at + length)))
            rest = loud[at + length :]
            at = at + length + int(rest.argmax()) if rest.any() else len(loud)
        return Hypothesis(words=tuple(words), heard_ms=_ms(len(job.clip)), final=job.final, language="en")


def _ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ
