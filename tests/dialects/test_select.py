"""Every door and every way of asking leads to the right protocol, and a client that says more is understood."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from stenowire.dialects.base import Close, Dialect, Output, Text
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.realtime import Realtime
from stenowire.dialects.select import Announced, Door, choose
from stenowire.dialects.task import TaskDialect
from stenowire.errors import InternalError
from stenowire.events import Audio, Failed, Hangup, Open, Opened
from stenowire.types import AudioFormat

pytestmark = pytest.mark.unit

DOOR = Door(now=0.0, unix_s=1000, default_model="house-model")
BETA = {"OpenAI-Beta": "realtime=v1"}
BROWSER = {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1"}
ASR = {"model": "qwen3-asr-flash-realtime"}
INTENT = {"intent": "transcription"}
GA_UPDATE = {"type": "session.update", "session": {"type": "transcription"}}
VLLM_UPDATE = {"type": "session.update", "model": "whisper-1"}
APPEND = {"type": "input_audio_buffer.append", "audio": "AAAA"}


def arrive(path: str, query: Mapping[str, str] = {}, headers: Mapping[str, str] = {}) -> Dialect:
    dialect = choose(path, query, headers, DOOR)
    assert dialect is not None
    return dialect


def begin(dialect: Any) -> dict[str, Any]:
    (said, *_) = dialect.begin(0.0)
    event: dict[str, Any] = json.loads(said.data)
    return event


def write(dialect: Dialect, event: Mapping[str, Any]) -> list[Output]:
    return dialect.receive(json.dumps(event), 0.0)


def opening(outputs: list[Output]) -> Open:
    (found,) = [output for output in outputs if isinstance(output, Open)]
    return found


@pytest.mark.parametrize(
    ("path", "query", "headers", "kind", "first"),
    [
        ("/api-ws/v1/inference", {}, {}, TaskDialect, None),
        ("/api-ws/v1/inference/", {}, BETA, TaskDialect, None),
        ("/api-ws/v1/realtime", ASR, {}, Realtime, "session.created"),
        ("/api-ws/v1/realtime/", ASR, BETA, Realtime, "session.created"),
        ("/api-ws/v1/realtime", {}, {}, Realtime, "session.created"),
        ("/api-ws/v1/realtime", INTENT, {}, OpenAIDialect, "session.created"),
        ("/api-ws/v1/realtime", ASR | INTENT, BETA, OpenAIDialect, "transcription_session.created"),
        ("/v1/realtime", {}, {}, Announced, "session.created"),
        ("/v1/realtime", {"model": "gpt-4o-transcribe"}, {}, Announced, "session.created"),
        ("/v1/realtime/", INTENT, {}, Announced, "session.created"),
        ("/v1/realtime", INTENT, BETA, OpenAIDialect, "transcription_session.created"),
        ("/v1/realtime", {}, {"openai-beta": "a=v2, realtime=v1"}, OpenAIDialect, "transcription_session.created"),
        ("/v1/realtime", INTENT, BROWSER, OpenAIDialect, "transcription_session.created"),
    ],
)  # fmt: skip
def test_a_door_and_what_is_asked_for_there_decide(
    path: str, query: dict[str, str], headers: dict[str, str], kind: type, first: str | None
) -> None:
    dialect = arrive(path, query, headers)
    assert type(dialect) is kind
    if first is not None:
        assert begin(dialect)["type"] == first


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/realtime/x", "/v1//realtime", "/API-WS/v1/inference"])
def test_there_are_no_other_doors(path: str) -> None:
    assert choose(path, {}, {}, DOOR) is None


@pytest.mark.parametrize("path", ["/v1/realtime", "/api-ws/v1/realtime"])
@pytest.mark.parametrize(
    ("query", "named", "opened"),
    [
        (INTENT, {}, "house-model"),
        (INTENT | {"model": "whisper-1"}, {}, "whisper-1"),
        (INTENT | {"model": "gpt-realtime"}, {"model": "whisper-1"}, "whisper-1"),
    ],
)
def test_the_settings_name_the_model_else_the_address_else_the_house(
    path: str, query: dict[str, str], named: dict[str, str], opened: str
) -> None:
    dialect = arrive(path, query)
    begin(dialect)
    update = {"type": "session.update", "session": {"audio": {"input": {"transcription": named}}}}
    assert opening(write(dialect, update)).model == opened


def test_an_openai_client_on_the_qwen_door_is_understood_and_its_session_goes_on() -> None:
    dialect = arrive("/api-ws/v1/realtime", ASR)
    told = begin(dialect)["session"]["id"]
    hangup, opened = write(dialect, GA_UPDATE)
    assert isinstance(hangup, Hangup) and isinstance(opened, Open)
    assert opened.format == AudioFormat("pcm", 24_000)
    (updated,) = dialect.send(Opened(opened.session), 0.0)
    assert isinstance(updated, Text) and json.loads(updated.data)["session"]["id"] == told


def test_announcing_suits_clients_of_both_protocols() -> None:
    created = begin(arrive("/v1/realtime"))
    assert created["id"] == created["session"]["id"] and created["created"] == 1000


def test_a_model_beside_no_session_is_vllms_way() -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    opened = opening(write(dialect, VLLM_UPDATE))
    assert (opened.model, opened.format, opened.segmentation.mode) == (
        "whisper-1",
        AudioFormat("pcm", 16_000),
        "manual",
    )
    assert write(dialect, APPEND) == [Audio(opened.session, b"\0\0\0")]
    (error,) = write(dialect, {"type": "input_audio_buffer.clear"})
    assert isinstance(error, Text) and json.loads(error.data)["code"] == "unknown_event"


def test_a_session_opened_for_the_other_protocol_is_given_up() -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    before = opening(write(dialect, APPEND))
    hangup, after = write(dialect, VLLM_UPDATE)
    assert hangup == Hangup(before.session)
    assert isinstance(after, Open) and after.session != before.session


@pytest.mark.parametrize("first", [GA_UPDATE, {"type": "transcription_session.update", "session": {}}])
def test_the_first_update_decides_for_good(first: dict[str, Any]) -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    write(dialect, first)
    (error,) = write(dialect, VLLM_UPDATE)
    assert isinstance(error, Text) and json.loads(error.data)["error"]["param"] == "session"


@pytest.mark.parametrize("frame", ["{", "[]", "7", b"\0", '{"type":7}', '{"type":"session.update","model":7}'])
def test_what_cannot_be_read_does_not_change_the_protocol(frame: str | bytes) -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    (error,) = dialect.receive(frame, 0.0)
    assert isinstance(error, Text) and isinstance(json.loads(error.data)["error"], dict)


def test_a_closed_connection_does_not_become_another_protocols() -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    opened = opening(write(dialect, APPEND))
    dialect.send(Opened(opened.session), 0.0)
    assert isinstance(dialect.send(Failed(opened.session, InternalError("it broke")), 0.0)[-1], Close)
    assert write(dialect, VLLM_UPDATE) == [] and dialect.next_tick is None


def test_a_silent_client_is_sent_away() -> None:
    dialect = arrive("/v1/realtime")
    begin(dialect)
    assert dialect.next_tick == 60.0
    assert dialect.tick(60.0) == [Close(1000, "nothing was asked for")]
