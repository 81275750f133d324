"""One open or unanswered utterance: its stretch of the tape, its engine stream, and what is known of its words.

In: boundaries and hypotheses. Out: steps to ask for. Converts samples to milliseconds. Knows no dialect, no time.
"""

import msgspec

from stenowire.core.stabilizer import Shown, Stabilizer
from stenowire.types import SESSION_RATE_HZ, EndedBy, Hypothesis, Word


def ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ


class OpenUtterance:
    """`id` is also the engine stream. Positions are samples since the session began."""

    def __init__(self, id: int, start: int, onset: int) -> None:
        self.id = id
        self.start = start
        self.onset = onset
        self.stabilizer = Stabilizer()
        self.opened_stream = False
        self.asked_until = start
        """How far the last partial that was asked for reached."""
        self.ticket = 0
        self.wanted: int | None = None
        """Ticket of the final in progress, None when none is."""
        self.wanted_end = 0
        """Where the clip of that final ends."""
        self.answer: Hypothesis | None = None
        """The final's hypothesis, once it came."""
        self.end: int | None = None
        self.speech_end = 0
        self.ended_by: EndedBy | None = None
        self.retried = False

    @property
    def shown(self) -> Shown:
        return self.stabilizer.shown

    @property
    def ended(self) -> bool:
        return self.end is not None

    @property
    def answered(self) -> bool:
        return self.ended and self.answer is not None and self.wanted_end == self.end

    def want_final(self, clip_end: int) -> int:
        """A ticket for a final over [start, clip_end)."""
        self.ticket += 1
        self.wanted, self.wanted_end, self.answer = self.ticket, clip_end, None
        return self.ticket

    def forget_final(self) -> None:
        """Speech resumed: what was decoded ahead no longer holds."""
        self.wanted, self.answer = None, None

    def has_final_for(self, clip_end: int) -> bool:
        return self.wanted is not None and self.wanted_end == clip_end

    @property
    def begin_ms(self) -> int:
        """Where the sentence begins on the session's time line: at the onset, or at a word that begins earlier."""
        return max(ms(self.start), ms(self.onset) - 64)

    def placed(self, words: tuple[Word, ...], end_ms: int) -> tuple[Word, ...]:
        """Words moved from the clip's time line to the session's, monotone and inside [begin_ms, end_ms]."""
        offset, at = ms(self.start), self.begin_ms
        placed: list[Word] = []
        for word in words:
            begin = min(max(at, word.begin_ms + offset), end_ms)
            end = min(max(begin, word.end_ms + offset), end_ms)
            placed.append(msgspec.structs.replace(word, begin_ms=begin, end_ms=end))
            at = begin
        return tuple(placed)
