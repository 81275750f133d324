"""The session protocol and a real session behind it, tied together: what a client says comes back as its words."""

import io
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.drive import NAME
from dialects.line import Line
from dialects.realtime_reader import INTERIM, Reader
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.qwen import QwenDialect
from stenowire.engines.scripted import pause, say

pytestmark = pytest.mark.unit


class SessionLine(Line):
    reader: Reader

    def __init__(self, kind: type[QwenDialect] = QwenDialect) -> None:
        super().__init__(kind(0.0, model="m", session_id=NAME), Reader())

    def write(self, type: str, **fields: Any) -> None:
        self.reader.finishing |= type == "session.finish"
        super().write(type, **fields)


def update(line: Line, **session: Any) -> None:
    line.write("session.update", session=session)


@pytest.mark.parametrize("kind", [QwenDialect, OmniDialect])
def test_turns_are_found_shown_and_transcribed(kind: type[QwenDialect]) -> None:
    line = SessionLine(kind)
    line.speak(np.concatenate([pause(500), say("w3 w7 w9"), pause(1500), say("w5"), pause(1200), say("w8")]))
    line.write("session.finish")
    assert line.transcripts == ["w3 w7 w9", "w5", "w8"] and line.reader.finished
    shown = [event["text"] + event["stash"] for event in line.of(INTERIM)]
    assert "w3 w7" in shown and "w5" in shown
    starts = [event["audio_start_ms"] for event in line.of("input_audio_buffer.speech_started")]
    stops = [event["audio_end_ms"] for event in line.of("input_audio_buffer.speech_stopped")]
    assert [round(at, -2) for at in starts] == [500, 3500, 5200] and all(map(int.__lt__, starts, stops))


def test_in_manual_mode_commits_make_the_items() -> None:
    line = SessionLine()
    update(line, turn_detection=None)
    line.write("input_audio_buffer.commit")
    assert line.of("error")[0]["error"]["code"] == "input_audio_buffer_commit_empty"
    line.speak(np.concatenate([say("w3 w7"), pause(2500), say("w9")]))
    line.write("input_audio_buffer.commit")
    line.speak(pause(700))
    line.write("input_audio_buffer.commit")
    line.speak(say("w5"))
    line.write("session.finish")
    assert line.transcripts == ["w3 w7 w9", "", "w5"] and line.reader.finished
    assert not line.of("input_audio_buffer.speech_started")


def test_what_is_cleared_is_not_transcribed() -> None:
    line = SessionLine()
    update(line, turn_detection=None)
    line.speak(say("w3 w7"))
    line.write("input_audio_buffer.clear")
    line.speak(say("w9"))
    line.write("input_audio_buffer.commit")
    line.write("session.finish")
    assert line.transcripts == ["w9"]


def test_omni_answers_with_what_was_said() -> None:
    line = SessionLine(OmniDialect)
    line.speak(np.concatenate([say("w3 w7"), pause(1500)]))
    update(line, turn_detection=None)
    line.speak(say("w9"))
    line.write("input_audio_buffer.commit")
    line.write("response.create")
    line.write("session.finish")
    assert [event["text"] for event in line.of("response.text.done")] == ["w3 w7", "w9"]
    assert line.reader.responses == 2


def test_another_format_in_mid_session_loses_no_word() -> None:
    line = SessionLine()
    line.speak(np.concatenate([say("w3 w7"), pause(1200)]))
    update(line, input_audio_format="wav")
    line.speak(np.concatenate([np.frombuffer(wav_header(), "<i2") / 32767, say("w9"), pause(1200)]))
    line.write("session.finish")
    assert line.transcripts == ["w3 w7", "w9"]


def wav_header() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
    return file.getvalue()


def test_a_session_without_any_speech_is_finished_without_any_item() -> None:
    line = SessionLine()
    line.speak(pause(3000))
    line.write("session.finish")
    assert line.reader.finished and not line.of("conversation.item.created")


ACTIONS = st.one_of(
    st.integers(1, 9).map(lambda number: ("speak", f"w{number}")),
    st.sampled_from([200, 900]).map(lambda ms: ("pause", ms)),
    st.sampled_from(["commit", "clear", "vad", "manual", "create", "cancel"]).map(lambda it: (it, 0)),
    st.sampled_from(["hold", "answer", "deafen", "hear"]).map(lambda it: (it, 0)),
)


@pytest.mark.parametrize("kind", [QwenDialect, OmniDialect])
@given(actions=st.lists(ACTIONS, max_size=14))
@settings(max_examples=40, deadline=None)
def test_in_any_order_of_things_the_rules_hold(kind: type[QwenDialect], actions: list[tuple[str, Any]]) -> None:
    line = SessionLine(kind)
    assert line.drive
    for name, value in actions:
        match name:
            case "speak":
                line.speak(say(value))
            case "pause":
                line.speak(pause(value))
            case "commit" | "clear":
                line.write(f"input_audio_buffer.{name}")
            case "vad":
                update(line, turn_detection={"type": "server_vad"})
            case "manual":
                update(line, turn_detection=None)
            case "create" | "cancel":
                line.write(f"response.{name}")
            case "hold" if line.drive.held is None:
                line.drive.held = []
            case "answer" if line.drive.held is not None:
                line.answer_held()
            case "deafen" if line.drive.unheard is None:
                line.drive.unheard = []
            case "hear":
                line.hear()
    line.write("session.finish")
    line.hear()
    if line.drive.held is not None:
        line.answer_held()
    assert line.reader.finished and not line.reader.unanswered
    assert line.drive.session.done or not line.drive.updates[1:]
