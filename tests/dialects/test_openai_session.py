"""What conversations cannot show: probabilities, ids, and what an append costs in copies."""

import base64
import json
import math
from typing import Any

import pytest

from stenowire.dialects.base import Output, Text
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.openai_session import LOGPROBS
from stenowire.dialects.realtime_wire import MAX_AUDIO_BYTES
from stenowire.events import Audio, Committed, Final, Open, Opened, SpeechStarted, SpeechStopped
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit

SESSION = "sess_T-1"
SURE = (Word("Good", 0, 300, "", 0.9), Word("morning", 300, 700, ".", 0.8))
UNKNOWN = (Word("Good", 0, 300, "", 0.9), Word("morning", 300, 700, "."))


def opened(**session: Any) -> OpenAIDialect:
    dialect = OpenAIDialect(0.0, model="m", unix_s=1000, token="T")
    dialect.begin(0.0)
    dialect.receive(json.dumps({"type": "session.update", "session": session}), 0.0)
    dialect.send(Opened(SESSION), 0.0)
    return dialect


def append(dialect: OpenAIDialect, data: bytes) -> list[Output]:
    event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}
    return dialect.receive(json.dumps(event), 0.0)


def read(outputs: list[Output]) -> list[dict[str, Any]]:
    return [json.loads(output.data) for output in outputs if isinstance(output, Text)]


def completed(dialect: OpenAIDialect, words: tuple[Word, ...]) -> dict[str, Any]:
    sentence = Sentence(1, 0, 900, words, len(words), True)
    return read(dialect.send(Final(SESSION, sentence, 1.0, 1), 0.0))[-1]


def test_log_probabilities_come_where_they_are_asked_for_and_known() -> None:
    told = completed(opened(include=[LOGPROBS]), SURE)["logprobs"]
    assert [entry["token"] for entry in told] == ["Good", " morning."]
    assert [entry["logprob"] for entry in told] == [math.log(0.9), math.log(0.8)]
    assert bytes(told[1]["bytes"]).decode() == " morning."


@pytest.mark.parametrize(
    ("session", "words"),
    [({}, SURE), ({"include": []}, SURE), ({"include": [LOGPROBS]}, UNKNOWN), ({"include": [LOGPROBS]}, ())],
)
def test_log_probabilities_are_never_made_up(session: dict[str, Any], words: tuple[Word, ...]) -> None:
    assert "logprobs" not in completed(opened(**session), words)


def test_the_joined_tokens_are_the_transcript() -> None:
    event = completed(opened(include=[LOGPROBS]), SURE)
    assert "".join(entry["token"] for entry in event["logprobs"]) == event["transcript"]


def test_usage_counts_the_audio_of_the_item() -> None:
    dialect = opened(turn_detection=None)
    append(dialect, bytes(48_000))
    dialect.receive('{"type":"input_audio_buffer.commit"}', 0.0)
    dialect.send(Committed(SESSION, 1), 0.0)
    assert completed(dialect, SURE)["usage"] == {"type": "duration", "seconds": 1.0}
    append(dialect, bytes(12_000))
    dialect.receive('{"type":"input_audio_buffer.commit"}', 0.0)
    dialect.send(Committed(SESSION, 1), 0.0)
    assert completed(dialect, SURE)["usage"] == {"type": "duration", "seconds": 0.25}


def test_usage_of_a_detected_turn_counts_its_speech() -> None:
    dialect = opened()
    append(dialect, bytes(480_000))
    dialect.send(SpeechStarted(SESSION, 1, 1000), 0.0)
    dialect.send(SpeechStopped(SESSION, 1, 3500), 0.0)
    assert completed(dialect, SURE)["usage"] == {"type": "duration", "seconds": 2.5}


def test_an_append_may_hold_fifteen_mebibytes_and_no_more() -> None:
    dialect = opened()
    (audio,) = append(dialect, bytes(MAX_AUDIO_BYTES))
    assert isinstance(audio, Audio) and len(audio.data) == MAX_AUDIO_BYTES
    (error,) = read(append(dialect, bytes(MAX_AUDIO_BYTES + 1)))
    assert error["error"]["param"] == "audio"


def test_two_sessions_share_no_id() -> None:
    told = []
    for _ in range(2):
        dialect = OpenAIDialect(0.0, model="m", unix_s=1000)
        (created,) = read(dialect.begin(0.0))
        opening = append(dialect, b"\0\0")[0]
        assert isinstance(opening, Open)
        dialect.send(Opened(opening.session), 0.0)
        (started,) = read(dialect.send(SpeechStarted(opening.session, 1, 0), 0.0))
        told.append({created["session"]["id"], created["event_id"], started["event_id"], started["item_id"]})
    assert len(told[0] | told[1]) == 8


def test_a_session_tells_when_it_will_end() -> None:
    (created,) = read(OpenAIDialect(5.0, model="m", unix_s=1000, max_session_s=600.0).begin(5.0))
    assert created["session"]["expires_at"] == 1600
