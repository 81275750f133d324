"""A real server on loopback with a scripted engine, and the few words a client needs: for tests of the gateway."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import websockets
from websockets.asyncio.client import ClientConnection

from stenowire.engines.base import Job
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine, pause, say
from stenowire.gateway.server import Server
from stenowire.gateway.transport import SocketProtocol
from stenowire.serving.hub import Hub
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.types import Samples

KEY = "sk-for-tests"
PATH = "/api-ws/v1/inference"
PATIENCE_S = 20.0
"""A guard against hanging, not a claim."""


class Live:
    def __init__(self, server: Server, engine: ScriptedEngine) -> None:
        self.server = server
        self.engine = engine
        self.admission = server.runtime.admission

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.url.removeprefix("ws://").rpartition(":")
        return host, int(port)

    @property
    def http(self) -> str:
        return self.server.url.replace("ws://", "http://")

    def connect(self, key: str = KEY, **options: Any) -> websockets.connect:
        headers = {"Authorization": f"Bearer {key}"}
        return websockets.connect(self.server.url + PATH, additional_headers=headers, compression=None, **options)

    @property
    def audio_s(self) -> float:
        """Audio that has reached the sessions open now; what a client has sent may still be on its way."""
        seats = (seat for connection in self.server.runtime.connections for seat in connection._seats)
        return sum(seat.session.audio_s for seat in seats)

    @property
    def backlog_s(self) -> float:
        seats = [seat for connection in self.server.runtime.connections for seat in connection._seats]
        return max((seat.session.backlog_s for seat in seats), default=0.0)

    @property
    def sockets(self) -> list[SocketProtocol]:
        """The server's side of every open WebSocket."""
        return [c for c in self.server.web.server_state.connections if isinstance(c, SocketProtocol)]

    async def has_heard(self, audio_s: float) -> None:
        await until(lambda: self.audio_s > audio_s - 0.1)

    async def at_rest(self) -> None:
        """Until nobody is served and nothing is held for anyone."""
        await until(lambda: self.admission.connections == self.admission.streams == 0)
        await until(lambda: self.server.runtime.pool.load.streams == self.engine.open_states == 0)


@asynccontextmanager
async def live(
    data: Path, before_step: Callable[[Sequence[Job]], None] | None = None, **settings: Any
) -> AsyncIterator[Live]:
    async with live_with(Hub(ScriptedEngine(before_step), ScriptedDetector()), data, **settings) as server:
        yield server


@asynccontextmanager
async def live_with(hub: Hub, data: Path, **settings: Any) -> AsyncIterator[Live]:
    """The same around any engine."""
    given = {
        "host": "127.0.0.1",
        "port": 0,
        "data": data,
        "api_keys": KEY,
        "workers": 2,
        "keep_usage": False,
        "pepper": "a pepper for tests, long enough to be one",
        **settings,
    }
    loaded = Settings.load(**given)
    server = Server(loaded, KeyRing.open(loaded), hub, announce=lambda line: None)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.run())
        await server.ready.wait()
        try:
            yield Live(server, cast(ScriptedEngine, hub.engine))
        finally:
            if not running.done():
                server.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# ---- what a client of the task protocol says and hears --------------------------------------------------------------


def run_task(task_id: str, **parameters: Any) -> str:
    return json.dumps(
        {
            "header": {"action": "run-task", "task_id": task_id, "streaming": "duplex"},
            "payload": {
                "task_group": "audio",
                "task": "asr",
                "function": "recognition",
                "model": "fun-asr-realtime",
                "parameters": {"format": "pcm", "sample_rate": 16000, **parameters},
                "input": {},
            },
        }
    )


def finish_task(task_id: str) -> str:
    header = {"action": "finish-task", "task_id": task_id, "streaming": "duplex"}
    return json.dumps({"header": header, "payload": {"input": {}}})


def pcm(*parts: str | int) -> bytes:
    """Speech and silence as bytes: words as text, pauses as milliseconds."""
    samples: list[Samples] = [say(part) if isinstance(part, str) else pause(part) for part in parts]
    return bytes((np.concatenate(samples) * 32768).astype("<i2").tobytes())


def frames(data: bytes, size: int = 3200) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


async def send_audio(client: ClientConnection, data: bytes, size: int = 3200) -> None:
    for frame in frames(data, size):
        await client.send(frame)


class Heard:
    """What the server said on one connection, by task."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def events(self, task_id: str) -> list[str]:
        return [m["header"]["event"] for m in self.messages if m["header"]["task_id"] == task_id]

    def finals(self, task_id: str) -> list[str]:
        return [s["text"] for s in self.sentences(task_id) if s["end_time"] is not None]

    def sentences(self, task_id: str) -> list[dict[str, Any]]:
        results = (m for m in self.messages if m["header"]["event"] == "result-generated")
        return [m["payload"]["output"]["sentence"] for m in results if m["header"]["task_id"] == task_id]

    def failure(self, task_id: str) -> tuple[str, str] | None:
        for message in self.messages:
            header = message["header"]
            if header["event"] == "task-failed" and header["task_id"] == task_id:
                return header["error_code"], header["error_message"]
        return None

    def ended(self, task_id: str) -> bool:
        return bool({"task-finished", "task-failed"} & set(self.events(task_id)))


async def hear(client: ClientConnection, *task_ids: str, heard: Heard | None = None) -> Heard:
    """Listen until all these tasks have ended."""
    heard = heard or Heard()
    async with asyncio.timeout(PATIENCE_S):
        while not all(heard.ended(task_id) for task_id in task_ids):
            heard.messages.append(json.loads(await client.recv()))
    return heard


async def hear_all(client: ClientConnection, heard: Heard | None = None) -> Heard:
    """Listen until the connection ends."""
    heard = heard or Heard()
    async with asyncio.timeout(PATIENCE_S):
        try:
            while True:
                heard.messages.append(json.loads(await client.recv()))
        except websockets.ConnectionClosed:
            return heard


async def whole_task(client: ClientConnection, task_id: str, audio: bytes, **parameters: Any) -> Heard:
    await client.send(run_task(task_id, **parameters))
    await send_audio(client, audio)
    await client.send(finish_task(task_id))
    return await hear(client, task_id)


# ---- a client by hand, for what no library would do ------------------------------------------------------------------


async def shake_hands(server: Live, receive_buffer: int | None = None) -> socket.socket:
    """A WebSocket by hand, on which nothing is answered automatically."""
    raw = socket.socket()
    if receive_buffer:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, server.address)
    request = [
        f"GET {PATH} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {KEY}",
    ]
    await loop.sock_sendall(raw, "".join(line + "\r\n" for line in [*request, ""]).encode())
    assert b" 101 " in await loop.sock_recv(raw, 4096)
    return raw


def masked(opcode: int, data: bytes) -> bytes:
    """One whole frame with a mask of zeros."""
    length = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, len(data))
    return length + bytes(4) + data
