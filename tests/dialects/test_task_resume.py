"""What a client is told to give back is read as it was told, and nothing else is believed."""

import msgspec
import pytest

from stenowire.dialects.task_resume import WireResume, read_resume, wire_point
from stenowire.errors import InvalidParameter
from stenowire.types import Place, ResumePoint

pytestmark = pytest.mark.unit

QUIET = Place(heard=512 * 40, floor=512 * 20, quiet=3.25, quiet_from=512 * 30)
CUT = Place(
    heard=512 * 90,
    floor=512 * 60,
    start=512 * 60,
    speech_end=512 * 88,
    speech_frames=28,
    sure_frames=20,
    scores_from=512 * 70,
)


def told(place: Place) -> ResumePoint:
    return ResumePoint(begin=512 * 15, place=place, ear_at=512 * 20, ear=b"ear", sentences=3)


def back(point: ResumePoint, **changes: object) -> ResumePoint | None:
    wire = msgspec.to_builtins(wire_point(point)) | changes
    return read_resume(WireResume(session="a session", point=msgspec.Raw(msgspec.json.encode(wire))))[1]


@pytest.mark.parametrize("place", [QUIET, CUT])
def test_a_point_comes_back_as_it_was_told(place: Place) -> None:
    assert back(told(place)) == told(place)


@pytest.mark.parametrize(
    "change",
    [{"quiet": -1.0}, {"quiet": 1e9}, {"quiet": "much"}, {"quiet_from": 512 * 41}, {"quiet_from": 7}, {"floor": 0}],
)
def test_no_point_that_nobody_told_is_believed(change: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter, match=r"resume\.point"):
        back(told(QUIET), **change)
