"""The sound of one stream, as the recogniser and as the speech detector are to hear it.

In and out: float32 mono at 16 kHz. Must not know how either came about.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stenowire.types import Samples


class Sound(NamedTuple):
    samples: Samples
    """float32[n]: what is recognised."""
    ear: Samples
    """float32[n]: the same moments for the detector and for whoever listens again; the very same array where there is
    no difference."""

    @property
    def same(self) -> bool:
        return self.ear is self.samples

    def part(self, begin: int, end: int | None = None) -> "Sound":
        samples = self.samples[begin:end]
        return Sound(samples, samples if self.same else self.ear[begin:end])


EMPTY = np.empty(0, np.float32)
NOTHING = Sound(EMPTY, EMPTY)


def joined(parts: Sequence[Sound]) -> Sound:
    """One after the other."""
    if not parts:
        return NOTHING
    samples = np.concatenate([part.samples for part in parts])
    same = all(part.same for part in parts)
    return Sound(samples, samples if same else np.concatenate([part.ear for part in parts]))
