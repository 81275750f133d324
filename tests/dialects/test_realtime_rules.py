"""The rules of the session protocol that are easier said in numbers than in conversations."""

import base64
import json
import typing
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.frames import garbage, spoiled_frames
from dialects.realtime_frames import client_events, updates
from stenowire.dialects.base import Output, Text
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.omni_responses import MAX_UNANSWERED
from stenowire.dialects.qwen import MAX_TEXT_CHARS, QwenDialect
from stenowire.dialects.qwen_items import SILENCE
from stenowire.dialects.realtime import PATIENCE_S, Realtime, is_openai, peek
from stenowire.dialects.realtime_wire import MAX_AUDIO_BYTES, Language
from stenowire.errors import ModelNotFound
from stenowire.events import Audio, Committed, Failed, Final, Open, Reconfigure, Reconfigured
from stenowire.text.tokens import MAX_CONTEXT_TOKENS

pytestmark = pytest.mark.unit

CODES = [
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id", "th", "tr", "uk", "vi",
    "cs", "da", "fil", "fi", "is", "ms", "no", "pl", "sv",
]  # fmt: skip


def update(dialect: QwenDialect, **session: Any) -> list[Output]:
    return dialect.receive(json.dumps({"event_id": "e1", "type": "session.update", "session": session}), 0.0)


def error_of(outputs: list[Output]) -> dict[str, Any]:
    (output,) = outputs
    assert isinstance(output, Text)
    event = json.loads(output.data)
    assert event["type"] == "error" and event["error"]["event_id"] in ("e1", None)
    error: dict[str, Any] = event["error"]
    return error


def changes(outputs: list[Output]) -> Reconfigure:
    (change,) = outputs
    assert isinstance(change, Reconfigure)
    return change


# ---- settings -----------------------------------------------------------------------------------------------------


def test_the_languages_are_those_of_the_protocol() -> None:
    assert set(typing.get_args(Language)) == {*CODES, "auto", ""}


@pytest.mark.parametrize("code", CODES)
def test_every_language_reaches_the_engine(code: str) -> None:
    hint = changes(update(QwenDialect(0.0, model="m"), input_audio_transcription={"language": code})).hint
    assert hint and hint.language == code


@pytest.mark.parametrize("code", ["auto", "", None])
def test_no_language_is_no_hint(code: str | None) -> None:
    assert changes(update(QwenDialect(0.0, model="m"), input_audio_transcription={"language": code})).hint is None


@pytest.mark.parametrize("code", ["tlh", "EN", "en-US", "english", 7])
def test_another_language_is_an_error_that_names_the_field(code: Any) -> None:
    error = error_of(update(QwenDialect(0.0, model="m"), input_audio_transcription={"language": code}))
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_value")
    assert error["param"] == "session.input_audio_transcription.language"


@pytest.mark.parametrize(("threshold", "silence_ms"), [(-1, 200), (-1.0, 6000), (0, 400), (1, 800), (1.0, 6000)])
def test_turn_detection_is_obeyed_to_the_ends_of_its_ranges(threshold: float, silence_ms: int) -> None:
    turn = {"type": "server_vad", "threshold": threshold, "silence_duration_ms": silence_ms, "prefix_padding_ms": 0}
    cut = changes(update(QwenDialect(0.0, model="m"), turn_detection=turn)).segmentation
    assert cut and (cut.mode, cut.threshold, cut.silence_ms, cut.prefix_ms) == ("vad", threshold, silence_ms, 0)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("name", ["pcm", "pcm16", "wav"])
def test_formats_and_rates_reach_the_front_end(name: str, rate_hz: int) -> None:
    dialect = QwenDialect(0.0, model="m")
    format = changes(update(dialect, input_audio_format=name, sample_rate=rate_hz)).format
    unchanged = (name, rate_hz) in (("pcm", 16000), ("pcm16", 16000))
    assert (format is None) == unchanged
    assert format is None or (format.encoding, format.rate_hz) == (name.removesuffix("16"), rate_hz)
    newer = {"input": {"format": {"type": name, "sample_rate": rate_hz}}}
    assert changes(update(QwenDialect(0.0, model="m"), audio=newer)).format == format


LONGEST = "x" * 5 * MAX_CONTEXT_TOKENS
"""Five of these count as one token."""


@pytest.mark.parametrize("kind", [QwenDialect, OmniDialect])
def test_context_is_taken_up_to_its_limit(kind: type[QwenDialect]) -> None:
    dialect = kind(0.0, model="m")
    hint = changes(update(dialect, input_audio_transcription={"corpus": {"text": LONGEST}})).hint
    assert hint and hint.context == LONGEST
    error = error_of(update(dialect, input_audio_transcription={"corpus": {"text": LONGEST + "x"}}))
    assert error["code"] == "invalid_value" and error["param"].endswith("corpus.text")
    assert len(error["message"]) < 200
    assert changes(update(dialect)).hint is None, "nothing has changed"


def test_instructions_have_the_same_limit() -> None:
    error = error_of(update(OmniDialect(0.0, model="m"), instructions=LONGEST + "x"))
    assert error["param"] == "session.instructions"


@given(updates)
def test_every_good_update_is_accepted_and_echoed(event: dict[str, Any]) -> None:
    dialect = QwenDialect(0.0, model="m", session_id="T")
    change = changes(dialect.receive(json.dumps(event), 0.0))
    assert change.session == "T"
    (echo,) = dialect.send(Reconfigured("T"), 0.0)
    assert isinstance(echo, Text)
    session = json.loads(echo.data)["session"]
    turn = event["session"].get("turn_detection", {})
    if turn is None:
        assert session["turn_detection"] is None
    else:
        given = {key: value for key, value in turn.items() if value is not None and key != "create_response"}
        assert session["turn_detection"].items() >= given.items()


# ---- audio and frames ---------------------------------------------------------------------------------------------


def append(data: bytes) -> str:
    return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()})


def test_the_largest_append_is_taken_and_a_larger_one_is_not() -> None:
    dialect = QwenDialect(0.0, model="m", session_id="T")
    frame = append(bytes(MAX_AUDIO_BYTES))
    assert len(frame) <= MAX_TEXT_CHARS
    (taken,) = dialect.receive(frame, 0.0)
    assert isinstance(taken, Audio) and len(taken.data) == MAX_AUDIO_BYTES
    error = error_of(dialect.receive(append(bytes(MAX_AUDIO_BYTES + 1)), 0.0))
    assert (error["code"], error["param"]) == ("invalid_audio", "audio")
    assert len(dialect.receive(append(b"ab"), 0.0)) == 1


@given(st.binary(min_size=1, max_size=400))
def test_audio_reaches_the_session_byte_for_byte(data: bytes) -> None:
    assert QwenDialect(0.0, model="m", session_id="T").receive(append(data), 0.0) == [Audio("T", data)]


@pytest.mark.parametrize("frame", ["\ud800", '{"type":"\\ud800"}', '{"type":"session.finish","event_id":"\\ud800"}'])
def test_half_a_character_is_a_fault_and_not_a_crash(frame: str) -> None:
    assert error_of(QwenDialect(0.0, model="m").receive(frame, 0.0))["code"] == "invalid_event"


def test_a_deeply_nested_event_is_a_fault_and_not_a_crash() -> None:
    frame = '{"type":"session.update","x":' + "[" * 100_000
    assert error_of(QwenDialect(0.0, model="m").receive(frame, 0.0))["code"] == "invalid_event"


def test_an_answer_quotes_little_of_what_a_client_wrote() -> None:
    (answer,) = QwenDialect(0.0, model="m").receive(json.dumps({"type": "x" * 99_999, "event_id": "y" * 999}), 0.0)
    assert isinstance(answer, Text) and len(answer.data) < 1000


@pytest.mark.parametrize("kind", [QwenDialect, OmniDialect])
@given(frames=st.lists(garbage | spoiled_frames(client_events) | st.binary(max_size=9), max_size=5))
def test_nothing_that_a_client_writes_raises(kind: type[QwenDialect], frames: list[str | bytes]) -> None:
    dialect = kind(0.0, model="m")
    for frame in frames:
        for output in dialect.receive(frame, 0.0):
            if isinstance(output, Text):
                assert json.loads(output.data)["type"]


def test_sessions_and_events_have_ids_of_their_own() -> None:
    seen = set()
    for _ in range(50):
        created, opening = QwenDialect(0.0, model="m").begin(0.0)
        assert isinstance(created, Text) and isinstance(opening, Open)
        event = json.loads(created.data)
        assert event["session"]["id"] == opening.session and opening.session.startswith("sess_")
        name = event["event_id"].removeprefix("event_")
        assert name.isalnum() and 20 <= len(name) <= 32
        seen |= {opening.session, event["event_id"]}
    assert len(seen) == 100


def test_only_so_many_items_wait_for_a_client_to_ask() -> None:
    dialect = OmniDialect(0.0, model="m", session_id="T")
    update(dialect, turn_detection=None)
    dialect.send(Reconfigured("T"), 0.0)
    for number in range(1, MAX_UNANSWERED + 10):
        dialect.send(Committed("T", number), 0.0)
        dialect.send(Final("T", SILENCE, 1.0, number), 0.0)
    answer = dialect.receive('{"type":"response.create"}', 0.0)
    usage = [json.loads(output.data) for output in answer if isinstance(output, Text)][-1]["response"]["usage"]
    assert usage["input_tokens"] == 0 and usage["output_tokens"] == 0


# ---- who answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "transcription_session.update"}, True),
        ({"type": "session.update", "session": {"type": "transcription"}}, True),
        ({"type": "session.update", "session": {"type": "realtime"}}, True),
        ({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}}}}, True),
        ({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "pcm"}}}}}, False),
        ({"type": "session.update", "session": {"type": "omni"}}, False),
        ({"type": "session.update", "session": {"type": ["transcription"]}}, False),
        ({"type": "session.update"}, False),
        ({"type": "input_audio_buffer.append", "session": {"type": "transcription"}}, False),
        ({}, False),
    ],
)
def test_openais_clients_are_known_by_their_update(event: dict[str, Any], expected: bool) -> None:
    assert is_openai(peek(json.dumps(event))) == expected


@given(garbage | st.binary())
def test_nothing_that_is_peeked_at_raises(frame: str | bytes) -> None:
    assert is_openai(peek(frame)) in (True, False)


OPENAI = '{"type":"session.update","session":{"type":"transcription"}}'


@pytest.mark.parametrize("told", [lambda line: line.receive("{}", 1.0), lambda line: line.tick(PATIENCE_S)])
def test_an_unknown_model_is_told_once(told: Callable[[Realtime], list[Output]]) -> None:
    line = Realtime(0.0, model="nobody", unix_s=0, session_id="T")
    line.begin(0.0)
    assert line.send(Failed("T", ModelNotFound("no such model")), 0.0) == []
    assert line.next_tick == PATIENCE_S
    assert len(told(line)) == 2
    assert line.next_tick is None and line.tick(9.0) == [] and line.receive(OPENAI, 9.0) == []


def test_time_goes_on_when_a_connection_is_handed_over() -> None:
    line = Realtime(100.0, model="", unix_s=1_000_000, session_id="T")
    line.begin(100.0)
    line.receive(OPENAI, 160.0)
    assert line.next_tick is not None and line.next_tick > 160.0
