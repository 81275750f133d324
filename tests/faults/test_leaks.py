"""Nothing is left of sessions that are over, however they ended."""

import asyncio
import gc
import random
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import websockets

from live_server import Live, finish_task, hear, live, pcm, run_task, send_audio, whole_task
from stenowire.core.session import Session
from stenowire.gateway.connection import Connection
from stenowire.gateway.seat import Seat

pytestmark = pytest.mark.faults

AUDIO = pcm("w1 w2")

LAST_BATCHES = 40
"""Each thread of the pool keeps its last batch until the next one: at most ten sessions speak at once here."""


async def ends_well(server: Live) -> None:
    async with server.connect() as client:
        assert (await whole_task(client, "a", AUDIO)).finals("a") == ["w1 w2"]


async def leaves_in_the_middle(server: Live) -> None:
    async with server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, AUDIO)


async def drops_the_line(server: Live) -> None:
    client = await server.connect()
    await client.send(run_task("a"))
    await send_audio(client, AUDIO)
    client.transport.abort()


async def fails(server: Live) -> None:
    async with server.connect() as client:
        await client.send(run_task("a", format="vorbis"))
        await hear(client, "a")


async def runs_two(server: Live) -> None:
    async with server.connect() as client:
        await client.send(run_task("a"))
        await client.send(run_task("b"))
        await send_audio(client, AUDIO)
        await client.send(finish_task("a"))
        await hear(client, "a")


WAYS = (ends_well, leaves_in_the_middle, drops_the_line, fails, runs_two)


async def test_200_short_sessions_leave_nothing_behind(tmp_path: Path) -> None:
    chance = random.Random(5)

    async def some() -> None:
        for _ in range(20):
            with suppress(websockets.ConnectionClosed):
                await chance.choice(WAYS)(server)

    async with live(tmp_path) as server:
        await ends_well(server)
        await server.at_rest()
        tasks_before, threads_before = len(asyncio.all_tasks()), threading.active_count()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(10):
                tasks.create_task(some())
        await server.at_rest()
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) <= tasks_before
        assert threading.active_count() <= threads_before
        assert not server.sockets and not server.server.runtime.connections
        pool = server.server.runtime.pool
        assert not pool._ears and not pool._known and not pool._scheduler.streams
        gc.collect()
        left = [thing for thing in gc.get_objects() if isinstance(thing, Connection | Seat | Session)]
        assert len(left) <= LAST_BATCHES
