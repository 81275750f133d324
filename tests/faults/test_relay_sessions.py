"""Sessions of the realtime protocols through a relay: one line of items, however many connections there were."""

import asyncio
import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from faults.chaos_proxy import chaos
from faults.relays import relaying
from faults.test_chaos import drop, sound
from live_server import PATIENCE_S, Live, live, pcm

pytestmark = pytest.mark.faults

QWEN = "/api-ws/v1/realtime?model=qwen3-asr-flash-realtime"
OPENAI = "/v1/realtime?intent=transcription"
ITEM = "conversation.item.input_audio_transcription."
RATES_HZ = {QWEN: 16_000, OPENAI: 24_000}

Event = dict[str, Any]


class Caller:
    """A program that holds a session, and everything that it was told."""

    def __init__(self, client: ClientConnection) -> None:
        self.client = client
        self.told: list[Event] = []
        self.changed = asyncio.Condition()

    async def listen(self) -> None:
        while True:
            event = json.loads(await self.client.recv())
            async with self.changed:
                self.told.append(event)
                self.changed.notify_all()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.client.send(json.dumps({"type": kind, **fields}))

    async def speak(self, audio: bytes, rate_hz: int, speed: float) -> None:
        step = rate_hz // 10 * 2
        for at in range(0, len(audio), step):
            await self.say("input_audio_buffer.append", audio=base64.b64encode(audio[at : at + step]).decode())
            await asyncio.sleep(0.1 / speed)

    async def has(self, kind: str, count: int = 1) -> None:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: len(self.of(kind)) >= count)

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.told if event["type"] == kind]

    @property
    def transcripts(self) -> list[str]:
        return [event["transcript"] for event in self.of(ITEM + "completed")]


def update(path: str, **turn: Any) -> Event:
    detection = None if turn.get("manual") else {"type": "server_vad", "silence_duration_ms": 800}
    if path == QWEN:
        return {"input_audio_format": "pcm", "sample_rate": 16_000, "turn_detection": detection}
    given = {"format": {"type": "audio/pcm", "rate": 24_000}, "turn_detection": detection}
    return {"type": "transcription", "audio": {"input": given | {"transcription": {"model": "gpt-4o-transcribe"}}}}


async def talk(url_of: Any, path: str, audio: bytes, count: int, speed: float, dropping: Any = None) -> Caller:
    """Detected turns, from the first update until so many items are completed."""
    async with url_of(path) as client:
        caller = Caller(client)
        listening = asyncio.create_task(caller.listen())
        await caller.say("session.update", session=update(path))
        await caller.speak(audio, RATES_HZ[path], speed)
        if dropping is not None:
            await dropping
        await caller.has(ITEM + "completed", count)
        if path == QWEN:
            await caller.say("session.finish")
            await caller.has("session.finished")
        listening.cancel()
        await asyncio.wait({listening})
        return caller


def direct(server: Live) -> Any:
    return lambda path: websockets.connect(
        server.server.url + path, additional_headers={"Authorization": "Bearer sk-for-tests"}, compression=None
    )


def joined(caller: Caller, item: str) -> str:
    return "".join(event["delta"] for event in caller.of(ITEM + "delta") if event["item_id"] == item)


def in_order(caller: Caller) -> None:
    """Each item once, in the order of its life, chained to the one before it, on one line of times."""
    items = [event["item_id"] for event in caller.of("input_audio_buffer.committed")]
    assert [event["item_id"] for event in caller.of(ITEM + "completed")] == items
    assert len(set(items)) == len(items)
    assert [event["previous_item_id"] for event in caller.of("input_audio_buffer.committed")] == [None, *items[:-1]]
    assert [event["item_id"] for event in caller.of("input_audio_buffer.speech_started")] == items
    assert [event["item_id"] for event in caller.of("input_audio_buffer.speech_stopped")] == items
    assert len(caller.of("session.created")) == len(caller.of("session.updated")) == 1
    assert caller.of("session.created")[0]["session"]["id"] == caller.of("session.updated")[0]["session"]["id"]
    ids = [event["event_id"] for event in caller.told]
    assert len(set(ids)) == len(ids)
    assert not caller.of("error")


def times(caller: Caller) -> list[tuple[int, int]]:
    starts = [event["audio_start_ms"] for event in caller.of("input_audio_buffer.speech_started")]
    return list(zip(starts, (e["audio_end_ms"] for e in caller.of("input_audio_buffer.speech_stopped")), strict=True))


def recording(count: int, path: str, seed: int = 1) -> tuple[bytes, str]:
    """Speech of the scripted engine's words; full stops between its sentences, that are never said."""
    rate_hz = RATES_HZ[path]
    chance = random.Random(seed)
    parts: list[str | int] = []
    while sum(len(part.split()) for part in parts if isinstance(part, str)) < count:
        parts += [" ".join(f"w{chance.randint(10, 90)}" for _ in range(chance.randint(1, 8))), 2_000]
    said = ". ".join(part for part in parts if isinstance(part, str))
    return (pcm(*parts) if rate_hz == 16_000 else sound(parts, rate_hz)), said


@pytest.mark.parametrize("path", [QWEN, OPENAI], ids=["qwen", "openai"])
async def test_drops_cost_a_session_no_word_and_no_item(tmp_path: Path, path: str) -> None:
    audio, said = recording(30, path)
    audio += bytes(RATES_HZ[path] * 4)
    count = len(said.split(". "))
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        plain = await talk(direct(server), path, audio, count, 1000.0)
        async with relaying(proxy.url, resend_speed=100.0) as relay:
            dropping = asyncio.create_task(drop(proxy, 10, (0.1, 0.5)))
            caller = await talk(relay.connect, path, audio, count, 10.0, dropping)
    assert proxy.cuts >= 10
    assert caller.transcripts == plain.transcripts
    assert len(" ".join(caller.transcripts).split()) == len(said.split())
    in_order(caller)
    for (begin, end), (began, ended) in zip(times(caller), times(plain), strict=True):
        assert abs(begin - began) <= 300 and abs(end - ended) <= 300
    if path == OPENAI:
        for event in caller.of(ITEM + "completed"):
            assert joined(caller, event["item_id"]) == event["transcript"]


@pytest.mark.parametrize("path", [QWEN, OPENAI], ids=["qwen", "openai"])
async def test_commits_are_made_again_after_a_drop(tmp_path: Path, path: str) -> None:
    pieces = [recording(3, path, seed)[0] for seed in (1, 2, 3, 4)]
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        plain = await dictate(direct(server), path, pieces, lambda: None)
        async with relaying(proxy.url, resend_speed=100.0) as relay:
            caller = await dictate(relay.connect, path, pieces, proxy.cut)
    assert proxy.cuts >= 4
    assert caller.transcripts == plain.transcripts
    items = [event["item_id"] for event in caller.of("input_audio_buffer.committed")]
    assert len(set(items)) == len(items) == 4
    assert not caller.of("error")


async def dictate(connect: Any, path: str, pieces: list[bytes], disturb: Callable[[], object]) -> Caller:
    """Commit three pieces without waiting for answers, and one with nothing open before it."""
    async with connect(path) as client:
        caller = Caller(client)
        listening = asyncio.create_task(caller.listen())
        await caller.say("session.update", session=update(path, manual=True))
        for audio in pieces[:3]:
            await caller.speak(audio, RATES_HZ[path], 50.0)
            disturb()
            await caller.say("input_audio_buffer.commit")
            disturb()
        await caller.has(ITEM + "completed", 3)
        await caller.speak(pieces[3], RATES_HZ[path], 50.0)
        disturb()
        await caller.say("input_audio_buffer.commit")
        await caller.has(ITEM + "completed", 4)
        listening.cancel()
        await asyncio.wait({listening})
        return caller


@pytest.mark.parametrize("path", [QWEN, OPENAI], ids=["qwen", "openai"])
async def test_a_relay_that_is_stopped_has_a_session_answered_first(tmp_path: Path, path: str) -> None:
    audio = pcm("w1 w2 w3") if path == QWEN else sound(["w1 w2 w3"], RATES_HZ[path])
    async with live(tmp_path) as server, relaying(server.server.url) as relay, relay.connect(path) as client:
        caller = Caller(client)
        listening = asyncio.create_task(caller.listen())
        await caller.say("session.update", session=update(path))
        await caller.speak(audio, RATES_HZ[path], 100.0)
        await server.has_heard(1.4)
        assert await relay.relay.drain()
        with pytest.raises(websockets.ConnectionClosed):
            await listening
    assert len(caller.transcripts) == 1 and len(caller.transcripts[0].split()) == 3
    assert not caller.of("session.finished") and not caller.of("error")
    assert client.close_code == 1012


async def test_a_conversation_with_answers_passes_and_ends_with_its_connection(tmp_path: Path) -> None:
    async with (
        live(tmp_path) as server,
        chaos(server.address) as proxy,
        relaying(proxy.url) as relay,
        relay.connect("/api-ws/v1/realtime?model=qwen3-omni-flash-realtime") as client,
    ):
        caller = Caller(client)
        listening = asyncio.create_task(caller.listen())
        await caller.say("session.update", session={"modalities": ["text"], "turn_detection": None})
        await caller.speak(pcm("w1 w2 w3"), 16_000, 100.0)
        await caller.say("input_audio_buffer.commit")
        await caller.say("response.create")
        await caller.has("response.done")
        proxy.cut()
        with pytest.raises(websockets.ConnectionClosed):
            await listening
    assert client.close_code == 1011
