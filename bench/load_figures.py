"""What is read off a run of many speakers: gaps, delays of finals, backlog, quantiles of the server's histograms.

When could a sentence be known to have ended? A client sees only its `begin_time` and `end_time`, so:

* by silence: when the sample at `end_time` + the silence asked for had been sent.
* by length, when the next sentence begins where it ended: no clip is longer than `LIMIT_MS`, so when the sample
  `LIMIT_MS` after the clip's start had been sent. That is what is promised; the server decides `AHEAD_MS` sooner where
  to cut, so a final may come before it was due. The clip starts at the cut before it or, after silence, `PREROLL_MS`
  before `begin_time`.
"""

from itertools import pairwise

from bench.client import Answer, Take
from bench.score import quantile

SILENCE_MS = 800
"""Silence that the load's clients ask for."""
Window = tuple[float, float]
"""Moments of the monotonic clock."""
LIMIT_MS, AHEAD_MS, PREROLL_MS = 12_000, 500, 236
"""Our server's longest clip, how long before that it cuts, and the audio that it keeps from before a sentence's begin
(300 ms from before the detected start, of which a sentence that has begun is said to have 64)."""
TOUCH_MS = 200
"""Sentences closer than this were parted by a cut: silence leaves more than half a second between them."""


def together(takes: list[Take]) -> Window:
    """From when the last stream began to when the first one ended: all speak."""
    return max(one.sent[0] for one in takes), min(one.sent[-1] for one in takes)


def gaps(takes: list[Take], window: Window) -> list[float]:
    """Seconds between results that follow each other in a stream, both within the window."""
    since, until = window
    inside = [[answer.at for answer in one.answers if since <= answer.at <= until] for one in takes]
    return [later - earlier for times in inside for earlier, later in pairwise(times)]


def final_delays(takes: list[Take], window: Window) -> list[float]:
    """Seconds from the moment at which a sentence could be known to have ended to its final, see above.

    Only finals within the window, so none that the end of the audio brought about.
    """
    since, until = window
    found = []
    for one in takes:
        cut_at: float | None = None
        for final, later in pairwise([*one.finals, None]):
            assert final is not None
            begin_ms, end_ms = final.sentence["begin_time"], final.sentence["end_time"]
            started_ms = max(0, begin_ms - PREROLL_MS) if cut_at is None else cut_at
            cut = later is not None and later.sentence["begin_time"] - end_ms < TOUCH_MS
            known_ms = max(end_ms, started_ms + LIMIT_MS) if cut else end_ms + SILENCE_MS
            if since <= final.at <= until:
                found.append(final.at - one.sent_at(known_ms))
            cut_at = end_ms if cut else None
    return found


def growth(takes: list[Take]) -> float:
    """How much further the newest word lies behind the audio in the last third than in the first: median, seconds."""
    thirds: tuple[list[float], list[float]] = ([], [])
    for one in takes:
        for answer in one.answers:
            share = (answer.at - one.sent[0]) / (one.sent[-1] - one.sent[0])
            if share < 1 / 3 or 2 / 3 < share <= 1:
                thirds[share > 0.5].append(_behind(one, answer))
    return quantile(thirds[1], 0.5) - quantile(thirds[0], 0.5)


def _behind(one: Take, answer: Answer) -> float:
    """Seconds between sending the audio of the newest word and its result."""
    words = answer.sentence["words"]
    newest_ms = words[-1]["end_time"] if words else answer.sentence["end_time"] or answer.sentence["begin_time"]
    return answer.at - one.sent_at(newest_ms)


def peer_growth(takes: list[Take]) -> float:
    """The same for the peer, which has no word times: how much later its frames are taken at the end."""
    first = [late for one in takes for late in one.late[: len(one.late) // 3]]
    last = [late for one in takes for late in one.late[-len(one.late) // 3 :]]
    return quantile(last, 0.5) - quantile(first, 0.5)


def completion_delays(takes: list[Take]) -> list[float]:
    """The peer's finals: seconds from sending a line's last sample to its completion, endpoint wait and all."""
    return [final.at - one.sent_at(final.sentence["end_time"]) for one in takes for final in one.finals]


def histogram(before: dict[str, float], after: dict[str, float], name: str, share: float) -> float:
    """Quantile of a Prometheus histogram between two scrapes, linear inside its bucket; nan when it is empty."""
    counts: list[tuple[float, float]] = []
    for sample, value in after.items():
        if sample.startswith(f'{name}_bucket{{le="'):
            bound = float(sample.split('"')[1].replace("+Inf", "inf"))
            counts.append((bound, value - before.get(sample, 0.0)))
    counts.sort()
    if not counts or not counts[-1][1]:
        return float("nan")
    wanted = share * counts[-1][1]
    floor, below = 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            return floor if bound == float("inf") else floor + (bound - floor) * (wanted - below) / (count - below)
        floor, below = bound, count
    return floor
