"""Two streams in lumps of their own: whatever the lumps, a sound and its echo keep their distance."""

import tracemalloc

import numpy as np
import pytest

from stenowire.cli.in_step import LEAD, MS, SLIPPED, STOPPED, InStep
from stenowire.types import Samples

COUNT = 20_000 * MS


def numbered(count: int) -> Samples:
    """Samples that say where they are from, counted from 1; 0 is none."""
    return np.arange(1, count + 1, dtype=np.float32)


class Streams:
    """Both as they come, and the pairs they were made to."""

    def __init__(self) -> None:
        self.step = InStep()
        self.played, self.heard = numbered(2 * COUNT), numbered(2 * COUNT)
        self._pairs: list[tuple[Samples, Samples]] = []

    def play(self, count: int) -> None:
        self.step.played(self.played[:count])
        self.played = self.played[count:]

    def hear(self, count: int) -> int:
        """How many were paired."""
        self._pairs.append(self.step.heard(self.heard[:count]))
        self.heard = self.heard[count:]
        return len(self._pairs[-1][0])

    def end(self) -> None:
        self._pairs.append(self.step.flush())

    def pairs(self) -> tuple[Samples, Samples]:
        assert all(len(played) == len(heard) for played, heard in self._pairs)
        return np.concatenate([pair[0] for pair in self._pairs]), np.concatenate([pair[1] for pair in self._pairs])

    def distances(self) -> Samples:
        """How much farther what was played is than what was heard beside it."""
        played, heard = self.pairs()
        return (played - heard)[played > 0]


@pytest.mark.parametrize("seed", range(20))
def test_lumps_of_any_size_leave_the_distance_as_it_is(seed: int) -> None:
    """Each is late by up to 60 ms of its own, and comes in lumps of up to 80 ms."""
    random, streams = np.random.default_rng(seed), Streams()
    came, due = {"play": 0, "hear": 0}, {"play": 0, "hear": 0}
    for now in range(0, COUNT, MS):
        for name in ("play", "hear"):
            reached = now - int(random.integers(0, 60 * MS))
            if now >= due[name] and reached > came[name]:
                getattr(streams, name)(reached - came[name])
                came[name], due[name] = reached, now + int(random.integers(10 * MS, 80 * MS))
    streams.end()
    assert streams.pairs()[1].tolist() == numbered(came["hear"]).tolist(), "nothing that was heard is lost"
    distances = streams.distances()
    assert len(distances) > COUNT - 500 * MS
    assert set(distances.tolist()) == {distances[0]}, "one distance from the first pair to the last"
    assert 0 <= distances[0] <= 2 * LEAD, "an echo comes after its sound"


def test_a_microphone_alone_is_handed_on_beside_silence() -> None:
    streams = Streams()
    for _ in range(100):
        streams.hear(100 * MS)
    streams.end()
    played, heard = streams.pairs()
    assert not played.any() and heard.tolist() == numbered(10_000 * MS).tolist()


def test_what_is_played_later_on_is_put_in_step_when_it_comes() -> None:
    streams = Streams()
    for _ in range(50):
        streams.hear(100 * MS)
    streams.played = streams.played[5_000 * MS :]
    for _ in range(50):
        streams.play(100 * MS)
        streams.hear(100 * MS)
    assert set(streams.distances().tolist()) == {LEAD}


def test_a_loudspeaker_that_stops_holds_the_microphone_for_a_moment_only() -> None:
    streams = Streams()
    for _ in range(50):
        streams.play(100 * MS)
        streams.hear(100 * MS)
    for _ in range(50):
        streams.hear(100 * MS)
        assert streams.pairs()[1][-1] >= numbered(COUNT)[COUNT - 1 - len(streams.heard)] - STOPPED - 100 * MS
    played, _ = streams.pairs()
    assert not played[-4_000 * MS :].any()
    streams.played = streams.played[5_000 * MS :]
    for _ in range(50):
        streams.play(100 * MS)
        streams.hear(100 * MS)
    assert streams.distances()[-1] == LEAD, "and it is put in step again when it is back"


def test_a_microphone_that_hung_is_put_in_step_again() -> None:
    """What it did not hear is gone, and so what was played then is let go."""
    streams = Streams()
    for part in range(100):
        streams.play(100 * MS)
        if not 40 <= part < 60:
            streams.hear(100 * MS)
    distances = streams.distances()
    assert distances[0] == LEAD and distances[-1] == LEAD + 2_000 * MS
    assert len(set(distances.tolist())) == 2


def test_a_microphone_that_hangs_for_ever_costs_no_memory() -> None:
    step, piece = InStep(), np.zeros(100 * MS, np.float32)
    tracemalloc.start()
    for _ in range(3_000):
        step.played(piece)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * (STOPPED + SLIPPED) * piece.itemsize, "five minutes would be 19 MB"
