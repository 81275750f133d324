"""Sound that was cut off at full scale, rounded again.

Input: float32 mono at any rate, in [-1, 1]. Output: as many samples; where they stood at full scale they may be beyond
it, up to `HIGHEST`. All others are the same bit for bit and come at once. Must not know of formats.
"""

import numpy as np

from stenowire.types import Samples

FULL = 0.999
"""Samples from here on were cut off."""
LONGEST = 160
"""Samples. A longer stretch is no peak of a voice, and stays flat."""
HIGHEST = 4.0
"""12 dB over full scale: nothing is made louder than that."""
CONTEXT = 2
"""Samples on either side that say how steeply the sound rose and fell."""


class Declipper:
    """Draws a cubic Hermite curve through each flat stretch, with the slopes that the sound has at its edges.

    What is held back is a stretch at full scale that has not ended yet, at most 162 samples.
    """

    def __init__(self) -> None:
        self._before = np.zeros(CONTEXT, np.float32)
        """The last samples that were given out, as they came in."""
        self._held = np.empty(0, np.float32)

    def feed(self, samples: Samples) -> Samples:
        if not len(self._held) and not _is_cut(samples).any():
            self._remember(samples)
            return samples
        samples = np.concatenate((self._held, samples))
        return self._drawn(samples, self._open(samples))

    def flush(self) -> Samples:
        """What was held back, as it came."""
        rest, self._held = self._held, np.empty(0, np.float32)
        return rest

    def _open(self, samples: Samples) -> int:
        """Where the last stretch begins, if its edge behind has not come yet and still may; else the end."""
        if self._goes_on and _is_cut(samples).all():
            return len(samples)
        whole = np.flatnonzero(~_is_cut(samples))
        behind = len(samples) - 1 - whole[-1] if len(whole) else len(samples)
        if behind == 0:
            cuts = np.flatnonzero(_is_cut(samples[-CONTEXT:]))
            if not len(cuts):
                return len(samples)
            whole = whole[whole < len(samples) - CONTEXT + cuts[-1]]
            behind = len(samples) - 1 - whole[-1] if len(whole) else len(samples)
        return len(samples) - behind if behind <= LONGEST + CONTEXT else len(samples)

    @property
    def _goes_on(self) -> bool:
        """The last sample given out stood at full scale: in a stretch that was too long."""
        return bool(_is_cut(self._before[-1:]).all())

    def _drawn(self, samples: Samples, until: int) -> Samples:
        line = np.concatenate((self._before, samples)).astype(np.float64)
        drawn = samples[:until].copy()
        edges = np.diff(np.concatenate(([False], _is_cut(samples[:until]), [False])).astype(np.int8))
        for begin, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            known = (begin or not self._goes_on) and end + CONTEXT <= len(samples)
            if known and end - begin <= LONGEST:
                drawn[begin:end] = _arc(line[begin : end + 2 * CONTEXT], samples[begin:end])
        self._held = samples[until:]
        self._remember(samples[:until])
        return drawn

    def _remember(self, samples: Samples) -> None:
        self._before = np.concatenate((self._before, samples[-CONTEXT:]))[-CONTEXT:]


def _is_cut(samples: Samples) -> np.ndarray:
    return np.abs(samples) >= FULL


def _arc(line: np.ndarray, flat: Samples) -> Samples:
    """`line`: the flat stretch with two samples on either side. Never below what was there."""
    length = len(flat) + 1
    t = np.arange(1, length) / length
    rise, fall = (line[1] - line[0]) * length, (line[-1] - line[-2]) * length
    arc = (
        (2 * t**3 - 3 * t**2 + 1) * line[1]
        + (t**3 - 2 * t**2 + t) * rise
        + (3 * t**2 - 2 * t**3) * line[-2]
        + (t**3 - t**2) * fall
    )
    sign = np.sign(flat[0])
    higher: Samples = (sign * np.clip(sign * arc, np.abs(flat), HIGHEST)).astype(np.float32)
    return higher
