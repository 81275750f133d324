"""A key goes to the server that it was given for, whatever that server says; and warming up works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from live_server import KEY, live
from stenowire import connect, warm_up
from stenowire.client.errors import CannotConnect, KeyRefused

pytestmark = pytest.mark.faults


@asynccontextmanager
async def redirecting() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that sends everyone elsewhere, and what arrives there."""
    arrived: list[bytes] = []

    async def catch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(catch, "127.0.0.1", 0) as there:
        port = there.sockets[0].getsockname()[1]

        async def send_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:{port}/x\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(send_away, "127.0.0.1", 0) as here:
            yield f"ws://127.0.0.1:{here.sockets[0].getsockname()[1]}", arrived


async def test_a_redirect_is_not_followed() -> None:
    async with redirecting() as (url, arrived):
        with pytest.raises(CannotConnect, match="HTTP 302"):
            async with connect(url, key=KEY):
                pass
        with pytest.raises(CannotConnect, match="HTTP 302"):
            await warm_up(url, key=KEY)
    assert not arrived


async def test_warming_up_asks_the_server_and_tells_a_wrong_key(tmp_path: Path, unused_tcp_port: int) -> None:
    async with live(tmp_path) as server:
        await warm_up(server.server.url, key=KEY)
        with pytest.raises(KeyRefused):
            await warm_up(server.server.url, key="sk-wrong")
    with pytest.raises(CannotConnect):
        await warm_up(f"ws://127.0.0.1:{unused_tcp_port}", key=KEY)


async def test_the_key_is_found_in_the_environment_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-wrong")
    monkeypatch.setenv("STENOWIRE_API_KEY", KEY)
    async with live(tmp_path) as server:
        async with connect(server.server.url):
            pass
        monkeypatch.delenv("STENOWIRE_API_KEY")
        with pytest.raises(KeyRefused):
            async with connect(server.server.url):
                pass
