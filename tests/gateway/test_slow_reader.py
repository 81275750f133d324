"""What a connection does for a client that reads slowly: the newest interim, every final."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from live_server import until
from stenowire.dialects.base import Close, Output, Text
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.events import Final, Open, Partial, Update
from stenowire.gateway.connection import Connection
from stenowire.gateway.credentials import Caller
from stenowire.gateway.outbox import BEHIND_FRAMES
from stenowire.gateway.runtime import Runtime
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.types import AudioFormat, Sentence, Word

pytestmark = pytest.mark.unit


class GatedWire:
    """Takes a frame only when told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Semaphore(0)
        self.frames: asyncio.Queue[str] = asyncio.Queue()
        self.taken: list[str] = []
        self.closed: int | None = None

    async def receive(self) -> str:
        return await self.frames.get()

    async def send(self, text: str, deadline_s: float) -> None:
        await self.gate.acquire()
        self.taken.append(text)

    async def close(self, code: int, reason: str, deadline_s: float) -> None:
        self.closed = code

    def vanished(self) -> bool:
        return False


class PlainDialect:
    """Each frame opens the session it names; updates are written in words."""

    next_tick = None

    def begin(self, now: float) -> list[Output]:
        return []

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if frame == "close":
            return [Close(1000)]
        return [Open(str(frame), model="fun-asr-realtime", format=AudioFormat("pcm", 16_000))]

    def send(self, update: Update, now: float) -> list[Output]:
        kind = type(update).__name__
        said = update.sentence.text if isinstance(update, Partial | Final) else ""
        return [Text(f"{update.session} {kind} {said}".strip())]

    def tick(self, now: float) -> list[Output]:
        return []


def sentence(text: str, number: int = 1) -> Sentence:
    words = tuple(Word(word, 0, 100) for word in text.split())
    return Sentence(id=number, begin_ms=0, end_ms=None, words=words, stable=0, final=False)


@asynccontextmanager
async def connection(tmp_path: Path) -> AsyncIterator[tuple[Connection, GatedWire, Runtime]]:
    settings = Settings.load(data=tmp_path, api_keys="sk-x")
    hub = Hub(ScriptedEngine(), ScriptedDetector())
    pool = Pool(hub.engine, hub.detector, 1)
    pool.start()
    runtime = Runtime(settings, KeyRing.open(settings)).equip(hub, pool)
    wire = GatedWire()
    served = Connection(wire, PlainDialect(), runtime, "test")  # type: ignore[arg-type]
    tenant = runtime.keys.find("sk-x").tenant
    runtime.admit(served, Caller(tenant=tenant, scopes=frozenset(), permanent=True))
    running = asyncio.create_task(served.run())
    yield served, wire, runtime
    await wire.frames.put("close")
    for _ in range(1000):
        wire.gate.release()
    await running
    assert wire.closed == 1000 and runtime.admission.streams == 0
    await pool.stop()


async def test_of_many_interims_a_slow_reader_gets_the_newest_and_every_final(tmp_path: Path) -> None:
    async with connection(tmp_path) as (served, wire, runtime):
        for name in "ab":
            await wire.frames.put(name)
        await until(lambda: runtime.admission.streams == 2)
        for number in range(100):
            for name in "ab":
                await served._say(Partial(name, sentence(f"interim-{number}")))
        for number in range(20):
            await served._say(Final("a", sentence(f"final-{number}"), 1.0))
        await served._say(Partial("a", sentence("newest")))
        for _ in range(1000):
            wire.gate.release()
        await until(lambda: "a Partial newest" in wire.taken)
    finals = [text for text in wire.taken if "Final" in text]
    assert finals == [f"a Final final-{number}" for number in range(20)]
    assert wire.taken[-2:] == ["b Partial interim-99", "a Partial newest"]
    assert sum("Partial" in text for text in wire.taken) <= BEHIND_FRAMES + 2
    assert runtime.metrics.held._value.get() > 100


async def test_an_interim_that_was_held_back_never_follows_its_final(tmp_path: Path) -> None:
    async with connection(tmp_path) as (served, wire, runtime):
        await wire.frames.put("a")
        await until(lambda: runtime.admission.streams == 1)
        for number in range(50):
            await served._say(Partial("a", sentence(f"interim-{number}")))
        await served._say(Final("a", sentence("all"), 1.0))
    assert wire.taken[-1] == "a Final all"


async def test_a_reader_that_keeps_up_gets_everything(tmp_path: Path) -> None:
    async with connection(tmp_path) as (served, wire, runtime):
        for _ in range(100):
            wire.gate.release()
        await wire.frames.put("a")
        await until(lambda: runtime.admission.streams == 1)
        for number in range(50):
            await served._say(Partial("a", sentence(f"interim-{number}")))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert wire.taken[1:] == [f"a Partial interim-{number}" for number in range(50)]
