"""The extension of the task protocol by which a recognition survives its connection: its shapes, and what they mean.

In: `parameters.resume` of a run-task. Out: a claim and a resume point of the inner language, and points back on the
wire. Clients that do not send `resume` never see a word of it. A client gives a point back as it came: what is in it,
besides `from_ms`, is the server's own affair. It holds no secret and no words, only positions and what the speech
detector remembers, so it is checked for sense and not signed: whoever forges one harms his own text.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from stenowire.dialects.faults import explain
from stenowire.errors import InvalidParameter
from stenowire.events import Open
from stenowire.types import RESUME_STEP, SESSION_RATE_HZ, Claim, Encoding, Place, ResumePoint

STEP_MS = RESUME_STEP * 1000 // SESSION_RATE_HZ
FRAME = 512
"""Samples that the speech detector judges at once."""
MOST_AGAIN = 120 * SESSION_RATE_HZ
"""Samples that a point may ask for again."""
RAW: frozenset[Encoding] = frozenset(("pcm", "mulaw", "alaw"))
"""Formats that can be cut at any sample. Others are not resumed by point."""

Sample = Annotated[int, Meta(ge=0, le=1 << 40)]
Count = Annotated[int, Meta(ge=0, le=1 << 31)]


class WirePoint(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    from_ms: Annotated[int, Meta(ge=0, le=1 << 36, multiple_of=STEP_MS)]
    """The audio to send after it begins here."""
    sentences: Count
    heard: Sample
    floor: Sample
    ear_at: Sample
    ear: Annotated[bytes, Meta(max_length=16 << 10)] = b""
    """base64 on the wire."""
    start: Sample | None = None
    speech_end: Sample = 0
    speech_frames: Count = 0
    sure_frames: Count = 0
    scores_from: Sample = 0
    quiet: Annotated[float, Meta(ge=0, le=100)] = 0.0
    quiet_from: Sample = 0


class WireResume(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    session: Annotated[str, Meta(min_length=1, max_length=64)]
    epoch: Annotated[int, Meta(ge=0, le=1 << 53)] = 0
    point: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """A `WirePoint`; to a client nothing but what it has to give back."""


_POINT = msgspec.json.Decoder(WirePoint | None)


class Begun(msgspec.Struct, frozen=True):
    """What task-started says of it."""

    session: str
    from_ms: int
    """Where the audio to come begins."""


def begun(opening: Open) -> Begun | None:
    if opening.claim is None:
        return None
    begin = opening.resume.begin if opening.resume else 0
    return Begun(opening.claim.session, begin * 1000 // SESSION_RATE_HZ)


def read_resume(resume: WireResume) -> tuple[Claim, ResumePoint | None]:
    """Raises InvalidParameter for a point that no session can have told."""
    claim = Claim(resume.session, resume.epoch)
    path = "payload.parameters.resume.point"
    try:
        point = None if resume.point is msgspec.UNSET else _POINT.decode(resume.point)
    except (ValueError, RecursionError) as fault:
        raise explain(fault, path) from fault
    if point is None:
        return claim, None
    begin = point.from_ms * SESSION_RATE_HZ // 1000
    place = Place(
        heard=point.heard,
        floor=point.floor,
        start=point.start,
        speech_end=point.speech_end,
        speech_frames=point.speech_frames,
        sure_frames=point.sure_frames,
        scores_from=point.scores_from,
        quiet=point.quiet,
        quiet_from=point.quiet_from,
    )
    read = ResumePoint(begin=begin, place=place, ear_at=point.ear_at, ear=point.ear, sentences=point.sentences)
    if not _makes_sense(read):
        raise InvalidParameter(f"{path}: no session can have told this; give it back as it came", path)
    return claim, read


def _makes_sense(point: ResumePoint) -> bool:
    place, begin = point.place, point.begin
    frames = point.ear_at % FRAME == place.heard % FRAME == place.quiet_from % FRAME == 0
    order = begin <= point.ear_at <= place.heard and begin <= place.floor <= place.heard <= begin + MOST_AGAIN
    order = order and place.quiet_from <= place.heard
    if place.start is None:
        return frames and order
    inside = begin <= place.start < place.heard and place.start <= place.speech_end <= place.heard
    scores = place.scores_from % FRAME == 0 and point.ear_at <= place.scores_from <= place.heard
    return frames and order and inside and scores


def wire_point(point: ResumePoint) -> WirePoint:
    place = point.place
    return WirePoint(
        from_ms=point.begin * 1000 // SESSION_RATE_HZ,
        sentences=point.sentences,
        heard=place.heard,
        floor=place.floor,
        ear_at=point.ear_at,
        ear=point.ear,
        start=place.start,
        speech_end=place.speech_end,
        speech_frames=place.speech_frames,
        sure_frames=place.sure_frames,
        scores_from=place.scores_from,
        quiet=place.quiet,
        quiet_from=place.quiet_from,
    )
