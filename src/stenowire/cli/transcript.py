"""What has been said so far in one recognition.

In: partial and final updates. Out: the finals, and the same updates to whoever shows or writes them.
"""

from collections.abc import Sequence

import msgspec

from stenowire.cli.captions import Captions
from stenowire.events import Final, Partial


class Transcript:
    def __init__(self) -> None:
        self.finals: list[Final] = []
        self._open: Partial | None = None

    def take(self, update: Partial | Final, shown: Sequence[Captions] = ()) -> None:
        if isinstance(update, Final):
            self.finals.append(update)
        self._open = update if isinstance(update, Partial) else None
        for captions in shown:
            captions.show(update)

    def close(self, shown: Sequence[Captions] = ()) -> None:
        """A sentence that was never finished stands as it is: the last words are shown, not lost."""
        if self._open and self._open.sentence.words:
            sentence = self._open.sentence
            end_ms = sentence.words[-1].end_ms
            closed = msgspec.structs.replace(sentence, final=True, end_ms=end_ms)
            self.take(Final(self._open.session, closed, end_ms / 1000), shown)
