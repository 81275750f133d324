"""How a session ends that goes wrong: no audio, silence, broken steps; and that nothing is left of it."""

from collections.abc import Sequence

import numpy as np
import pytest

from core.drive import NAME, Drive, finals, opening, recognise
from stenowire.engines.base import Job
from stenowire.engines.scripted import ScriptedEngine, pause, say
from stenowire.errors import InternalError, NoAudio, NoValidAudio, ResponseTimeout
from stenowire.events import (
    Alive,
    Failed,
    Hangup,
)
from stenowire.types import Limits

pytestmark = pytest.mark.unit


def test_finish_without_any_audio_fails() -> None:
    drive = Drive(opening())
    (failed,) = drive.finish()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, NoValidAudio)


def test_no_audio_at_all_fails_after_its_time() -> None:
    drive = Drive(opening(limits=Limits(first_audio_s=23)))
    assert drive.session.next_tick == 23
    assert drive.tick(22.9) == []
    (failed,) = drive.tick(23)
    assert isinstance(failed.error, NoAudio)
    assert failed.error.message == "request timeout after 23 seconds."


def test_audio_that_stalls_fails_after_its_time() -> None:
    drive = Drive(opening(limits=Limits(first_audio_s=23, stall_s=60)))
    drive.audio(pause(1000))
    (failed,) = drive.tick(drive.now + 60)
    assert isinstance(failed.error, ResponseTimeout)


def test_endless_silence_fails_without_heartbeat() -> None:
    drive = Drive(opening(limits=Limits(silence_s=60)))
    updates = drive.audio(pause(61_000))
    assert isinstance(updates[-1], Failed)
    assert isinstance(updates[-1].error, ResponseTimeout)


def test_endless_silence_is_told_with_heartbeat() -> None:
    drive = Drive(opening(limits=Limits(silence_s=60), heartbeat=True))
    updates = drive.audio(pause(65_000))
    assert {type(update) for update in updates} == {Alive}
    assert len(updates) == 6


def test_a_step_that_breaks_once_is_tried_again() -> None:
    breaks = [RuntimeError("once")]

    def moody(jobs: Sequence[Job]) -> None:
        if jobs[0].final and breaks:
            raise breaks.pop()

    drive = Drive(opening(), ScriptedEngine(moody))
    drive.audio(np.concatenate([say("w3 w7"), pause(900)]))
    assert finals(drive.updates) == ["w3 w7"]


def test_a_step_that_keeps_breaking_fails_the_session() -> None:
    def broken(jobs: Sequence[Job]) -> None:
        raise RuntimeError("always")

    drive = Drive(opening(), ScriptedEngine(broken))
    drive.audio(np.concatenate([say("w3 w7"), pause(900)]))
    assert isinstance(drive.updates[-1], Failed)
    assert isinstance(drive.updates[-1].error, InternalError)
    assert drive.session.done


def test_every_stream_is_closed_when_the_session_ends() -> None:
    drive = recognise(np.concatenate([say("w3"), pause(900), say("w7"), pause(900)]))
    assert drive.engine.open_states == 0
    gone = Drive(opening())
    gone.audio(say("w3 w7 w9"))
    assert gone.engine.open_states == 1
    gone.send(Hangup(NAME))
    assert gone.engine.open_states == 0
