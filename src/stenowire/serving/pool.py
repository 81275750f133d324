"""The threads that compute: engine workers fed by the scheduler, and one ear for the speech detector.

In: work, from the event loop. Out: results, delivered on that loop. The loop never waits for a model: ONNX Runtime
lets the interpreter go while it computes (measured: loop lag p99 12 ms beside one such thread, 4 ms beside none).
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

import msgspec
import structlog

from stenowire.engines.base import Engine, Job
from stenowire.errors import InternalError, StenowireError
from stenowire.events import Broken, CloseStream, Heard, Listen, OpenStream, Result, Step, Stepped, Work
from stenowire.serving.scheduler import Batch, BeamPolicy, Scheduler
from stenowire.types import Hint

log = structlog.get_logger(__name__)

Owner = Callable[[Result], None]
"""Receives results on the event loop. Its identity names the connection."""

StreamKey = tuple[Hashable, str, int]
EarKey = tuple[Hashable, str]
Sound = tuple[EarKey, Owner, Listen]


class Known(msgspec.Struct):
    """An engine stream; its state is opened by the worker that first needs it."""

    owner: Owner
    engine: Engine
    hint: Hint
    state: Any = None
    closed: bool = False


class Load(msgspec.Struct, frozen=True):
    """What the pool is doing now, for metrics and admission."""

    streams: int
    waiting: int
    coalesced: int
    tick_s: float
    busy_s: dict[str, float]
    """Worker seconds spent so far, by kind: listen, partial, greedy, beam."""
    steps: dict[str, int]


class Pool:
    """One per process and event loop. `observe(kind, seconds)` is called from workers after each step."""

    def __init__(
        self,
        engine: Engine,
        detector: Any,
        workers: int | None = None,
        beam: BeamPolicy = "auto",
        observe: Callable[[str, float], None] | None = None,
    ) -> None:
        self._engine = engine
        self._detector = detector
        self._workers = workers or max(1, os.cpu_count() or 1)
        self._scheduler = Scheduler(self._workers, engine.info.batch, beam)
        self._observe = observe or (lambda kind, seconds: None)
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        self._sound_came = threading.Condition(self._lock)
        self._known: dict[StreamKey, Known] = {}
        self._ears: dict[EarKey, Any] = {}
        self._sounds: list[Sound] = []
        self._busy_s = dict.fromkeys(("listen", "partial", "greedy", "beam"), 0.0)
        self._steps = dict.fromkeys(("listen", "partial", "greedy", "beam"), 0)
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    # ---- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin work; must be called on the event loop that results are delivered on."""
        self._loop = asyncio.get_running_loop()
        targets = [self._hear] + [self._recognise] * self._workers
        self._threads = [threading.Thread(target=target, daemon=True, name=target.__name__) for target in targets]
        for thread in self._threads:
            thread.start()

    async def stop(self) -> None:
        """Let running steps end, drop what waits, and join the threads."""
        with self._lock:
            self._stopping = True
            self._work_came.notify_all()
            self._sound_came.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        for known in self._known.values():
            self._free(known)
        self._known.clear()

    # ---- from the loop ------------------------------------------------------------------------------------------

    def submit(self, owner: Owner, work: Work) -> None:
        """Take on one piece of work. Returns at once."""
        now = time.monotonic()
        with self._lock:
            match work:
                case Listen():
                    self._sounds.append(((owner, work.session), owner, work))
                    self._sound_came.notify()
                case OpenStream(session=session, stream=stream, hint=hint):
                    self._known[owner, session, stream] = Known(owner, self._engine, hint)
                case Step(session=session, stream=stream):
                    self._scheduler.submit((owner, session, stream), work, now)
                    self._work_came.notify()
                case CloseStream(session=session, stream=stream):
                    self._close((owner, session, stream))

    def drop(self, owner: Owner, session: str) -> None:
        """Forget everything of one session: its streams, its waiting work, its ear."""
        with self._lock:
            self._sounds = [sound for sound in self._sounds if sound[0] != (owner, session)]
            ear = self._ears.pop((owner, session), None)
            if ear is not None:
                self._detector.close(ear)
            for key in [key for key in self._known if key[:2] == (owner, session)]:
                self._close(key)

    @property
    def load(self) -> Load:
        with self._lock:
            scheduler = self._scheduler
            return Load(
                streams=len(self._known),
                waiting=scheduler.depth,
                coalesced=scheduler.coalesced,
                tick_s=scheduler.tick_s,
                busy_s=dict(self._busy_s),
                steps=dict(self._steps),
            )

    # ---- workers ------------------------------------------------------------------------------------------------

    def _recognise(self) -> None:
        while (batch := self._next_batch()) is not None:
            began = time.monotonic()
            results = self._run(batch)
            seconds = time.monotonic() - began
            kind = "partial" if batch.steps[0].kind == "partial" else batch.effort
            with self._lock:
                self._scheduler.done(batch, seconds)
                self._count(kind, seconds, len(batch.steps))
                for key in batch.keys:
                    known = self._known[key]  # type: ignore[index]
                    if known.closed:
                        self._forget(key)  # type: ignore[arg-type]
                # The stream may have had a newer step waiting for this one.
                self._work_came.notify()
            self._deliver(results)

    def _next_batch(self) -> Batch | None:
        with self._lock:
            while not self._stopping:
                now = time.monotonic()
                batch = self._scheduler.next(now)
                if batch is not None:
                    return batch
                wake = self._scheduler.wake()
                self._work_came.wait(None if wake is None else max(0.001, wake - now))
        return None

    def _run(self, batch: Batch) -> list[tuple[Owner, Result]]:
        known = [self._known[key] for key in batch.keys]  # type: ignore[index]
        try:
            for stream in known:
                if stream.state is None:
                    stream.state = stream.engine.open(stream.hint)
            jobs = [
                Job(
                    state=stream.state,
                    clip=step.clip,
                    again=step.again,
                    settled=step.settled,
                    final=step.kind == "final",
                    effort=batch.effort,
                )
                for stream, step in zip(known, batch.steps, strict=True)
            ]
            hypotheses = self._engine.step(jobs)
            return [
                (stream.owner, Stepped(step.session, step.stream, step.ticket, step.kind, hypothesis))
                for stream, step, hypothesis in zip(known, batch.steps, hypotheses, strict=True)
            ]
        except Exception:
            log.exception("engine step failed", steps=len(batch.steps))
            broken = InternalError("recognition failed; the server's log says why")
            return [(k.owner, Broken(s.session, s.stream, broken)) for k, s in zip(known, batch.steps, strict=True)]

    def _hear(self) -> None:
        while True:
            with self._lock:
                while not self._sounds and not self._stopping:
                    self._sound_came.wait()
                if self._stopping:
                    return
                sounds, self._sounds = self._sounds, []
                sounds, results = self._find_ears(sounds)
                jobs = [(self._ears[key], listen.samples) for key, _, listen in sounds]
            began = time.monotonic()
            results += self._judge(sounds, jobs)
            with self._lock:
                self._count("listen", time.monotonic() - began, len(sounds))
            self._deliver(results)

    def _judge(self, sounds: list[Sound], jobs: list[Any]) -> list[tuple[Owner, Result]]:
        try:
            judged = self._detector.hear(jobs)
            return [
                (owner, Heard(work.session, probabilities, self._detector.dump(ear) if work.keep_ear else b""))
                for (_, owner, work), (ear, _), probabilities in zip(sounds, jobs, judged, strict=True)
            ]
        except Exception:
            log.exception("speech detection failed", sessions=len(sounds))
            broken = InternalError("speech detection failed; the server's log says why")
            return [(owner, Broken(work.session, None, broken)) for _, owner, work in sounds]

    def _deliver(self, results: list[tuple[Owner, Result]]) -> None:
        """One wake-up of the loop per batch."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(_hand_over, results)
        except RuntimeError:
            # The loop closed while the last step ran: nobody is left to tell.
            log.debug("results after the loop closed", count=len(results))

    # ---- under the lock -----------------------------------------------------------------------------------------

    def _find_ears(self, sounds: list[Sound]) -> tuple[list[Sound], list[tuple[Owner, Result]]]:
        """See that each sound has its ear; returns those that have, and the faults of the others."""
        fit: list[Sound] = []
        faults: list[tuple[Owner, Result]] = []
        for key, owner, listen in sounds:
            try:
                if listen.ear is not None:
                    self._ears[key] = self._detector.restore(listen.ear)
                elif key not in self._ears:
                    self._ears[key] = self._detector.open()
                fit.append((key, owner, listen))
            except StenowireError as error:
                faults.append((owner, Broken(listen.session, None, error)))
        return fit, faults

    def _close(self, key: StreamKey) -> None:
        known = self._known.get(key)
        if known is None:
            return
        known.closed = True
        if self._scheduler.forget(key):
            self._forget(key)

    def _forget(self, key: StreamKey) -> None:
        self._scheduler.forget(key)
        self._free(self._known.pop(key))

    @staticmethod
    def _free(known: Known) -> None:
        if known.state is not None:
            known.engine.close(known.state)

    def _count(self, kind: str, seconds: float, steps: int) -> None:
        self._busy_s[kind] += seconds
        self._steps[kind] += steps
        self._observe(kind, seconds)


def _hand_over(results: list[tuple[Owner, Result]]) -> None:
    for owner, result in results:
        owner(result)
