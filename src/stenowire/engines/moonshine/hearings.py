"""Search for the text of a clip in noise, heard in three ways: with more and with less of the noise taken away.

Input: a `Network`, both sounds, what it heard of the first. Output: a text, as a search gives it. Must not know words,
times or noise.

One hearing takes for speech what another knows for noise, or misses what was taken away with it. The search goes by the
mean of what all hold for likely, token by token (dev/LOG.md, "In noise, heard three times"). It costs three times the
one search.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.decode import Decoded, beam
from stenowire.engines.moonshine.network import Heard, Layers, Network, Step
from stenowire.types import Samples

LATE = 128
"""Samples, 8 ms, by which each sound comes later than the one before: what a model mistakes hangs on how its frames
happen to fall, and so they mistake different things. Frames are of 384."""


def heard_together(network: Network, clip: Samples, again: Samples, heard: Heard, cap: int) -> Decoded:
    """At most `cap` tokens. `heard` came of `clip`; `again`, float32[n] as it is, has more of the noise taken away, and
    the third sound as much less."""
    others = (_late(again, LATE), _late(2 * clip - again, 2 * LATE))
    hearings = [heard, *(network.encode(network.listen(sound)) for sound in others)]
    return beam(Together(network, hearings), heard, cap)


class Together:
    """What a search may ask instead of the network. Where words lie is told by the first hearing."""

    def __init__(self, network: Network, hearings: Sequence[Heard]) -> None:
        """All of them of as many frames."""
        self._network, self._hearings = network, hearings

    def decode(self, heard: Heard, tokens: NDArray[np.int64], kept: Layers | None, best: int = 1) -> Step:
        """As `Network.decode`, for one new token a row; `heard` is one of them. `kept` is of one after the other."""
        size = 0 if kept is None else len(kept) // len(self._hearings)
        steps = [
            self._network.decode(hearing, tokens, kept and kept[index * size : (index + 1) * size], best)
            for index, hearing in enumerate(self._hearings)
        ]
        scores, candidates = mean(steps)
        all_kept = [values for step in steps for values in step.kept]
        return Step(scores, candidates, steps[0].wanted, steps[0].attention, all_kept)


def mean(steps: Sequence[Step]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """([rows, 1, best] logarithms of mean probabilities, the ids they belong to). What is not among the best of one
    hearing has none there: at most what the last of them has."""
    ids = np.concatenate([step.candidates[:, 0] for step in steps], axis=1)
    chances = np.exp(np.concatenate([step.scores[:, 0] for step in steps], axis=1)) / np.float32(len(steps))
    ids, chances = _ordered(ids, chances, np.argsort(ids, axis=1, kind="stable"))
    for column in range(ids.shape[1] - 1, 0, -1):
        same = ids[:, column] == ids[:, column - 1]
        chances[:, column - 1] += np.where(same, chances[:, column], 0)
        chances[same, column] = 0
    best = steps[0].scores.shape[2]
    ids, chances = _ordered(ids, chances, np.argsort(-chances, axis=1, kind="stable")[:, :best])
    return np.log(np.maximum(chances, np.float32(1e-30)))[:, None], ids[:, None]


def _ordered(
    ids: NDArray[np.int64], chances: NDArray[np.float32], order: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(chances, order, axis=1)


def _late(sound: Samples, samples: int) -> Samples:
    return np.concatenate((np.zeros(samples, np.float32), sound[:-samples]))
