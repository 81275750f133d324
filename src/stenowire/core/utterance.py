"""One open or unanswered utterance: its stretch of the tape, its engine stream, and what is known of its words.

In: boundaries and hypotheses. Out: steps to ask for. Converts samples to milliseconds. Knows no dialect, no time.
"""

import math

import msgspec

from stenowire.core.stabilizer import Shown, Stabilizer
from stenowire.types import SESSION_RATE_HZ, Hypothesis, Word


def ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ


LEAST_CONFIDENCE = 0.6
"""For sound that the detector is not sure of. The embedded engine's words on recorded noises reached 0.56."""


def confidence(words: tuple[Word, ...]) -> float:
    """Geometric mean of the words' confidences, 0..1; 1 where the engine has none."""
    known = [max(word.confidence, 1e-6) for word in words if word.confidence is not None]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else 1.0


class OpenUtterance:
    """`id` is also the engine stream. Positions are samples on the session's tape; `filled` of them before `start` are
    silence that the session filled in, and do not count as time."""

    def __init__(self, id: int, start: int, onset: int, filled: int = 0) -> None:
        self.id = id
        self.start = start
        self.onset = onset
        self.filled = filled
        self.stabilizer = Stabilizer()
        self.opened_stream = False
        self.asked_until = start
        """How far the last partial that was asked for reached."""
        self.told_at = start
        """How far the audio had been heard when this utterance was last shown."""
        self.ticket = 0
        self.wanted: int | None = None
        """Ticket of the final in progress, None when none is."""
        self.wanted_end = 0
        """Where the clip of that final ends."""
        self.answer: Hypothesis | None = None
        """The final's hypothesis, once it came."""
        self.end: int | None = None
        self.told_end = 0
        """No time beyond this is told: the clip's end, or the end of the audio where silence was filled in."""
        self.speech_end = 0
        self.sure = True
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

    @property
    def believed(self) -> tuple[Word, ...]:
        """The answer's words; none where it may have been noise and the engine was not confident either."""
        if self.answer is None or not (self.sure or confidence(self.answer.words) >= LEAST_CONFIDENCE):
            return ()
        return self.answer.words

    def hear(self, hypothesis: Hypothesis) -> Shown:
        """Take in one more opinion on the words; a final that was decoded ahead settles nothing by itself."""
        return self.stabilizer.feed(msgspec.structs.replace(hypothesis, stable=0) if hypothesis.final else hypothesis)

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
        return max(self.ms(self.start), self.ms(self.onset) - 64)

    def ms(self, position: int) -> int:
        return ms(position - self.filled)

    def placed(self, words: tuple[Word, ...], end_ms: int) -> tuple[Word, ...]:
        """Words moved from the clip's time line to the session's, monotone and inside [begin_ms, end_ms]."""
        offset, at = self.ms(self.start), self.begin_ms
        placed: list[Word] = []
        for word in words:
            begin = min(max(at, word.begin_ms + offset), end_ms)
            end = min(max(begin, word.end_ms + offset), end_ms)
            placed.append(msgspec.structs.replace(word, begin_ms=begin, end_ms=end))
            at = begin
        return tuple(placed)
