"""The marks on the tape: commits, clears and changes of mode, at their places between the audio before and behind.

In: marks as the client sets them. Out: the same in their order, once all audio before each is heard. It must not know
audio, speech or text.
"""

from collections import deque
from typing import Literal

import msgspec

from stenowire.types import Segmentation


class Mark(msgspec.Struct, frozen=True):
    """A commit, a clear or a change of mode, at its place on the tape: it holds for the audio before it alone."""

    at: int
    filled: int
    """Samples of silence filled in right before it."""
    kind: Literal["commit", "clear", "mode"]
    segmentation: Segmentation | None = None
    """What is in force behind a change of mode."""


class Marks:
    """Those that are not passed yet, oldest first."""

    def __init__(self) -> None:
        self._ahead: deque[Mark] = deque()
        self.last_at = 0
        """Where the newest one was set, passed or not."""
        self.filled = 0
        """Samples of silence filled in before all that are passed."""

    def __bool__(self) -> bool:
        return bool(self._ahead)

    @property
    def next_at(self) -> int | None:
        """Place of the next one to be passed, None when there is none."""
        return self._ahead[0].at if self._ahead else None

    @property
    def clear_ahead(self) -> bool:
        """Whether what is heard now has been cleared already."""
        return any(mark.kind == "clear" for mark in self._ahead)

    def add(self, mark: Mark) -> None:
        self._ahead.append(mark)
        self.last_at = mark.at

    def amend(self, segmentation: Segmentation) -> None:
        """Have other numbers in force behind the newest one, of which there is one."""
        self._ahead[-1] = msgspec.structs.replace(self._ahead[-1], segmentation=segmentation)

    def behind(self, in_force: Segmentation) -> Segmentation:
        """What is in force for audio that comes now, where `in_force` is for audio that is heard now."""
        marked = [mark.segmentation for mark in self._ahead if mark.segmentation]
        return marked[-1] if marked else in_force

    def pass_next(self) -> Mark:
        mark = self._ahead.popleft()
        self.filled += mark.filled
        return mark
