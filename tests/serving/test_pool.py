"""The worker threads: results come back on the loop, faults stay with their session, nothing is left behind."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from stenowire.engines.base import Job
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine, pause, say
from stenowire.events import Broken, CloseStream, Heard, Listen, OpenStream, Result, Step, Stepped
from stenowire.serving.pool import Pool
from stenowire.types import Hint

pytestmark = pytest.mark.unit


def started(engine: ScriptedEngine, workers: int = 1) -> Pool:
    pool = Pool(engine, ScriptedDetector(), workers=workers)
    pool.start()
    return pool


class Inbox:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[Result] = asyncio.Queue()

    def deliver(self, result: Result) -> None:
        self.queue.put_nowait(result)

    async def next(self) -> Result:
        return await asyncio.wait_for(self.queue.get(), 5)


@pytest.fixture
async def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def pool(engine: ScriptedEngine) -> AsyncIterator[Pool]:
    pool = started(engine)
    yield pool
    await pool.stop()


async def test_a_step_comes_back_to_its_owner_on_the_loop(pool: Pool) -> None:
    inbox = Inbox()
    pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
    pool.submit(inbox.deliver, Step("T", stream=1, clip=say("w3 w7"), kind="final", ticket=4))
    result = await inbox.next()
    assert isinstance(result, Stepped)
    assert ([word.text for word in result.hypothesis.words], result.ticket) == (["w3", "w7"], 4)


async def test_the_engine_is_given_both_sounds_of_a_final(engine: ScriptedEngine, pool: Pool) -> None:
    jobs: list[Job] = []
    engine.before_step = jobs.extend
    inbox, clip, again = Inbox(), say("w3"), say("w4")
    pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
    pool.submit(inbox.deliver, Step("T", stream=1, clip=clip, again=again, kind="final"))
    await inbox.next()
    assert jobs[0].clip is clip and jobs[0].again is again


async def test_sound_is_judged_in_order(pool: Pool) -> None:
    inbox = Inbox()
    pool.submit(inbox.deliver, Listen("T", np.concatenate([say("w9")[:5120], pause(320)])))
    result = await inbox.next()
    assert isinstance(result, Heard)
    assert (result.probabilities > 0.5).sum() >= 10


async def test_an_engine_that_raises_breaks_only_the_step(engine: ScriptedEngine, pool: Pool) -> None:
    def explode(jobs: Sequence[Job]) -> None:
        if len(jobs[0].clip) == 1:
            raise RuntimeError("no")

    engine.before_step = explode
    mine, theirs = Inbox(), Inbox()
    for inbox, clip in ((mine, np.zeros(1, np.float32)), (theirs, say("w3"))):
        pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
        pool.submit(inbox.deliver, Step("T", stream=1, clip=clip, kind="final"))
    assert isinstance(await mine.next(), Broken)
    assert isinstance(await theirs.next(), Stepped)


async def test_a_closed_stream_frees_its_state_even_in_flight(engine: ScriptedEngine, pool: Pool) -> None:
    entered, leave = threading.Event(), threading.Event()

    def wait(jobs: Sequence[Job]) -> None:
        entered.set()
        leave.wait(5)

    engine.before_step = wait
    inbox = Inbox()
    pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
    pool.submit(inbox.deliver, Step("T", stream=1, clip=say("w3"), kind="final"))
    await asyncio.to_thread(entered.wait, 5)
    pool.submit(inbox.deliver, CloseStream("T", 1))
    assert engine.open_states == 1
    leave.set()
    await inbox.next()
    assert (engine.open_states, pool.load.streams) == (0, 0)


async def test_dropping_a_session_forgets_all_of_it_and_nothing_else(engine: ScriptedEngine, pool: Pool) -> None:
    inbox = Inbox()
    for session in ("gone", "stays"):
        for stream in (1, 2):
            pool.submit(inbox.deliver, OpenStream(session, stream, Hint()))
    pool.drop(inbox.deliver, "gone")
    assert pool.load.streams == 2
    pool.submit(inbox.deliver, Step("stays", stream=1, clip=say("w3"), kind="final"))
    assert isinstance(await inbox.next(), Stepped)


async def test_the_loop_runs_on_while_an_engine_is_busy(engine: ScriptedEngine, pool: Pool) -> None:
    release = threading.Event()
    engine.before_step = lambda jobs: release.wait(5) and None
    inbox = Inbox()
    pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
    pool.submit(inbox.deliver, Step("T", stream=1, clip=say("w3"), kind="final"))
    turns = 0
    for _ in range(50):
        await asyncio.sleep(0)
        turns += 1
    assert (turns, inbox.queue.empty()) == (50, True)
    release.set()
    assert isinstance(await inbox.next(), Stepped)


async def test_stopping_joins_the_threads_and_frees_the_states(engine: ScriptedEngine) -> None:
    pool = started(engine, workers=3)
    inbox = Inbox()
    pool.submit(inbox.deliver, OpenStream("T", 1, Hint()))
    pool.submit(inbox.deliver, Step("T", stream=1, clip=say("w3"), kind="final"))
    await inbox.next()
    threads = list(pool._threads)
    await pool.stop()
    assert engine.open_states == 0
    assert len(threads) == 4
    assert not any(thread.is_alive() for thread in threads)
