"""How many people may speak all the time: N streams of talk without pause, at the pace of speech.

In: dev recordings end to end (`corpus.talk`), another beginning for each stream, starts spread over `SPREAD_S`;
figures are taken while all speak. The load generator runs on the same cores and is part of what is measured. Frames
go out on an absolute schedule.

A trial with N streams passes when, over all streams together:

* interims come: 95 of 100 gaps between two results of a stream are `GAP_MS` or shorter. Sentence borders count.
* finals come: 95 of 100 come at most `FINAL_MS` after their sentence could be known to have ended
  (`load_figures.final_delays` defines that moment; the server's own count stands beside it).
* nothing queues up: the newest word lies no more than `GROWTH_S` further behind in the last third than in the first.
* the event loop lives: its lag p99 (server's /metrics) is at most `LAG_MS`.
* no task fails and the generator keeps its schedule (95 of 100 frames at most `LATE_MS` late).

The search starts at 8, goes up by 4 (by a fifth beyond 20) while trials pass, then bisects, until the border is known
or `TRIALS` are used up. The peer is the library's streaming Transcriber, one thread per speaker on one shared model,
with 1 and 2 speakers. As its endpoint wait is not documented, it passes by gaps and by keeping up alone: frames that it
takes no later than `FINAL_MS`.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench import corpus, paced, peers, report
from bench import load_figures as figures
from bench.client import take
from bench.load_figures import AHEAD_MS, LIMIT_MS, SILENCE_MS
from bench.report import Table
from bench.score import quantile
from bench.server import Server

FIRST, PEER_FIRST = 8, 1
TRIALS, PEER_TRIALS = 7, 2
SECONDS, QUICK_SECONDS = 30.0, 20.0
"""What each stream says. Seven trials take less than five minutes."""
GAP_MS, FINAL_MS, LAG_MS, LATE_MS, GROWTH_S = 600, 400, 20, 50, 1.0
SPREAD_S = 8.0
"""The last stream starts this much after the first, so that cuts by length do not fall together."""


@dataclass(frozen=True)
class Trial:
    """Figures of one run with `streams` speakers; times in ms, nan where a system does not give one."""

    streams: int
    gap_ms: float
    final_ms: float
    growth_s: float
    late_ms: float
    finals: int
    server_final_ms: float = float("nan")
    lag_ms: float = float("nan")
    cores: float = float("nan")
    generator_cores: float = 0.0
    failures: int = 0

    @property
    def passed(self) -> bool:
        kept = self.gap_ms <= GAP_MS and self.final_ms <= FINAL_MS and self.growth_s <= GROWTH_S
        return kept and self.lag_ms <= LAG_MS and self.late_ms <= LATE_MS and not self.failures

    @property
    def peer_passed(self) -> bool:
        return self.gap_ms <= GAP_MS and self.late_ms <= FINAL_MS and self.growth_s <= GROWTH_S

    def row(self, passed: bool) -> str:
        client = f"{self.streams} streams: gap p95 {self.gap_ms:.0f} ms, final p95 {self.final_ms:.0f} ms"
        server = f"(server's own {self.server_final_ms:.0f}), loop lag p99 {self.lag_ms:.0f} ms"
        cost = f"{self.cores:.2f} cores + generator {self.generator_cores:.2f}, {self.finals} finals"
        growth = f"backlog {self.growth_s:+.1f} s, frames late p95 {self.late_ms:.0f} ms"
        return f"{'pass' if passed else 'FAIL'} {client} {server}, {growth}, {cost}, {self.failures} failed"


def measure(quick: bool) -> Table:
    table = Table("load")
    seconds = QUICK_SECONDS if quick else SECONDS
    trials = _ours(seconds, 1 if quick else TRIALS)
    best, most = _border({trial.streams: trial.passed for trial in trials})
    peer = f"{peers.MOONSHINE} streaming"
    try:
        run = partial(_peer, seconds=seconds)
        others = _search(run, lambda trial: trial.peer_passed, PEER_FIRST, 1 if quick else PEER_TRIALS)
        peer_most = _border({trial.streams: trial.peer_passed for trial in others})[1]
    except peers.NotRun as reason:
        others, peer_most = [], reason.cell
    table.add("**streams speaking all the time**", f"**{most}**", f"≥ {FIRST}", best >= FIRST, {peer: peer_most})
    for trial in sorted(trials, key=lambda trial: trial.streams):
        table.notes.append(trial.row(trial.passed))
    for trial in sorted(others, key=lambda trial: trial.streams):
        table.notes.append(f"{peer}: {trial.row(trial.peer_passed)}")
    table.notes.append(f"{seconds:.0f} s a trial, silence that ends a sentence {SILENCE_MS} ms, generator included")
    table.notes.append(
        f"finals of talk cut by length count from its {LIMIT_MS} ms; the cut is made {AHEAD_MS} ms before"
    )
    return table


def next_streams(results: dict[int, bool], first: int) -> int | None:
    """What to try after these trials: the next step up while all passed, then the middle; None when done."""
    if not results:
        return first
    best = max((streams for streams, passed in results.items() if passed), default=0)
    worst = min((streams for streams, passed in results.items() if not passed), default=None)
    if worst is None:
        return best + max(1, first // 2, best // 5)
    return (best + worst) // 2 if worst - best > 1 else None


def _border(results: dict[int, bool]) -> tuple[int, str]:
    """The most streams that passed, and how people read it: "or more" where no trial has failed."""
    best = max((streams for streams, passed in results.items() if passed), default=0)
    return best, str(best) if not all(results.values()) else f"{best} or more"


def _search(run: Callable[[int], Trial], passed: Callable[[Trial], bool], first: int, limit: int) -> list[Trial]:
    trials: list[Trial] = []
    while len(trials) < limit:
        streams = next_streams({trial.streams: passed(trial) for trial in trials}, first)
        if streams is None:
            break
        trials.append(run(streams))
        print(f"  {trials[-1].row(passed(trials[-1]))}", flush=True)
    return trials


# ---- our server -----------------------------------------------------------------------------------------------------


def _ours(seconds: float, limit: int) -> list[Trial]:
    with Server() as server:
        asyncio.run(_trial(server, 1, 3.0))
        return _search(
            lambda streams: asyncio.run(_trial(server, streams, seconds)), lambda trial: trial.passed, FIRST, limit
        )


async def _trial(server: Server, streams: int, seconds: float) -> Trial:
    recordings = corpus.load()
    audio = [corpus.talk(recordings, index * 5, seconds) for index in range(streams)]
    before, cpu, own = server.metrics(), server.cpu_s(), time.process_time()
    start = time.monotonic() + 0.3
    running = [
        take(
            server.url,
            server.key,
            f"{streams}/{index}",
            samples,
            start_at=start + SPREAD_S * index / streams,
            max_sentence_silence=SILENCE_MS,
        )
        for index, samples in enumerate(audio)
    ]
    takes = await asyncio.gather(*running)
    elapsed = time.monotonic() - start
    after = server.metrics()
    window = figures.together(takes)
    delays = figures.final_delays(takes, window)
    report.keep(f"load-{streams}", (paced.line(one) for one in takes))
    return Trial(
        streams=streams,
        gap_ms=1000 * quantile(figures.gaps(takes, window), 0.95),
        final_ms=1000 * quantile(delays, 0.95),
        growth_s=figures.growth(takes),
        late_ms=1000 * quantile([late for one in takes for late in one.late], 0.95),
        finals=len(delays),
        server_final_ms=1000 * figures.histogram(before, after, "stenowire_finalization_seconds", 0.95),
        lag_ms=1000 * figures.histogram(before, after, "stenowire_loop_lag_seconds", 0.99),
        cores=(server.cpu_s() - cpu) / elapsed,
        generator_cores=(time.process_time() - own) / elapsed,
        failures=sum(one.failure is not None for one in takes),
    )


# ---- the peer -------------------------------------------------------------------------------------------------------


def _peer(streams: int, seconds: float) -> Trial:
    recordings = corpus.load()
    with tempfile.TemporaryDirectory() as folder:
        jobs = []
        for index in range(streams):
            path = Path(folder) / f"{index}.npy"
            np.save(path, corpus.talk(recordings, index * 5, seconds))
            jobs.append({"name": str(index), "audio": [str(path)]})
        listed = Path(folder) / "jobs.json"
        listed.write_text(json.dumps(jobs))
        lines = peers.run("moonshine", "stream", str(listed), limit_s=2 * seconds + 30)
    takes = [paced.restored(line) for line in lines if "name" in line]
    return Trial(
        streams=streams,
        gap_ms=1000 * quantile(figures.gaps(takes, figures.together(takes)), 0.95),
        final_ms=1000 * quantile(figures.completion_delays(takes), 0.95),
        growth_s=figures.peer_growth(takes),
        late_ms=1000 * quantile([late for one in takes for late in one.late], 0.95),
        finals=sum(len(one.finals) for one in takes),
        cores=lines[-1]["cpu_s"] / seconds,
    )
