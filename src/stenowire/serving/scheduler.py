"""Decides what an engine worker computes next. Silent: no threads, no clock, time is an argument.

In: steps, with the time by which their answers are wanted. Out: batches.
Rules: urgent finals first, by due time; then interims, longest waiting first, a few per batch; then finals that can
wait. One step per stream is in flight; a newer step of a stream replaces one that still waits, so under load interims
become rarer, never older, and audio is never dropped. Finals are searched by beam while that meets their due time and
greedily under pressure.
"""

from collections.abc import Hashable
from typing import Literal

import msgspec

from stenowire.engines.base import Effort
from stenowire.events import Step

URGENT_S = 0.3
"""A final due within this time goes before all interims."""
LATE_S = 0.2
"""A final may come this long after its due time before beam search is given up for greedy (target: 0.4 s at p95)."""
SHARE = 0.75
"""Of the workers' time that interims may take; the rest is for finals, so that these never queue for long."""
SLOWEST_TICK_S = 0.4
"""Interims of one stream are never spaced wider on purpose."""
SMOOTHING = 0.1

BeamPolicy = Literal["auto", "always", "never"]


class Waiting(msgspec.Struct):
    key: Hashable
    step: Step
    since: float
    not_before: float


class Batch(msgspec.Struct, frozen=True):
    keys: tuple[Hashable, ...]
    steps: tuple[Step, ...]
    effort: Effort


class Stream(msgspec.Struct):
    in_flight: bool = False
    last_partial: float = float("-inf")


class Scheduler:
    """`submit` work, take `next` batch, report it `done`; `forget` a stream whose speaker is gone."""

    def __init__(self, workers: int, batch: int, beam: BeamPolicy = "auto") -> None:
        self._workers = workers
        self._batch = batch
        self._beam = beam
        self._waiting: dict[Hashable, Waiting] = {}
        self._streams: dict[Hashable, Stream] = {}
        self._partial_cost_s = 0.03
        self._beam_cost = {False: 0.02, True: 0.06}
        """Seconds of work per second of clip, smoothed; by whether there is a second sound to listen to."""
        self.coalesced = 0
        """Interims replaced by newer ones before they ran."""

    # ---- in -----------------------------------------------------------------------------------------------------

    def submit(self, key: Hashable, step: Step, now: float) -> None:
        stream = self._streams.setdefault(key, Stream())
        old = self._waiting.get(key)
        if old is not None and old.step.kind == step.kind == "partial":
            self.coalesced += 1
            old.step = step
            return
        spacing_s = max(self.tick_s, step.spacing_ms / 1000)
        not_before = stream.last_partial + spacing_s if step.kind == "partial" else now
        self._waiting[key] = Waiting(key, step, now, not_before)

    def forget(self, key: Hashable) -> bool:
        """Drop what waits for this stream. True when nothing of it is in flight either."""
        self._waiting.pop(key, None)
        stream = self._streams.get(key)
        if stream is None or not stream.in_flight:
            self._streams.pop(key, None)
            return True
        return False

    # ---- out ----------------------------------------------------------------------------------------------------

    def next(self, now: float) -> Batch | None:
        ready = [waiting for waiting in self._waiting.values() if not self._streams[waiting.key].in_flight]
        finals = [waiting for waiting in ready if waiting.step.kind == "final"]
        first = min(finals, key=lambda waiting: waiting.step.due, default=None)
        if first is not None and first.step.due - self._final_cost_s(first) <= now + URGENT_S:
            return self._take([first], self._effort(first, finals, now), now)
        partials = [waiting for waiting in ready if waiting.step.kind == "partial" and waiting.not_before <= now]
        if partials:
            partials.sort(key=lambda waiting: waiting.since)
            return self._take(partials[: self._batch], "greedy", now)
        if first is not None:
            return self._take([first], self._effort(first, finals, now), now)
        return None

    def wake(self) -> float | None:
        """When `next` may have something that it lacks now."""
        times = [w.not_before for w in self._waiting.values() if not self._streams[w.key].in_flight]
        return min(times, default=None)

    def done(self, batch: Batch, cost_s: float) -> None:
        """The batch took this many seconds of a worker."""
        for key in batch.keys:
            if key in self._streams:
                self._streams[key].in_flight = False
        if batch.steps[0].kind == "partial":
            self._partial_cost_s += SMOOTHING * (cost_s / len(batch.steps) - self._partial_cost_s)
        elif batch.effort == "beam":
            step = batch.steps[0]
            seconds, again = max(1.0, len(step.clip) / 16_000), step.again is not None
            self._beam_cost[again] += SMOOTHING * (cost_s / seconds - self._beam_cost[again])

    # ---- state for metrics --------------------------------------------------------------------------------------

    @property
    def depth(self) -> int:
        return len(self._waiting)

    @property
    def streams(self) -> int:
        return len(self._streams)

    @property
    def tick_s(self) -> float:
        """Least spacing of one stream's interims: wider as more streams share the workers."""
        fair = self._partial_cost_s * len(self._streams) / (self._workers * SHARE)
        return min(fair, SLOWEST_TICK_S)

    # ---- choices ------------------------------------------------------------------------------------------------

    def _take(self, chosen: list[Waiting], effort: Effort, now: float) -> Batch:
        for waiting in chosen:
            del self._waiting[waiting.key]
            stream = self._streams[waiting.key]
            stream.in_flight = True
            if waiting.step.kind == "partial":
                stream.last_partial = now
        return Batch(tuple(w.key for w in chosen), tuple(w.step for w in chosen), effort)

    def _effort(self, first: Waiting, finals: list[Waiting], now: float) -> Effort:
        if self._beam != "auto":
            return "beam" if self._beam == "always" else "greedy"
        # Those that are due no later than this one's end wait behind it: their time counts too.
        end = now + self._final_cost_s(first)
        behind = sum(self._final_cost_s(w) for w in finals if w is not first and w.step.due <= end + LATE_S)
        return "beam" if end + behind / self._workers <= first.step.due + LATE_S else "greedy"

    def _final_cost_s(self, waiting: Waiting) -> float:
        return self._beam_cost[waiting.step.again is not None] * len(waiting.step.clip) / 16_000
