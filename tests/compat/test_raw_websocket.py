"""Both of the vendor's protocols written by hand over `websockets`, as its documents show them: no SDK in between."""

import asyncio
import base64
import json
import uuid
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from bench.server import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from compat.beckett import FIRST_SAID, LAST_SAID
from compat.sdks import spoken
from compat.talks import DETECTED, ITEM, ways

pytestmark = pytest.mark.compat

FRAME_BYTES = 3200
"""A tenth of a second."""
SPEED = 5
PATIENCE_S = 60
VAD = {
    "modalities": ["text"],
    "input_audio_format": "pcm",
    "sample_rate": 16_000,
    "input_audio_transcription": {"language": "en"},
    "turn_detection": {"type": "server_vad", "threshold": 0.0, "silence_duration_ms": 800},
}
MANUAL = {"input_audio_format": "pcm", "sample_rate": 16_000, "turn_detection": None}

Event = dict[str, Any]


@pytest.fixture(scope="module")
def whole(beckett: Path) -> bytes:
    """Two utterances, and silence enough to end the second."""
    return beckett.read_bytes() + bytes(10 * FRAME_BYTES)


@pytest.fixture(scope="module")
def last(ending: Path) -> bytes:
    """The second of them."""
    return ending.read_bytes()


async def read(socket: ClientConnection, last: str) -> list[Event]:
    """The events up to one of that type, that one too."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE_S):
        while not events or kind(events[-1]) != last:
            events.append(json.loads(await socket.recv()))
    return events


def kind(event: Event) -> str:
    return str(event["type"] if "type" in event else event["header"]["event"])


def order(events: list[Event]) -> list[str]:
    """Types, runs of the same told once."""
    return [name for name, _ in groupby(map(kind, events))]


# ---- the session protocol -------------------------------------------------------------------------------------------


def realtime(server: Server, door: str = "/realtime?model=qwen3-asr-flash-realtime", key: str | None = None) -> connect:
    """The vendor's samples send the beta header too."""
    headers = {"Authorization": f"Bearer {key or server.key}", "OpenAI-Beta": "realtime=v1"}
    return connect(server.url.replace("/inference", door), additional_headers=headers)


async def send(socket: ClientConnection, type: str, **details: Any) -> None:
    await socket.send(json.dumps({"event_id": f"event_{uuid.uuid4().hex[:8]}", "type": type, **details}))


async def append(socket: ClientConnection, samples: bytes, step: int = FRAME_BYTES) -> None:
    for at in range(0, len(samples), step):
        await send(socket, "input_audio_buffer.append", audio=base64.b64encode(samples[at : at + step]).decode())
        await asyncio.sleep(step / 32_000 / SPEED)


def transcripts(events: list[Event]) -> list[str]:
    return [spoken([event["transcript"]]) for event in events if kind(event) == ITEM + "completed"]


async def test_a_client_that_waits_for_nothing_gets_everything(server: Server, whole: bytes) -> None:
    """It sends its update and its audio at once, and reads meanwhile."""
    async with realtime(server) as socket:
        reading = asyncio.create_task(read(socket, "session.finished"))
        await send(socket, "session.update", session=VAD)
        await append(socket, whole)
        await send(socket, "session.finish")
        events = await reading
    assert ways(events) == [DETECTED, DETECTED]
    assert [kind(event) for event in events[:2]] == ["session.created", "session.updated"]
    assert transcripts(events) == [FIRST_SAID, LAST_SAID]
    assert socket.close_code == 1000


async def test_a_client_that_waits_for_every_answer_gets_it(server: Server, last: bytes) -> None:
    async with realtime(server) as socket:
        assert order(await read(socket, "session.created")) == ["session.created"]
        await send(socket, "session.update", session=MANUAL)
        (updated,) = await read(socket, "session.updated")
        assert updated["session"]["turn_detection"] is None
        await append(socket, last)
        await send(socket, "input_audio_buffer.commit")
        committed, created, *_ = events = await read(socket, ITEM + "completed")
        assert committed["item_id"] == created["item"]["id"] == events[-1]["item_id"]
        assert transcripts(events) == [LAST_SAID]
        await send(socket, "session.finish")
        assert order(await read(socket, "session.finished")) == ["session.finished"]


async def test_audio_may_come_before_any_settings_and_in_odd_pieces(server: Server, last: bytes) -> None:
    async with realtime(server) as socket:
        await append(socket, last, step=1601)
        await send(socket, "session.finish")
        assert transcripts(await read(socket, "session.finished")) == [LAST_SAID]


async def test_ids_of_events_are_optional_and_strangers_among_their_keys_are_ignored(
    server: Server, last: bytes
) -> None:
    async with realtime(server, "/realtime/?model=qwen3-asr-flash-realtime&heartbeat=true&language=en") as socket:
        audio = base64.b64encode(last).decode()
        await socket.send(json.dumps({"type": "session.update", "session": MANUAL | {"voice": None, "tools": []}}))
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio, "at_ms": 100}))
        await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
        await socket.send(json.dumps({"type": "session.finish"}))
        assert transcripts(await read(socket, "session.finished")) == [LAST_SAID]


async def test_a_client_may_leave_in_mid_sentence_and_the_next_one_is_served(server: Server, last: bytes) -> None:
    async with realtime(server) as socket:
        await append(socket, last[: len(last) // 2])
    async with realtime(server) as socket:
        await append(socket, last)
        await send(socket, "session.finish")
        assert transcripts(await read(socket, "session.finished")) == [LAST_SAID]


async def test_a_ping_is_answered_while_speech_is_heard(server: Server, last: bytes) -> None:
    async with realtime(server) as socket:
        reading = asyncio.create_task(read(socket, "session.finished"))
        pongs = []
        for at in range(0, len(last), 5 * FRAME_BYTES):
            await append(socket, last[at : at + 5 * FRAME_BYTES])
            pongs.append(await socket.ping())
        await send(socket, "session.finish")
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*pongs)
        assert transcripts(await reading) == [LAST_SAID]


# ---- the task protocol ----------------------------------------------------------------------------------------------


def inference(server: Server, slash: str = "", key: str | None = None) -> connect:
    """The scheme in lower case, as some samples write it."""
    return connect(server.url + slash, additional_headers={"Authorization": f"bearer {key or server.key}"})


async def instruct(socket: ClientConnection, action: str, task_id: str, **payload: Any) -> None:
    header = {"action": action, "task_id": task_id, "streaming": "duplex"}
    await socket.send(json.dumps({"header": header, "payload": {"input": {}, **payload}}))


async def start(socket: ClientConnection, task_id: str, model: str = "fun-asr-realtime") -> None:
    names = {"task_group": "audio", "task": "asr", "function": "recognition", "model": model}
    await instruct(socket, "run-task", task_id, **names, parameters={"format": "pcm", "sample_rate": 16_000})


async def run(socket: ClientConnection, task_id: str, samples: bytes) -> list[Event]:
    """run-task, audio without waiting for task-started, finish-task."""
    reading = asyncio.create_task(read(socket, "task-finished"))
    await start(socket, task_id)
    for at in range(0, len(samples), FRAME_BYTES):
        await socket.send(samples[at : at + FRAME_BYTES])
        await asyncio.sleep(0.1 / SPEED)
    await instruct(socket, "finish-task", task_id)
    return await reading


def finals(events: list[Event]) -> list[str]:
    sentences = [event["payload"]["output"]["sentence"] for event in events if kind(event) == "result-generated"]
    return [spoken([sentence["text"]]) for sentence in sentences if sentence["sentence_end"]]


async def test_a_task_is_started_heard_and_finished(server: Server, whole: bytes) -> None:
    task = str(uuid.uuid4())
    async with inference(server) as socket:
        events = await run(socket, task, whole)
    assert order(events) == ["task-started", "result-generated", "task-finished"]
    assert {event["header"]["task_id"] for event in events} == {task}
    assert spoken(finals(events)) == f"{FIRST_SAID} {LAST_SAID}"
    assert events[-1]["payload"]["usage"] == {"duration": 11}


async def test_the_next_task_runs_on_the_same_connection(server: Server, last: bytes) -> None:
    async with inference(server, "/") as socket:
        for task in ("first", "second"):
            events = await run(socket, task, last)
            assert {event["header"]["task_id"] for event in events} == {task}
            assert finals(events) == [LAST_SAID]


async def test_new_context_is_taken_without_a_word(server: Server, last: bytes) -> None:
    context = [{"role": "user", "content": [{"type": "input_text", "text": "Worstward Ho"}]}]
    async with inference(server) as socket:
        await start(socket, "t")
        await read(socket, "task-started")
        await instruct(socket, "continue-task", "t", input={"context": context})
        await socket.send(last)
        await instruct(socket, "finish-task", "t")
        events = await read(socket, "task-finished")
    assert order(events) == ["result-generated", "task-finished"]
    assert finals(events) == [LAST_SAID]


async def test_an_unknown_model_fails_the_task_and_the_connection_is_closed(server: Server) -> None:
    async with inference(server) as socket:
        await start(socket, "t", model="no-such-model")
        (failed,) = await read(socket, "task-failed")
        async with asyncio.timeout(PATIENCE_S):
            await socket.wait_closed()
    assert failed["header"]["error_code"] == "Model.NotExist"
    assert failed["payload"] == {}


# ---- both -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [realtime, inference])
async def test_a_wrong_key_is_refused_before_the_upgrade(server: Server, door: Any) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await door(server, key="sk-wrong")
    response = refused.value.response
    assert (response.status_code, response.reason_phrase) == (401, "Unauthorized")
    body = json.loads(response.body)
    assert body["code"] == "InvalidApiKey"
    assert body["request_id"] == response.headers["x-request-id"]
