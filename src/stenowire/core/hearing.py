"""What the speech detector is asked for, and what it has judged.

In: how far there is audio, answers of the detector. Out: requests, one at a time; each frame's probability of speech
and its level. It must not know utterances, text or time.
"""

import msgspec
import numpy as np

from stenowire.core.line_in import LineIn
from stenowire.core.resuming import Answers
from stenowire.core.segmenter import FRAME
from stenowire.core.tape import Tape
from stenowire.events import Heard, Listen, Open
from stenowire.types import Samples

LISTEN_FRAMES = 64
"""Frames per request to the speech detector: bounds one call to about 2 s of audio."""


class Judged(msgspec.Struct, frozen=True):
    """Frames of the tape, and what is known of them."""

    begin: int
    """Their first sample."""
    probabilities: list[float]
    levels_db: list[float]
    odds: float = 1.0
    """How much likelier speech is than the detector says."""
    doubts: list[float] | None = None
    """By what its odds are divided where *surely* speech is judged, if by anything."""


class Hearing:
    def __init__(self, opening: Open, tape: Tape, line: LineIn, answers: Answers) -> None:
        """`line` knows what the detector is to hear, `answers` what it remembered."""
        self._session = opening.session
        self._tape = tape
        self._line = line
        self._answers = answers
        self._asked = opening.resume.ear_at if opening.resume else 0
        """How far the detector has been asked."""
        self.judging = self._asked
        """From where, in the request that is on its way."""
        self.waits = False
        """Whether one is on its way."""
        self._doubts: list[float] = []
        """Of the frames in it."""

    def ask(self, until: int, heard: int) -> list[Listen]:
        """Ask for what has not been judged yet before `until`; what was heard by an earlier session comes by itself.

        `heard` is how far speech has been judged, by this session or the one that it goes on with.
        """
        until = min(until, heard) if self._asked < heard else until
        frames = min(LISTEN_FRAMES, (until - self._asked) // FRAME)
        if self.waits or frames <= 0:
            return []
        begin, end = self._asked, self._asked + frames * FRAME
        ear = self._answers.ear_at(begin)
        samples = self._line.for_ear(begin, end)
        self._doubts = self._line.ear_doubts(begin, end)
        self.judging, self.waits, self._asked = begin, True, end
        return [Listen(self._session, samples, ear=ear, keep_ear=self._answers.wanted, at=begin)]

    def take(self, heard: Heard) -> Judged:
        """The answer to the request that was on its way."""
        begin, end = self.judging, self._asked
        self.judging, self.waits = end, False
        self._answers.heard(end, heard.ear)
        levels = levels_db(self._tape.view(begin, end))
        return Judged(begin, heard.probabilities.tolist(), levels, self._line.ear_odds, self._doubts)


def levels_db(samples: Samples) -> list[float]:
    """Level of each frame in dB below full scale; samples: float32[frames * FRAME]."""
    power = np.square(samples.reshape(-1, FRAME)).mean(axis=1)
    levels: list[float] = (10 * np.log10(power + 1e-10)).tolist()
    return levels
