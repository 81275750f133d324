"""A client whose connections break in every way keeps every word, once, at its time, under its number."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from conftest import Speech
from faults.chaos_proxy import Chaos, chaos
from live_server import KEY, PATIENCE_S, Heard, finish_task, hear, live, live_with, pcm, run_task, send_audio, until
from stenowire.client.aio import Dropped, LinkEvent, Recognition, Resumed, connect
from stenowire.client.errors import SessionTaken
from stenowire.dialects import task_open
from stenowire.events import Final
from stenowire.serving.hub import Hub
from stenowire.types import AudioFormat, Sentence

pytestmark = pytest.mark.faults

DROPS = 100
SPEED = 4.0
RECORDINGS = (
    "lj-LJ001-0001.flac",
    "lj-LJ001-0002.flac",
    "ls-84-121550-0000.flac",
    "lj-LJ001-0005.flac",
    "ps-0870.flac",
    "watson-weather.flac",
    "lj-LJ001-0010.flac",
    "ls-quilter.flac",
    "lj-LJ001-0015.flac",
    "lj-LJ001-0020.flac",
    "ls-2412-153948-0000.flac",
    "ps-0880.flac",
    "ps-0890.flac",
)
PAUSES_MS = (300, 1800, 900)
"""Between recordings: shorter and longer than the silence that ends a sentence."""


def sound(parts: list[str | int], rate_hz: int) -> bytes:
    """As `pcm`, at any rate: levels that rise and fall in 20 ms, which a resampler leaves as they are."""
    ramp = (1 - np.cos(np.linspace(0, np.pi, rate_hz // 50))) / 2
    shape = np.concatenate((ramp, np.ones(rate_hz * 360 // 1000), ramp[::-1], np.zeros(rate_hz // 10)))
    made = [
        np.concatenate([shape * int(word[1:]) / 100 for word in part.split()])
        if isinstance(part, str)
        else np.zeros(rate_hz * part // 1000)
        for part in parts
    ]
    return bytes((np.concatenate(made) * 32_000).astype("<i2").tobytes())


def words(count: int, seed: int = 1, rate_hz: int | None = None) -> tuple[bytes, str]:
    """Speech of the scripted engine's words, in sentences of one to eight, and its text."""
    chance = random.Random(seed)
    parts: list[str | int] = []
    said: list[str] = []
    while len(said) < count:
        sentence = [f"w{chance.randint(10, 90)}" for _ in range(chance.randint(1, 8))]
        said += sentence
        parts += [" ".join(sentence), chance.choice((1_500, 2_500, 4_000))]
    return pcm(*parts) if rate_hz is None else sound(parts, rate_hz), " ".join(said)


async def speak(task: Recognition, audio: bytes, speed: float, until_done: asyncio.Future[None] | None = None) -> None:
    """Send 100 ms at a time, so many times faster than it was spoken; finish once all that is to happen has."""
    for at in range(0, len(audio), 3_200):
        await task.send(audio[at : at + 3_200])
        await asyncio.sleep(0.1 / speed)
    if until_done is not None:
        await until_done
    await task.finish()


async def heard(task: Recognition) -> list[Sentence]:
    return [update.sentence async for update in task if isinstance(update, Final)]


async def recognised(url: str, audio: bytes, **options: Any) -> list[Sentence]:
    """Without any fault."""
    async with connect(url, key=KEY, **options) as task, asyncio.TaskGroup() as tasks:
        tasks.create_task(speak(task, audio, 1000.0))
        return await heard(task)


async def drop(proxy: Chaos, times: int, apart_s: tuple[float, float], seed: int = 1) -> None:
    chance = random.Random(seed)
    while proxy.cuts < times:
        await asyncio.sleep(chance.uniform(*apart_s))
        await until(lambda: proxy.open > 0)
        proxy.cut()


async def through_drops(
    proxy: Chaos, audio: bytes, times: int, apart_s: tuple[float, float], speed: float, **options: Any
) -> tuple[list[Sentence], list[LinkEvent]]:
    events: list[LinkEvent] = []
    async with connect(proxy.url, key=KEY, on_link=events.append, **options) as task, asyncio.TaskGroup() as tasks:
        dropping = tasks.create_task(drop(proxy, times, apart_s))
        tasks.create_task(speak(task, audio, speed, dropping))
        return await heard(task), events


def lines(sentences: list[Sentence]) -> list[tuple[int, int, int | None, str]]:
    return [(s.id, s.begin_ms, s.end_ms, s.text) for s in sentences]


def text(sentences: list[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


def orderly(sentences: list[Sentence]) -> bool:
    """Ids count from 1 without a hole, and times never go back."""
    ends = [sentence.end_ms or 0 for sentence in sentences]
    begins = [sentence.begin_ms for sentence in sentences]
    counted = [sentence.id for sentence in sentences] == list(range(1, len(sentences) + 1))
    return counted and begins == sorted(begins) and ends == sorted(ends)


# ---- dropped connections --------------------------------------------------------------------------------------------


async def test_a_hundred_drops_change_no_word_no_time_and_no_number(
    tmp_path: Path, speech: Speech, models_root: Path, moonshine_folder: Path, silero_folder: Path
) -> None:
    """The real detector and engine. Without beam search, which a busy server leaves out of finals by itself."""
    parts = [
        part
        for index, name in enumerate(RECORDINGS)
        for part in (speech(name)[0], np.zeros(PAUSES_MS[index % 3] * 16, np.float32))
    ]
    audio = (np.clip(np.concatenate(parts), -1, 1) * 32_767).astype("<i2").tobytes()
    hub = Hub()
    await asyncio.to_thread(hub.load, models_root)
    async with live_with(hub, tmp_path, beam="never") as server, chaos(server.address) as proxy:
        undisturbed = await recognised(server.server.url, audio)
        disturbed, events = await through_drops(proxy, audio, DROPS, (0.05, 0.4), SPEED)
    assert proxy.cuts >= DROPS
    assert not [event for event in events if isinstance(event, Resumed) and event.gap]
    assert lines(disturbed) == lines(undisturbed)
    assert [s.words for s in disturbed] == [s.words for s in undisturbed]
    assert len(undisturbed) > 10


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
async def test_drops_cost_nothing_at_any_rate(tmp_path: Path, rate_hz: int) -> None:
    audio, _ = words(15, rate_hz=rate_hz)
    format = AudioFormat("pcm", rate_hz)
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        undisturbed = await recognised(server.server.url, audio, format=format)
        disturbed, _ = await through_drops(proxy, audio, 8, (0.05, 0.3), 20.0, format=format)
    assert lines(disturbed) == lines(undisturbed)
    assert len(text(undisturbed).split()) >= 15


async def test_without_the_extension_drops_cost_no_word_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the vendor's own service: each connection is a new task."""
    monkeypatch.setattr(task_open, "_resume", lambda parameters: (None, None))
    audio, said = words(25)
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        disturbed, events = await through_drops(proxy, audio, 10, (0.05, 0.4), 30.0, resend_speed=200.0)
    assert len([event for event in events if isinstance(event, Resumed)]) >= 8
    assert text(disturbed) == said
    assert orderly(disturbed)


async def test_drops_cost_no_word_in_openais_protocol(tmp_path: Path) -> None:
    audio, _ = words(25, rate_hz=24_000)
    whole = {"format": AudioFormat("pcm", 24_000), "silence_ms": 800, "resend_speed": 200.0}
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        proxy.path = "/v1"
        undisturbed = await recognised(f"{server.server.url}/v1", audio, **whole)
        disturbed, _ = await through_drops(proxy, audio, 8, (0.05, 0.5), 30.0, **whole)
    assert text(disturbed) == text(undisturbed)
    assert len(text(undisturbed).split()) >= 25
    assert orderly(disturbed)


@pytest.mark.parametrize("fault", ["delay", "throttle", "cut"])
async def test_a_bad_network_costs_no_word(tmp_path: Path, fault: str) -> None:
    audio, said = words(12)
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        match fault:
            case "delay":
                proxy.delay_s = 0.02
            case "throttle":
                proxy.bytes_per_s = 400_000
            case "cut":
                proxy.cut_after = 300_000
        assert text(await recognised(proxy.url, audio)) == said
        assert proxy.opened > (1 if fault == "cut" else 0)


async def test_a_half_open_peer_is_found_by_its_silence(tmp_path: Path) -> None:
    audio, said = words(12)
    events: list[LinkEvent] = []
    options: dict[str, Any] = {"ping_interval_s": 0.2, "ping_timeout_s": 0.3, "open_timeout_s": 0.5}
    async with (
        live(tmp_path) as server,
        chaos(server.address) as proxy,
        asyncio.TaskGroup() as tasks,
        connect(proxy.url, key=KEY, on_link=events.append, **options) as task,
    ):
        tasks.create_task(speak(task, audio, 10.0))
        results = tasks.create_task(heard(task))
        await server.has_heard(2.0)
        proxy.stall()
        await until(lambda: bool(events))
        proxy.flow()
        assert text(await results) == said
    assert isinstance(events[0], Dropped) and "answered no more" in events[0].reason


async def test_the_next_server_takes_over_where_one_is_gone(tmp_path: Path) -> None:
    audio, said = words(20)
    async with live(tmp_path / "a") as one, live(tmp_path / "b") as other, chaos(one.address) as proxy:
        async with connect([proxy.url, other.server.url], key=KEY) as task, asyncio.TaskGroup() as tasks:
            tasks.create_task(speak(task, audio, 20.0))
            results = tasks.create_task(heard(task))
            await one.has_heard(5.0)
            proxy.refusing = True
            proxy.cut()
            assert text(await results) == said
        assert other.engine.open_states == 0


# ---- killed servers -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def process(data: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, tuple[str, int]]]:
    script = Path(__file__).with_name("scripted_server.py")
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(data), "0", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert server.stdout is not None
    try:
        url = urlsplit((await server.stdout.readline()).decode().split()[-1])
        assert url.hostname and url.port
        yield server, (url.hostname, url.port)
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def test_a_server_killed_in_mid_utterance_and_started_anew_costs_nothing(tmp_path: Path) -> None:
    """The second one knows nothing of the first: all that it needs comes from the client."""
    audio, said = words(15)
    async with process(tmp_path / "a") as (first, address), chaos(address) as proxy, asyncio.TaskGroup() as tasks:
        events: list[LinkEvent] = []
        async with connect(proxy.url, key=KEY, on_link=events.append) as task:
            tasks.create_task(speak(task, audio, 5.0))
            results = tasks.create_task(heard(task))
            await asyncio.sleep(1.0)
            first.send_signal(signal.SIGKILL)
            await first.wait()
            async with process(tmp_path / "b") as (_, proxy.address):
                sentences = await results
    assert any(isinstance(event, Resumed) for event in events)
    assert text(sentences) == said and orderly(sentences)


# ---- one owner ------------------------------------------------------------------------------------------------------


def claim(session: str, epoch: int = 1, **more: Any) -> dict[str, Any]:
    return {"resume": {"session": session, "epoch": epoch, **more}}


async def closed_with(client: Any) -> int | None:
    with pytest.raises(ConnectionClosed) as closing:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await client.recv()
    return closing.value.rcvd.code if closing.value.rcvd else None


async def test_of_two_sockets_that_resume_a_session_the_newest_wins(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as old, server.connect() as new:
        await old.send(run_task("a", **claim("mine", 1)))
        await send_audio(old, pcm("w1 w2"))
        await server.has_heard(1.0)
        await new.send(run_task("b", **claim("mine", 2)))
        assert await closed_with(old) == 4103
        await send_audio(new, pcm("w3 w4", 1500))
        await until(lambda: server.admission.streams == 1)
        await new.send(finish_task("b"))
        assert (await hear(new, "b")).finals("b") == ["w3 w4"]


async def test_a_connection_that_comes_late_does_not_take_a_session_back(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as new, server.connect() as late:
        await new.send(run_task("b", **claim("mine", 2)))
        await until(lambda: server.admission.streams == 1)
        await late.send(run_task("a", **claim("mine", 1)))
        code, _ = (await hear(late, "a")).failure("a") or ("", "")
        assert code == "SessionTaken"
        assert server.admission.streams == 1


async def test_a_session_of_another_tenant_is_as_unknown_as_any(tmp_path: Path) -> None:
    async with (
        live(tmp_path, api_keys=f"{KEY},sk-of-another") as server,
        server.connect() as mine,
        server.connect("sk-of-another") as theirs,
        server.connect() as fresh,
    ):
        await mine.send(run_task("a", **claim("mine", 1)))
        await send_audio(mine, pcm("w1 w2", 1500))
        answers: list[Heard] = []
        for client, name in ((theirs, "mine"), (fresh, "nobodys")):
            await client.send(run_task("b", **claim(name, 9)))
            await send_audio(client, pcm("w3", 1500))
            await client.send(finish_task("b"))
            answers.append(await hear(client, "b"))
        results = [[s for s in answer.sentences("b") if s["end_time"] is not None] for answer in answers]
        assert results[0] == results[1]
        assert answers[0].messages[0] == json.loads(json.dumps(answers[1].messages[0]).replace("nobodys", "mine"))
        await mine.send(finish_task("a"))
        assert (await hear(mine, "a")).finals("a") == ["w1 w2"]


async def test_a_program_whose_session_was_taken_over_does_not_fight_for_it(tmp_path: Path) -> None:
    events: list[LinkEvent] = []
    async with live(tmp_path) as server, connect(server.server.url, key=KEY, on_link=events.append) as task:
        await task.send(pcm("w1"))
        async with server.connect() as thief:
            await thief.send(run_task("b", **claim(task.session, 99)))
            with pytest.raises(SessionTaken):
                await heard(task)
    assert not events
