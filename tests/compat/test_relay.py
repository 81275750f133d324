"""The vendors' own SDKs behind a relay: nothing changes without faults, and nothing is lost with them."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from bench.server import Server

from compat.sdks import Drive, Line, named, order, spoken
from compat.talks import ITEM, RECOGNISER, job
from faults.chaos_proxy import Chaos, chaos
from faults.relays import relaying
from live_server import PATH
from stenowire.types import SESSION_RATE_HZ, Samples

pytestmark = pytest.mark.compat

VERSIONS = ("1.25.10", "1.27.8", "2.0.2")
SAID = "best of times it was the worst of times"
DROPS = 8


@pytest.fixture(scope="module")
def steady(moonshine_folder: Path, silero_folder: Path) -> Iterator[Server]:
    """A server whose text does not depend on its load."""
    with Server(beam="never") as running:
        yield running


@asynccontextmanager
async def dropping(server: Server, apart_s: tuple[float, float] = (0.15, 0.5)) -> AsyncIterator[Chaos]:
    """A way to the server that breaks every now and then, so many times."""
    chance = random.Random(1)

    async def cut(proxy: Chaos) -> None:
        while proxy.cuts < DROPS:
            await asyncio.sleep(chance.uniform(*apart_s))
            proxy.cut()

    async with chaos(("127.0.0.1", server.port)) as proxy:
        cutting = asyncio.create_task(cut(proxy))
        yield proxy
        cutting.cancel()


def sentences(lines: list[Line]) -> list[dict[str, Any]]:
    """Without `sentence_begin`, which says whether an interim came before: that depends on the pace."""
    return [line["sentence"] | {"sentence_begin": None} for line in named(lines, "event") if line["end"]]


@pytest.mark.parametrize("version", VERSIONS)
async def test_recognition_does_not_notice_drops_nor_the_relay(
    drive: Drive, steady: Server, opening: Path, version: str
) -> None:
    async def stream(url: str) -> list[Line]:
        asked = {"scenario": "stream", "file": opening, "format": "pcm", "url": url, "key": steady.key}
        return await asyncio.to_thread(drive, "recognition", version, **asked)

    plain = await stream(steady.url)
    async with relaying(steady.base) as relay:
        through = await stream(relay.url + PATH)
    async with dropping(steady) as proxy, relaying(proxy.url) as relay:
        dropped = await stream(relay.url + PATH)
    assert proxy.cuts >= 3
    assert SAID in spoken([sentence["text"] for sentence in sentences(plain)])
    for lines in (through, dropped):
        assert order(lines) == ["open", "event", "complete", "close", "done"]
        assert sentences(lines) == sentences(plain)
    usages = [[line["usage"] for line in named(lines, "event") if line["end"]] for lines in (plain, through, dropped)]
    assert usages[0] == usages[1] == usages[2]


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
async def test_a_wrong_key_is_told_as_without_the_relay(
    drive: Drive, steady: Server, opening: Path, version: str
) -> None:
    async with relaying(steady.base) as relay:
        asked = {"scenario": "stream", "file": opening, "format": "pcm", "url": relay.url + PATH, "key": "sk-wrong"}
        lines = await asyncio.to_thread(drive, "recognition", version, **asked)
    (error,) = named(lines, "error")
    assert error["status"] == 401


def life(lines: list[Line]) -> tuple[list[str], list[tuple[str, str]]]:
    """Transcripts; and which item began, ended, was committed and was completed, in the order of each."""
    events = [line["body"] for line in named(lines, "event")]
    completed = [event for event in events if event["type"] == ITEM + "completed"]
    ways = ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed")
    told = [(event["type"], event["item_id"]) for event in events if event["type"] in (*ways, ITEM + "completed")]
    assert len(set(told)) == len(told)
    assert not [event for event in events if event["type"] == "error"]
    return [event["transcript"] for event in completed], told


async def test_conversations_of_the_vendors_sdk_go_on(drive: Drive, steady: Server, beckett: Path) -> None:
    talks = [job(name, RECOGNISER[name], lambda rate_hz: beckett) for name in ("detected", "committed")]

    async def hold(url: str) -> dict[str, list[Line]]:
        lines = await asyncio.to_thread(
            drive, "omni", VERSIONS[-1], url=url + "/api-ws/v1/realtime", key=steady.key, talks=talks
        )
        return {name: [line for line in lines if line["talk"] == name] for name in ("detected", "committed")}

    plain = await hold(steady.base)
    async with dropping(steady) as proxy, relaying(proxy.url, resend_speed=50.0) as relay:
        dropped = await hold(relay.url)
    assert proxy.cuts >= 3
    for name, lines in dropped.items():
        assert not named(lines, "raised")
        assert spoken(life(lines)[0]) == spoken(life(plain[name])[0])
        assert len(life(lines)[1]) == len(life(plain[name])[1])
        assert [line["type"] for line in named(lines, "event")].count("session.finished") == 1


async def test_a_session_of_openais_client_goes_on(
    drive: Drive, steady: Server, two_cities: Samples, tmp_path: Path
) -> None:
    opening = np.concatenate([two_cities[: 10 * SESSION_RATE_HZ], np.zeros(SESSION_RATE_HZ, np.float32)])
    audio = tmp_path / "opening.raw"
    at_24 = soxr.resample(opening, SESSION_RATE_HZ, 24_000)
    audio.write_bytes((np.clip(at_24, -1, 1) * 32_767).astype("<i2").tobytes())
    heard = {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 600},
    }

    async def hold(url: str) -> list[Line]:
        asked = {
            "base_url": url.replace("ws", "http", 1) + "/v1",
            "key": steady.key,
            "connect": {"extra_query": {"intent": "transcription"}},
            "updates": [{"type": "transcription", "audio": {"input": heard}}],
            "file": audio,
            "frame_bytes": 4801,
        }
        return await asyncio.to_thread(drive, "openai_realtime", "3.54.0", "openai[realtime]", **asked)

    plain = await hold(steady.base)
    async with dropping(steady, (0.5, 1.2)) as proxy, relaying(proxy.url, resend_speed=50.0) as relay:
        dropped = await hold(relay.url)
    assert proxy.cuts >= 3
    assert not named(dropped, "raised")
    assert spoken(life(dropped)[0]) == spoken(life(plain)[0])
    assert SAID in spoken(life(dropped)[0])
    wrong = [[line["wrong"] for line in named(lines, "event") if line["wrong"]] for lines in (plain, dropped)]
    assert wrong[0] == wrong[1] == []
