"""How far speech stands above the noise around it, while it is heard.

In: steps of 10 ms at 16 kHz. Out: whether the sound is noisy. Looks back only. Must not know of suppressors.
"""

from collections import deque

import numpy as np

from stenowire.types import Samples

LOOK_BACK = 300
"""Steps, 3 s: long enough to hold a gap between words, short enough to follow a door that opens."""
LEAST = 30
"""Steps before anything is said."""
EVERY = 10
"""Steps between two looks."""
NOISY_DB, CLEAR_DB = 13.0, 17.0
"""Below the one it has become noisy, above the other clear again; in between it stays what it was. The distance of
loud from quiet steps is 5 to 8 dB above the true ratio (dev/LOG.md, "Noise reduction")."""
FAINT_DB = -65.0
"""Loud steps below this hold neither speech nor noise that matters, in dB of full scale."""


class SignalToNoise:
    def __init__(self) -> None:
        self._levels_db: deque[float] = deque(maxlen=LOOK_BACK)
        self._steps = 0
        self.noisy = False

    def feed(self, step: Samples) -> bool:
        """float32[160] in; whether the sound up to here is noisy."""
        self._levels_db.append(10 * float(np.log10(np.dot(step, step) / len(step) + 1e-10)))
        self._steps += 1
        if self._steps % EVERY == 0 and len(self._levels_db) >= LEAST:
            self._look()
        return self.noisy

    def _look(self) -> None:
        quiet_db, loud_db = np.percentile(self._levels_db, (10, 95))
        if loud_db < FAINT_DB or loud_db - quiet_db > CLEAR_DB:
            self.noisy = False
        elif loud_db - quiet_db < NOISY_DB:
            self.noisy = True
