"""A session whose client says where items end: commits, clears, and changes between them."""

import numpy as np
import pytest

from core.drive import NAME, Drive, finals, opening, partials
from stenowire.engines.scripted import pause, say
from stenowire.events import (
    Clear,
    Cleared,
    Commit,
    Committed,
    Final,
    Finished,
    Reconfigure,
    Refused,
)
from stenowire.types import Segmentation

pytestmark = pytest.mark.unit


def manual(**changes: object) -> Drive:
    return Drive(opening(segmentation=Segmentation(mode="manual", silence_ms=640), answer_empty=True, **changes))


def test_a_commit_answers_all_audio_since_the_last_one_as_one_sentence() -> None:
    drive = manual()
    drive.audio(np.concatenate([say("w3 w7"), pause(1500), say("w9"), pause(100)]))
    assert finals(drive.updates) == []
    (committed, final) = drive.send(Commit(NAME))
    assert committed == Committed(NAME, 1)
    assert (final.sentence.text, final.item) == ("w3 w7 w9", 1)
    drive.audio(say("w5"))
    assert drive.send(Commit(NAME))[0] == Committed(NAME, 2)
    drive.finish()
    assert finals(drive.updates) == ["w3 w7 w9", "w5"]


def test_a_committed_silence_is_answered_with_an_empty_final() -> None:
    drive = manual()
    drive.audio(pause(1000))
    drive.send(Commit(NAME))
    assert finals(drive.updates) == [""]


def test_an_empty_commit_is_refused_and_the_session_goes_on() -> None:
    drive = manual()
    (refused,) = drive.send(Commit(NAME))
    assert isinstance(refused, Refused)
    drive.audio(say("w3"))
    drive.send(Commit(NAME))
    assert finals(drive.updates) == ["w3"]


def test_cleared_audio_is_not_answered() -> None:
    drive = manual()
    drive.audio(say("w3 w4"))
    assert drive.send(Clear(NAME)) == [Cleared(NAME)]
    drive.audio(say("w7"))
    drive.send(Commit(NAME))
    drive.finish()
    assert finals(drive.updates) == ["w7"]
    assert drive.engine.open_states == 0


def test_audio_that_was_not_committed_is_answered_at_finish() -> None:
    drive = manual()
    drive.audio(say("w3"))
    drive.finish()
    assert finals(drive.updates) == ["w3"]
    assert isinstance(drive.updates[-1], Finished)


def test_commits_do_not_shift_the_times_of_what_follows() -> None:
    drive = manual()
    for _ in range(20):
        drive.audio(np.concatenate([pause(333), say("w3")]))
        drive.send(Commit(NAME))
    begins = [u.sentence.words[0].begin_ms for u in drive.updates if isinstance(u, Final)]
    assert begins == [pytest.approx(333 + 833 * index, abs=40) for index in range(20)]


def test_a_commit_in_voice_detection_does_not_wait_for_more_silence() -> None:
    drive = Drive(opening())
    drive.audio(np.concatenate([say("w3 w7"), pause(60)]))
    drive.send(Commit(NAME))
    assert finals(drive.updates) == ["w3 w7"]


def test_a_change_of_mode_leaves_the_audio_before_it_alone() -> None:
    drive = manual()
    drive.deaf = True
    drive.audio(say("w3 w7"))
    drive.send(Commit(NAME))
    drive.send(Reconfigure(NAME, segmentation=Segmentation(silence_ms=640)))
    drive.audio(np.concatenate([say("w9"), pause(900)]))
    drive.listen()
    assert [u.item for u in drive.updates if isinstance(u, Committed | Final)] == [1, 1, 2]
    assert finals(drive.updates) == ["w3 w7", "w9"]


def test_words_of_cleared_audio_are_not_shown() -> None:
    drive = manual()
    drive.held = []
    drive.audio(say("w3 w4 w5"))
    drive.deaf = True
    drive.send(Clear(NAME))
    for step in drive.held:
        drive.answer(step)
    assert partials(drive.updates) == []


def test_a_commit_while_nobody_speaks_is_answered_where_every_item_is() -> None:
    drive = Drive(opening(answer_empty=True))
    drive.audio(pause(1000))
    committed, final = drive.send(Commit(NAME))
    assert (committed, final.item, final.sentence.text) == (Committed(NAME, 1), 1, "")
