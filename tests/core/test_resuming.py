"""A session that another one takes up says what one undisturbed session would have said: texts, times, ids."""

import numpy as np
import pytest

from core.drive import Drive, opening, pcm
from stenowire.engines.scripted import pause, say
from stenowire.events import Answered, Final
from stenowire.types import RESUME_STEP, Claim, Place, ResumePoint, Samples, Segmentation, Sentence

pytestmark = pytest.mark.unit

CLAIM = Claim("mine", 1)
SHORT = Segmentation(silence_ms=640, max_ms=4_000)


def talk() -> Samples:
    words = ("w1 w2 w3", "w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17 w18 w19 w20", "w21", "w22 w23")
    parts = [part for text in words for part in (say(text), pause(1_500))]
    return np.concatenate([pause(700), *parts, pause(3_000), say("w31 w32"), pause(900)])


def points(updates: list[object]) -> list[ResumePoint]:
    return [u.resume for u in updates if isinstance(u, Answered | Final) and u.resume is not None]


def finals(updates: list[object]) -> list[Sentence]:
    return [update.sentence for update in updates if isinstance(update, Final)]


def places(updates: list[object]) -> list[Place]:
    return [update.resume.place for update in updates if isinstance(update, Final) and update.resume]


def heard_whole(**options: object) -> list[object]:
    drive = Drive(opening(claim=CLAIM, segmentation=SHORT, **options))
    drive.audio(talk())
    drive.finish()
    return drive.updates


def test_from_every_point_the_rest_is_told_as_in_one_go() -> None:
    whole = heard_whole()
    told = points(whole)
    assert len(told) > 10
    assert any(point.place.start is not None for point in told)
    for point in told:
        drive = Drive(opening(claim=CLAIM, segmentation=SHORT, resume=point))
        drive.audio(talk()[point.begin :], frame=700)
        drive.finish()
        assert finals(drive.updates) == [s for s in finals(whole) if s.id > point.sentences]
        assert places(drive.updates) == places(whole)[point.sentences :]


def test_points_come_with_every_final_and_once_a_second_of_silence() -> None:
    drive = Drive(opening(claim=CLAIM))
    drive.audio(np.concatenate([say("w1 w2"), pause(10_000)]))
    alone = [update for update in drive.updates if isinstance(update, Answered)]
    assert [final.resume is not None for final in drive.updates if isinstance(final, Final)] == [True]
    assert 8 <= len(alone) <= 10
    assert all(point.begin % RESUME_STEP == 0 for point in points(drive.updates))


def test_without_a_claim_nothing_is_told_of_points() -> None:
    drive = Drive(opening())
    drive.audio(talk())
    drive.finish()
    assert not points(drive.updates)


def test_less_audio_than_there_was_is_refused() -> None:
    point = points(heard_whole())[-1]
    drive = Drive(opening(claim=CLAIM, segmentation=SHORT, resume=point))
    drive.data(pcm(talk())[:3_200], 3_200)
    (failure,) = drive.finish()
    assert "less audio came" in str(failure.error)  # type: ignore[attr-defined]
