"""Clients that send too much, too little at a time, too slowly, or never read."""

import asyncio
import socket
from pathlib import Path

import pytest

from live_server import (
    PATIENCE_S,
    Live,
    finish_task,
    frames,
    hear,
    live,
    masked,
    pcm,
    run_task,
    shake_hands,
    until,
    whole_task,
)
from stenowire.gateway.intake import BYTES_AHEAD

pytestmark = pytest.mark.faults


async def test_an_upload_far_ahead_waits_in_the_network_and_not_in_memory(tmp_path: Path) -> None:
    most_s = 0.0
    audio = pcm("w1 w2 w3", 2000) * 40

    async with live(tmp_path, backlog_s=4.0) as server, server.connect() as client:

        async def watch() -> None:
            nonlocal most_s
            while True:
                most_s = max(most_s, server.backlog_s)
                await asyncio.sleep(0.001)

        watching = asyncio.create_task(watch())
        heard = await whole_task(client, "a", audio)
        watching.cancel()
    assert heard.finals("a") == ["w1 w2 w3"] * 40
    read_ahead_s = BYTES_AHEAD / 32_000
    assert 4.0 < most_s < 4.0 + read_ahead_s + 0.2


async def test_frames_of_one_byte_are_parsed_a_few_at_a_time(tmp_path: Path) -> None:
    """Parsed in one go, what one read of the socket brings would hold the event loop for a third of a second."""
    most = 0

    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.recv()
        protocol = server.sockets[0]

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, protocol.queue.qsize())
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        audio = pcm("w1", 300)
        client.transport.write(b"".join(masked_short(0x2, audio[at : at + 1]) for at in range(len(audio))))
        await client.send(finish_task("a"))
        heard = await hear(client, "a")
        watching.cancel()
    assert heard.finals("a") == ["w1"]
    assert 0 < most < 600


def masked_short(opcode: int, data: bytes) -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(data)]) + bytes(4) + data


@pytest.mark.parametrize("drip", [False, True])
async def test_a_request_that_never_gets_whole_is_cut_off(tmp_path: Path, drip: bool) -> None:
    async with live(tmp_path, handshake_s=0.3) as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        async with asyncio.timeout(PATIENCE_S):
            while not writer.is_closing() and not reader.at_eof():
                try:
                    await asyncio.wait_for(reader.read(100), 0.05)
                    if drip:
                        writer.write(b"X-Slow: 1\r\n")
                        await writer.drain()
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
        await until(lambda: not server.server.web.server_state.connections)
        writer.close()


async def test_the_deadline_of_a_request_does_not_end_a_connection_that_was_made(tmp_path: Path) -> None:
    async with live(tmp_path, handshake_s=0.2) as server, server.connect() as client:
        await asyncio.sleep(0.5)
        assert (await whole_task(client, "a", pcm("w1"))).finals("a") == ["w1"]


async def test_a_client_that_never_reads_is_slowed_down_then_cut_off(tmp_path: Path) -> None:
    """Its answers fill the sockets' buffers, then the outbox up to its bound; then it is not read any more."""
    bound = 16 << 10
    async with live(tmp_path, outbox_bytes=bound, send_deadline_s=2.0, backlog_s=20.0) as server:
        raw = await shake_hands(server, receive_buffer=2048)
        shrink(server)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(raw, masked(0x1, run_task("a", max_sentence_silence=200).encode()))
        upload = asyncio.create_task(pour(raw, pcm("w1 w2 w3 w4 w5 w6", 500)))
        most = 0
        async with asyncio.timeout(60):
            while server.admission.connections:
                most = max([most, *(c._outbox.waiting_bytes for c in server.server.runtime.connections)])
                await asyncio.sleep(0.001)
        assert bound < most < 4 * bound
        await server.at_rest()
        await until(lambda: not server.sockets)
        upload.cancel()
        raw.close()


def shrink(server: Live) -> None:
    """Make the server's side of each connection buffer next to nothing."""
    for protocol in server.sockets:
        protocol.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def test_a_line_that_went_dead_with_answers_on_the_way_is_given_up(tmp_path: Path) -> None:
    """The close frame cannot be written either; by itself that would wait for the system's quarter of an hour."""
    async with live(tmp_path, ping_interval_s=0.3, ping_timeout_s=0.3) as server:
        raw = await shake_hands(server, receive_buffer=2048)
        shrink(server)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(raw, masked(0x1, run_task("a", max_sentence_silence=200).encode()))
        for frame in frames(pcm("w1 w2 w3 w4 w5 w6", 500) * 60, 32_000):
            await loop.sock_sendall(raw, masked(0x2, frame))
        await server.at_rest()
        await until(lambda: not server.sockets)
        raw.close()


async def pour(raw: socket.socket, audio: bytes) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            for frame in frames(audio, 32_000):
                await loop.sock_sendall(raw, masked(0x2, frame))
    except OSError:
        return


async def test_others_do_not_wait_for_one_that_never_reads(tmp_path: Path) -> None:
    async with live(tmp_path, outbox_bytes=16 << 10) as server, server.connect() as client:
        raw = await shake_hands(server, receive_buffer=2048)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(raw, masked(0x1, run_task("a").encode()))
        upload = asyncio.create_task(pour(raw, pcm("w1 w2 w3 w4 w5 w6", 1500)))
        for number in range(5):
            heard = await whole_task(client, f"task-{number}", pcm("w7 w8"))
            assert heard.finals(f"task-{number}") == ["w7 w8"]
        upload.cancel()
        raw.close()
