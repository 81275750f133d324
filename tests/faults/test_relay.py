"""A client that knows nothing of broken connections does not notice one, with a relay before it."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Speech
from faults.chaos_proxy import chaos
from faults.relays import finals, relaying, task, text
from faults.test_chaos import PAUSES_MS, RECORDINGS, drop, words
from live_server import live, live_with, whole_task
from stenowire.dialects import task_open
from stenowire.serving.hub import Hub

pytestmark = pytest.mark.faults


def told_events(told: list[dict[str, Any]]) -> set[str]:
    return {message["header"]["event"] for message in told}


async def disturbed(
    proxy: Any, audio: bytes, drops: int, apart_s: tuple[float, float], speed: float, **rules: Any
) -> list[dict[str, Any]]:
    async with relaying(proxy.url, **rules) as relay, relay.connect() as client:
        dropping = asyncio.create_task(drop(proxy, drops, apart_s))
        return await task(client, "mine", audio, speed, dropping)


async def test_without_faults_a_client_hears_what_it_hears_without_a_relay(tmp_path: Path) -> None:
    audio, said = words(20)
    async with live(tmp_path) as server:
        async with server.connect() as client:
            plain = await whole_task(client, "mine", audio)
        async with relaying(server.server.url) as relay, relay.connect() as client:
            through = await whole_task(client, "mine", audio)
    ends = [[m for m in heard.messages if m["header"]["event"] != "result-generated"] for heard in (plain, through)]
    assert ends[0] == ends[1]
    assert finals(through.messages) == finals(plain.messages)
    assert text(finals(through.messages)) == said


async def test_drops_change_no_word_no_time_and_no_number(tmp_path: Path) -> None:
    audio, said = words(30)
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        async with server.connect() as client:
            plain = await whole_task(client, "mine", audio)
        told = await disturbed(proxy, audio, 20, (0.05, 0.3), 10.0)
    assert finals(told) == finals(plain.messages)
    assert text(finals(told)) == said
    assert told_events(told) == {"task-started", "result-generated", "task-finished"}
    assert not any("resume" in message["payload"] for message in told)
    assert told[-1] == plain.messages[-1]


async def test_a_hundred_drops_in_a_long_recording_change_nothing(
    tmp_path: Path, speech: Speech, models_root: Path, moonshine_folder: Path, silero_folder: Path
) -> None:
    """The real detector and engine at four times the pace. Without beam search, which depends on load."""
    parts = [
        part
        for index, name in enumerate(RECORDINGS[:9])
        for part in (speech(name)[0], np.zeros(PAUSES_MS[index % 3] * 16, np.float32))
    ]
    audio = (np.clip(np.concatenate(parts), -1, 1) * 32_767).astype("<i2").tobytes()
    hub = Hub()
    await asyncio.to_thread(hub.load, models_root)
    async with live_with(hub, tmp_path, beam="never") as server, chaos(server.address) as proxy:
        async with server.connect() as client:
            plain = finals((await whole_task(client, "mine", audio)).messages)
        told = await disturbed(proxy, audio, 100, (0.05, 0.4), 4.0)
    assert proxy.cuts >= 100
    assert finals(told) == plain
    assert len(plain) > 5


async def test_without_the_extension_drops_cost_no_word_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the vendor's own service: each connection is a new task, whose times and numbers go on."""
    monkeypatch.setattr(task_open, "_resume", lambda parameters: (None, None))
    audio, said = words(40)
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        told = await disturbed(proxy, audio, 10, (0.05, 0.4), 30.0, resend_speed=200.0)
    sentences = finals(told)
    assert text(sentences) == said
    assert [s["sentence_id"] for s in sentences] == list(range(1, len(sentences) + 1))
    times = [s["words"][0]["begin_time"] for s in sentences]
    assert times == sorted(times)
    counted = [m["payload"]["usage"]["duration"] for m in told if m["payload"].get("usage")]
    assert counted == sorted(counted)
    assert abs(counted[-1] - len(audio) / 32_000) < 2
