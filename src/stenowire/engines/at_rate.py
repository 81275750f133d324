"""Engines whose models were made for another rate than a session's, such as telephone models at 8 kHz.

Input: an engine. Output: one that takes clips at 16 kHz and hands them on at the engine's own rate. Nothing is lost of
audio that came at that rate: it was only filled up on its way. Must not know sessions.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import soxr

from stenowire.engines.base import Engine, Job
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Hint, Hypothesis, Samples


def at_session_rate(engine: Engine) -> Engine:
    """The engine itself where it takes 16 kHz."""
    return engine if engine.info.rate_hz == SESSION_RATE_HZ else AtRate(engine)


class AtRate:
    """Times in hypotheses are ms, so that they mean the same at any rate."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._rate_hz = engine.info.rate_hz
        self.info: EngineInfo = msgspec.structs.replace(engine.info, rate_hz=SESSION_RATE_HZ)

    def open(self, hint: Hint) -> Any:
        return self._engine.open(hint)

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        return self._engine.step([self._at_its_rate(job) for job in jobs])

    def close(self, state: Any) -> None:
        self._engine.close(state)

    def warm_up(self) -> None:
        self._engine.warm_up()

    def __getattr__(self, name: str) -> Any:
        """What only some engines offer: scoring texts, tokens."""
        return getattr(self._engine, name)

    def _at_its_rate(self, job: Job) -> Job:
        again = None if job.again is None else self._resampled(job.again)
        return msgspec.structs.replace(job, clip=self._resampled(job.clip), again=again)

    def _resampled(self, clip: Samples) -> Samples:
        resampled: Samples = soxr.resample(clip, SESSION_RATE_HZ, self._rate_hz, quality="HQ")
        return resampled
