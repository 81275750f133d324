"""OpenAI's and vLLM's protocols and a real session behind them, tied together: what is said comes back as its words."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialects.line import Line
from dialects.openai_reader import COMPLETED, DELTA, Reader
from stenowire.dialects.base import Output, Text
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.vllm import VllmDialect
from stenowire.engines.scripted import pause, say

pytestmark = pytest.mark.unit

RAW = {"type": "audio/pcm", "rate": 16_000}
"""What `Line.speak` sends."""


class OpenAILine(Line):
    reader: Reader

    def __init__(self, **session: Any) -> None:
        super().__init__(OpenAIDialect(0.0, model="m", unix_s=1000), Reader())
        self.update(format=RAW, **session)

    def update(self, **input: Any) -> None:
        self.write("session.update", session={"audio": {"input": input}})

    def commit(self) -> None:
        self.write("input_audio_buffer.commit")

    @property
    def joined(self) -> list[str]:
        """The deltas of each item."""
        ids = dict.fromkeys(event["item_id"] for event in self.of(DELTA))
        return ["".join(event["delta"] for event in self.of(DELTA) if event["item_id"] == item) for item in ids]


def test_turns_are_found_told_while_they_last_and_transcribed() -> None:
    line = OpenAILine()
    line.speak(np.concatenate([pause(500), say("w3 w7 w9 w5"), pause(1500), say("w5"), pause(1200)]))
    assert line.transcripts == ["w3 w7 w9 w5", "w5"]
    assert line.joined == line.transcripts
    before = [event["type"] for event in line.events].index("input_audio_buffer.speech_stopped")
    assert DELTA in [event["type"] for event in line.events[:before]]
    starts = [event["audio_start_ms"] for event in line.of("input_audio_buffer.speech_started")]
    assert [round(at, -2) for at in starts] == [500, 4000]


def test_a_commit_ends_the_present_turn() -> None:
    line = OpenAILine()
    line.speak(np.concatenate([say("w3 w7"), pause(60)]))
    assert line.transcripts == []
    line.commit()
    assert line.transcripts == ["w3 w7"]
    line.commit()
    assert line.of("error")[0]["error"]["code"] == "input_audio_buffer_commit_empty"


def test_in_manual_mode_commits_make_the_items() -> None:
    line = OpenAILine(turn_detection=None)
    line.commit()
    assert line.of("error")[0]["error"]["code"] == "input_audio_buffer_commit_empty"
    line.speak(np.concatenate([say("w3 w7"), pause(2500), say("w9")]))
    line.commit()
    line.speak(pause(700))
    line.commit()
    assert line.transcripts == ["w3 w7 w9", ""]
    assert [event["usage"]["seconds"] for event in line.of(COMPLETED)] == [pytest.approx(4.0, abs=0.05), 0.7]
    assert not line.of("input_audio_buffer.speech_started")


def test_what_is_cleared_is_neither_told_nor_transcribed() -> None:
    line = OpenAILine(turn_detection=None)
    line.speak(say("w3 w7 w8 w2 w6"))
    line.write("input_audio_buffer.clear")
    cleared = len(line.events)
    line.speak(say("w9 w4 w5 w1"))
    line.commit()
    assert line.transcripts == ["w9 w4 w5 w1"]
    after = [event for event in line.events[cleared:] if event["type"] == DELTA]
    assert "".join(event["delta"] for event in after) == "w9 w4 w5 w1"


def test_a_sentence_ends_by_its_meaning() -> None:
    line = OpenAILine(turn_detection={"type": "semantic_vad"})
    line.speak(np.concatenate([say("w3 w7"), pause(1000), say("w9"), pause(2600)]))
    assert line.transcripts == ["w3 w7 w9"]


@pytest.mark.parametrize(
    ("format", "bytes_per_second"),
    [
        ({"type": "audio/pcm"}, 48_000),
        ({"type": "audio/pcm", "rate": 8000}, 16_000),
        ({"type": "audio/pcmu"}, 8_000),
        ({"type": "audio/pcma"}, 8_000),
    ],
)
def test_audio_lasts_as_long_as_it_was_spoken_in_every_format_and_however_cut(
    format: dict[str, Any], bytes_per_second: int
) -> None:
    line = OpenAILine(turn_detection=None)
    line.update(format=format)
    line.send_bytes(bytes(3 * bytes_per_second), 4801)
    line.commit()
    assert line.drive and line.drive.session.audio_s == pytest.approx(3.0, abs=0.05)
    assert line.of(COMPLETED)[0]["usage"]["seconds"] == 3.0


def test_the_session_is_flushed_before_it_expires() -> None:
    line = OpenAILine()
    line.speak(np.concatenate([say("w3 w7"), pause(100)]))
    line.carry(line.dialect.tick(3600.0))
    assert line.transcripts == ["w3 w7"] and line.reader.closed
    assert line.events[-1]["error"]["code"] == "session_expired"


ACTIONS = st.one_of(
    st.integers(1, 9).map(lambda number: ("speak", f"w{number}")),
    st.sampled_from([200, 900]).map(lambda ms: ("pause", ms)),
    st.sampled_from(["commit", "clear", "vad", "semantic", "manual"]).map(lambda it: (it, 0)),
    st.sampled_from(["hold", "answer", "deafen", "hear"]).map(lambda it: (it, 0)),
)
TURNS = {"vad": {"type": "server_vad"}, "semantic": {"type": "semantic_vad"}, "manual": None}


@given(actions=st.lists(ACTIONS, max_size=14))
@example(actions=[("manual", 0), ("deafen", 0), ("speak", "w1"), ("commit", 0), ("vad", 0)])
@example(actions=[("pause", 200), ("manual", 0), ("deafen", 0), ("commit", 0), ("vad", 0)])
@example(
    actions=[("speak", "w1"), ("deafen", 0), ("commit", 0), ("speak", "w1"), ("manual", 0), ("commit", 0)],
)
@settings(max_examples=40, deadline=None)
def test_in_any_order_of_things_the_rules_hold(actions: list[tuple[str, Any]]) -> None:
    line = OpenAILine()
    assert line.drive
    for name, value in actions:
        match name:
            case "speak":
                line.speak(say(value))
            case "pause":
                line.speak(pause(value))
            case "commit" | "clear":
                line.write(f"input_audio_buffer.{name}")
            case "hold" if line.drive.held is None:
                line.drive.held = []
            case "answer" if line.drive.held is not None:
                line.answer_held()
            case "deafen" if line.drive.unheard is None:
                line.drive.unheard = []
            case "hear":
                line.hear()
            case "vad" | "semantic" | "manual":
                line.update(turn_detection=TURNS[name])
    line.carry(line.dialect.tick(3600.0))
    line.hear()
    if line.drive.held is not None:
        line.answer_held()
    assert line.reader.closed and line.reader.answered == line.reader.committed


# ---- vLLM -----------------------------------------------------------------------------------------------------------


class Plain:
    """vLLM's protocol has no rule that one frame could break."""

    def take(self, outputs: list[Output]) -> None:
        assert all(isinstance(output, Text) and "type" in json.loads(output.data) for output in outputs)


def vllm_line() -> Line:
    line = Line(VllmDialect(0.0, unix_s=1000), Plain())
    line.write("session.update", model="m")
    return line


def transcriptions(line: Line) -> list[tuple[str, str]]:
    """(deltas joined, text) of each."""
    told, done = "", []
    for event in line.events:
        match event["type"]:
            case "transcription.delta":
                told += event["delta"]
            case "transcription.done":
                done.append((told, event["text"]))
                told = ""
    return done


def test_everything_up_to_a_final_commit_is_one_transcription() -> None:
    line = vllm_line()
    for samples in (np.concatenate([say("w3 w7"), pause(1500), say("w9")]), say("w5")):
        line.write("input_audio_buffer.commit", final=False)
        line.speak(samples)
        line.write("input_audio_buffer.commit", final=True)
    assert transcriptions(line) == [("w3 w7 w9", "w3 w7 w9"), ("w5", "w5")]
    first = line.of("transcription.done")[0]["usage"]
    assert first == {"prompt_tokens": 38, "completion_tokens": 2, "total_tokens": 40}


def test_words_come_before_the_audio_has_ended() -> None:
    line = vllm_line()
    line.speak(say("w3 w7 w9 w5 w1 w2"))
    assert line.of("transcription.delta") and not line.of("transcription.done")


def test_silence_is_a_transcription_without_text() -> None:
    line = vllm_line()
    line.speak(pause(1000))
    line.write("input_audio_buffer.commit", final=True)
    line.write("input_audio_buffer.commit", final=True)
    assert transcriptions(line) == [("", ""), ("", "")]
