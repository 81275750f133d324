"""What clients should not send: each is answered as the protocol says, and hurts nobody else."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from live_server import (
    PATIENCE_S,
    Live,
    finish_task,
    hear,
    hear_all,
    live,
    masked,
    pcm,
    run_task,
    send_audio,
    shake_hands,
    until,
    whole_task,
)

pytestmark = pytest.mark.faults


@asynccontextmanager
async def bystander(server: Live) -> AsyncIterator[ClientConnection]:
    """Someone in the middle of a sentence, whose words must come out whole whatever the other one does."""
    async with server.connect() as client:
        await client.send(run_task("bystander"))
        await send_audio(client, pcm("w1 w2 w3"))
        yield client
        await send_audio(client, pcm("w4 w5"))
        await client.send(finish_task("bystander"))
        assert (await hear(client, "bystander")).finals("bystander") == ["w1 w2 w3 w4 w5"]


MALFORMED = [
    "",
    "{",
    "null",
    "[]",
    '"text"',
    "{}",
    '{"header":{}}',
    '{"header":{"action":"run-task"}}',
    '{"header":{"action":"run-task","task_id":7},"payload":{}}',
    '{"header":{"action":"dance","task_id":"a"},"payload":{}}',
    run_task("a", sample_rate="fast"),
    run_task("a", sample_rate=1),
    run_task("a").replace("fun-asr-realtime", "no-such-model"),
    run_task("a", language_hints=["xx"]),
    run_task("x" * 5000),
    finish_task("never-begun"),
    "[" * 100_000,
]


@pytest.mark.parametrize("message", MALFORMED, ids=lambda message: message[:40] or "empty")
async def test_a_malformed_message_fails_its_sender_alone(tmp_path: Path, message: str) -> None:
    async with live(tmp_path) as server, bystander(server), server.connect() as client:
        await client.send(message)
        heard = await hear_all(client)
        assert [m["header"]["event"] for m in heard.messages] == ["task-failed"]
        assert client.close_code == 1000


async def test_bytes_that_are_no_audio_are_no_fault_without_a_task(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(random.Random(7).randbytes(5001))
        assert (await whole_task(client, "a", pcm("w1"))).finals("a") == ["w1"]


async def test_text_that_is_not_utf8_closes_with_1007(tmp_path: Path) -> None:
    async with live(tmp_path) as server, bystander(server), server.connect() as client:
        await client.send(b"\xff\xfe", text=True)
        await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
        assert client.close_code == 1007


@pytest.mark.parametrize("fragments", [1, 8])
async def test_a_message_over_the_limit_closes_with_1009(tmp_path: Path, fragments: int) -> None:
    async with live(tmp_path, max_message_bytes=1 << 20) as server, bystander(server), server.connect() as client:
        await client.send(run_task("a"))
        message = bytes(16 << 20)
        size = len(message) // fragments + 1
        with suppress(websockets.ConnectionClosed):
            await client.send([message[at : at + size] for at in range(0, len(message), size)])
        await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
        assert client.close_code == 1009


async def test_the_line_is_not_reset_under_a_client_that_has_not_read_why(tmp_path: Path) -> None:
    """A system that gets a reset may drop what it has received: the close frame would be lost."""
    async with live(tmp_path, max_message_bytes=1 << 20) as server:
        raw, loop = await shake_hands(server), asyncio.get_running_loop()
        await loop.sock_sendall(raw, bytes([0x82, 0xFF]) + (2 << 20).to_bytes(8, "big") + bytes(4))
        assert (await loop.sock_recv(raw, 4))[:1] == b"\x88"
        for _ in range(5):
            await loop.sock_sendall(raw, bytes(64_000))
            await asyncio.sleep(0.02)
        raw.close()
        await until(lambda: not server.sockets)


async def test_after_a_failure_what_the_client_still_sends_is_passed_over(tmp_path: Path) -> None:
    """Its own close frame lies behind audio that came in one go with the fault: it must be found there."""
    async with live(tmp_path) as server:
        raw = await shake_hands(server)
        await until(lambda: bool(server.sockets))
        server.sockets[0].close_timeout = 1000.0
        rest = b"".join(masked(0x2, bytes(1000)) for _ in range(60)) + masked(0x8, b"\x03\xe8")
        await asyncio.get_running_loop().sock_sendall(raw, masked(0x1, b"{") + rest)
        await server.at_rest()
        await until(lambda: not server.sockets)
        raw.close()


async def test_a_message_at_the_limit_is_heard(tmp_path: Path) -> None:
    audio = pcm("w1 w2", 1500) * 20
    async with live(tmp_path, max_message_bytes=len(audio)) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.send(audio)
        await client.send(finish_task("a"))
        assert (await hear(client, "a")).finals("a") == ["w1 w2"] * 20


async def test_a_text_over_its_limit_is_told_in_the_protocol(tmp_path: Path) -> None:
    async with live(tmp_path, max_text_bytes=4096) as server, bystander(server), server.connect() as client:
        await client.send(run_task("a", note="x" * 5000))
        heard = await hear_all(client)
        assert [m["header"].get("error_code") for m in heard.messages] == ["InvalidParameter"]


async def test_random_conversations_break_nothing(tmp_path: Path) -> None:
    """Seeded nonsense made of the protocol's own pieces."""
    chance = random.Random(2)
    pieces = [
        *MALFORMED[:12],
        run_task("a"),
        run_task("b"),
        finish_task("a"),
        finish_task("b"),
        bytes(3),
        bytes(64_000),
    ]

    async def babble() -> None:
        async with server.connect() as client:
            with suppress(websockets.ConnectionClosed):
                for _ in range(chance.randint(1, 12)):
                    await client.send(chance.choice(pieces))

    async with live(tmp_path) as server, bystander(server):
        for _ in range(5):
            async with asyncio.TaskGroup() as tasks:
                for _ in range(10):
                    tasks.create_task(babble())
