"""The audio of a session that has not been answered yet, addressed by absolute sample.

In: samples in order. Out: views of stretches. Knows nothing of speech, text or time.
"""

import numpy as np

from stenowire.types import SESSION_RATE_HZ, Samples


class Tape:
    """A queue of float32 samples. Positions count from the session's first sample and never shift."""

    def __init__(self, begin: int = 0) -> None:
        self._buffer: Samples = np.zeros(SESSION_RATE_HZ, np.float32)
        self._first = begin
        self._count = 0

    @property
    def begin(self) -> int:
        """Position of the oldest kept sample."""
        return self._first

    @property
    def end(self) -> int:
        """Position one past the newest sample."""
        return self._first + self._count

    @property
    def seconds(self) -> float:
        return self._count / SESSION_RATE_HZ

    def copy(self) -> "Tape":
        """Another tape with what is kept, at the same positions."""
        other = Tape(self.begin)
        other.append(self.view(self.begin, self.end))
        return other

    def append(self, samples: Samples) -> None:
        need = self._count + len(samples)
        if need > len(self._buffer):
            # A new buffer rather than a resize in place: views handed out earlier stay valid.
            grown = np.empty(max(need, 2 * len(self._buffer)), np.float32)
            grown[: self._count] = self._buffer[: self._count]
            self._buffer = grown
        self._buffer[self._count : need] = samples
        self._count = need

    def view(self, begin: int, end: int) -> Samples:
        """float32[end - begin]; both must lie within the kept stretch. The view is read-only."""
        if not self.begin <= begin <= end <= self.end:
            raise ValueError(f"[{begin}, {end}) is outside of the kept audio [{self.begin}, {self.end})")
        part = self._buffer[begin - self._first : end - self._first]
        part.flags.writeable = False
        return part

    def forget(self, before: int) -> None:
        """Drop samples before this position. Memory is given back once half of the buffer is stale."""
        before = min(before, self.end)
        stale = before - self._first
        if stale <= 0:
            return
        if stale < min(self._count, len(self._buffer) // 2):
            return
        kept = self._buffer[stale : self._count].copy()
        self._first = before
        self._count = len(kept)
        self._buffer = np.empty(max(len(kept), SESSION_RATE_HZ), np.float32)
        self._buffer[: len(kept)] = kept
