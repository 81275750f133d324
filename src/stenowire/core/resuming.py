"""What a session tells of how far it has answered, so that another one can take it up.

In: places between utterances, and what the speech detector remembered on the way. Out: resume points, in finals and by
themselves. Only for clients that hold a claim; for others it does nothing. Knows no audio, text or time.
"""

from collections import deque

import msgspec

from stenowire.core.segmenter import FRAME
from stenowire.events import Answered, Final, Open
from stenowire.types import RESUME_STEP, SESSION_RATE_HZ, Place, ResumePoint

EVERY = SESSION_RATE_HZ
"""Samples between two points in silence, and between two kept states of the detector (1.3 kB each)."""
SETTLING = SESSION_RATE_HZ // 4
"""Audio that a point asks for before what is needed: a resampler's first 30 ms differ from those of one under way."""
NOISE_SETTLING = 4 * SESSION_RATE_HZ
"""The same where noise is reduced, which takes a while to know the noise."""


class Answers:
    def __init__(self, opening: Open) -> None:
        self.wanted = opening.claim is not None
        self._session = opening.session
        self._settling = SETTLING if opening.noise_reduction in (None, "off") else NOISE_SETTLING
        point = opening.resume
        self._restored = (point.ear_at, point.ear) if point and point.ear else None
        self._ears: deque[tuple[int, bytes]] = deque([(point.ear_at, point.ear) if point else (0, b"")])
        """What the detector remembered at which sample, oldest first."""
        self._told_at = point.place.heard if point else 0

    def ear_at(self, sample: int) -> bytes | None:
        """What the detector is to remember before it goes on here; told once."""
        ear, self._restored = self._restored, None
        return ear[1] if ear and ear[0] == sample else None

    def heard(self, until: int, ear: bytes) -> None:
        if not self.wanted:
            return
        if len(self._ears) > 1 and until - self._ears[-2][0] < EVERY:
            self._ears.pop()
        self._ears.append((until, ear))

    def forget(self, needed: int) -> None:
        """No point before this sample will be asked for."""
        while len(self._ears) > 1 and self._ears[1][0] <= needed // FRAME * FRAME:
            self._ears.popleft()

    def point(self, place: Place | None, filled: int) -> ResumePoint | None:
        """None where there is none: silence that was filled in moves all later times, and stays with its session."""
        if not self.wanted or place is None or filled:
            return None
        again = place.heard if place.start is None else min(place.heard, place.scores_from)
        ear_at, ear = next(known for known in reversed(self._ears) if known[0] <= again)
        begin = max(0, min(ear_at, place.floor) - self._settling) // RESUME_STEP * RESUME_STEP
        return ResumePoint(begin=begin, place=place, ear_at=ear_at, ear=ear, sentences=0)

    def tell(self, point: ResumePoint | None, finals: list[Final], sentences: int) -> list[Final | Answered]:
        """An item's final with its point; the point alone when there was no word in it."""
        if point is None:
            return list(finals)
        point = msgspec.structs.replace(point, sentences=sentences)
        self._told_at = point.place.heard
        if not finals:
            return [Answered(self._session, point)]
        return [*finals[:-1], msgspec.structs.replace(finals[-1], resume=point)]

    def quiet(self, place: Place | None, sentences: int, filled: int) -> list[Answered]:
        """A point in silence, once a second of audio."""
        if not self.wanted or place is None or place.heard - self._told_at < EVERY:
            return []
        point = self.point(place, filled)
        if point is None:
            return []
        self._told_at = place.heard
        return [Answered(self._session, msgspec.structs.replace(point, sentences=sentences))]
