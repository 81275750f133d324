"""Clients that leave without a word."""

import asyncio
import socket
import struct
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from live_server import Live, live, masked, pcm, run_task, send_audio, shake_hands, until
from stenowire.engines.base import Job

pytestmark = pytest.mark.faults


def reset(client: ClientConnection) -> None:
    """Close so that the peer's system gets a TCP reset, as when a machine falls."""
    raw: socket.socket = client.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


async def test_a_reset_frees_everything(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        client = await server.connect()
        await client.send(run_task("a"))
        await send_audio(client, pcm("w1 w2"))
        await server.has_heard(1.0)
        reset(client)
        await server.at_rest()


@pytest.mark.parametrize(("way", "length"), [("reset", 100), ("reset", 2), ("close", 2)])
async def test_a_client_that_vanishes_while_it_is_not_read_is_missed(tmp_path: Path, way: str, length: int) -> None:
    """An upload so far ahead that the server has stopped reading: the socket itself reports nothing then."""
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(jobs: list[Job]) -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    async with live(tmp_path, before_step=stuck, backlog_s=2.0) as server:
        client = await server.connect()
        await client.send(run_task("a"))
        upload = asyncio.create_task(send_audio(client, pcm("w1 w2 w3 w4") * length))
        await until(lambda: server.audio_s > 2.0)
        await paused(server)
        reset(client) if way == "reset" else client.transport.close()
        await until(lambda: server.admission.connections == server.admission.streams == 0)
        release.set()
        upload.cancel()
        await server.at_rest()


async def paused(server: Live) -> None:
    """Until the upload has stalled."""
    heard = -1.0
    while heard != server.audio_s:
        heard = server.audio_s
        await asyncio.sleep(0.1)


async def test_a_peer_that_never_answers_pings_is_cut_off(tmp_path: Path) -> None:
    """A half-open connection: the handshake was made, then nothing is read or written any more."""
    async with live(tmp_path, ping_interval_s=0.1, ping_timeout_s=0.1) as server:
        raw = await shake_hands(server)
        await until(lambda: server.admission.connections == 1)
        await server.at_rest()
        raw.close()


async def test_a_slow_answer_to_a_ping_is_no_fault_while_audio_comes(tmp_path: Path) -> None:
    """Its pong may lie behind the audio that is still on its way."""
    async with live(tmp_path, ping_interval_s=0.1, ping_timeout_s=0.3) as server:
        raw = await shake_hands(server)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(raw, masked(0x1, run_task("a").encode()))
        for _ in range(20):
            await loop.sock_sendall(raw, masked(0x2, bytes(3200)))
            await asyncio.sleep(0.05)
        assert server.admission.streams == 1
        raw.close()
