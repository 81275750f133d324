"""Two streams of sound that come in lumps of their own, handed on side by side.

In: what a loudspeaker plays and what a microphone hears, each as it comes. Out: pairs of the same length, which an echo
canceller can take one with the other. Once put in step they are paired by count alone: sound cards lose no samples,
while the times at which samples come say little. It must not know devices, times or the canceller.
"""

import numpy as np

from stenowire.types import SESSION_RATE_HZ, Samples

MS = SESSION_RATE_HZ // 1000
LEAD = 150 * MS
"""By how much what is played goes ahead of what is heard, if both devices are equally late: an echo must never come
before its sound. A canceller looks back half a second, so that slow loudspeakers have a third of a second."""
HELD = 250 * MS
"""Of what is heard, until the two are in step."""
STOPPED = 600 * MS
"""When so much has been heard for which nothing was played, nothing plays any more."""
SLIPPED = 400 * MS
"""When so much more has been played than heard, the microphone hung, and its samples of that time are gone."""


class InStep:
    """At `SESSION_RATE_HZ`. It holds a second of either stream at most, beside the piece that has just come."""

    def __init__(self) -> None:
        self._played = np.empty(0, np.float32)
        self._heard = np.empty(0, np.float32)
        self._in_step = False

    def played(self, samples: Samples) -> None:
        """float32[n] that the loudspeaker was given."""
        self._played = np.concatenate((self._played, samples))[-(STOPPED + SLIPPED) :]

    def heard(self, samples: Samples) -> tuple[Samples, Samples]:
        """float32[n] from the microphone to float32[m] that was played and float32[m] that was heard; m may be 0."""
        self._heard = np.concatenate((self._heard, samples))
        if len(self._heard) > STOPPED or len(self._played) - len(self._heard) > SLIPPED:
            self._in_step = False
        if not self._in_step:
            self._put_in_step()
        if self._in_step:
            return self._take(min(len(self._played), len(self._heard)))
        return self._alone(max(0, len(self._heard) - HELD))

    def flush(self) -> tuple[Samples, Samples]:
        """What is left: nothing more is heard."""
        played, heard = self._take(min(len(self._played), len(self._heard)) if self._in_step else 0)
        silence, rest = self._alone(len(self._heard))
        return np.concatenate((played, silence)), np.concatenate((heard, rest))

    def _put_in_step(self) -> None:
        """The newest of both are of the same moment, as far as anyone knows."""
        wanted = len(self._heard) - LEAD
        if len(self._heard) >= HELD and len(self._played) >= wanted:
            self._played = self._played[-wanted:]
            self._in_step = True

    def _take(self, count: int) -> tuple[Samples, Samples]:
        taken = self._played[:count], self._heard[:count]
        self._played, self._heard = self._played[count:], self._heard[count:]
        return taken

    def _alone(self, count: int) -> tuple[Samples, Samples]:
        heard, self._heard = self._heard[:count], self._heard[count:]
        return np.zeros(count, np.float32), heard
