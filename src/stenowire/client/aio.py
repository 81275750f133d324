"""Speech to text from a server, with asyncio: one task of the task protocol on a connection of its own.

In: bytes of audio. Out: partial and final sentences as they come. The silent half of the protocol is `TaskClient`; here
is its socket. Results are read at all times, so a program may send everything first and look at the answers later.

    async with connect("ws://127.0.0.1:8090", key="sk-...", format=AudioFormat("pcm", 16_000)) as task:
        await task.send(audio)
        await task.finish()
        async for update in task:
            print(update.sentence.text)
"""

import asyncio
import ipaddress
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from stenowire import __version__
from stenowire.client.errors import CannotConnect, ClientError, ConnectionLost, KeyRefused, TaskFailed
from stenowire.client.urls import task_endpoint
from stenowire.dialects.task_client import TaskClient
from stenowire.dialects.task_wire import Parameters
from stenowire.events import Failed, Final, Finished, Opened, Partial, Update
from stenowire.types import AudioFormat

DEFAULT_MODEL = "fun-asr-realtime"
MAX_FRAME_BYTES = 4 << 20
"""A server's result is a few kB; this bounds what a strange server can make us hold."""

Socket = websockets.asyncio.client.ClientConnection


class Recognition:
    """A running task. Made by `connect`; iterate over it once."""

    def __init__(self, socket: Socket, task: TaskClient) -> None:
        self._socket = socket
        self._task = task
        self._results: asyncio.Queue[Partial | Final | Exception | None] = asyncio.Queue()
        self._over = asyncio.Event()
        self._fault: Exception | None = None
        self._first_sent_at: float | None = None
        self._finished_at: float | None = None
        self.first_package_delay_ms: int | None = None
        """From the first audio sent to the first words received."""
        self.last_package_delay_ms: int | None = None
        """From `finish` to the end of the task."""

    @property
    def request_id(self) -> str:
        return self._task.task_id

    async def send(self, data: bytes) -> None:
        """Send audio; waits while the server cannot take more. Raises TaskFailed or ConnectionLost."""
        self._first_sent_at = self._first_sent_at or time.monotonic()
        await self._write(data)

    async def finish(self) -> None:
        """Say that all audio has been sent. The last results follow, then the iteration ends."""
        self._finished_at = time.monotonic()
        await self._write(self._task.finish())

    async def feed(self, audio: AsyncIterator[bytes]) -> None:
        """Send all of it and finish. For a task of its own: what goes wrong here is raised by the iteration."""
        try:
            async for data in audio:
                await self.send(data)
            await self.finish()
        except ClientError:
            return  # the iteration ends with it
        except Exception as fault:  # of the audio
            self._end(fault)

    async def __aiter__(self) -> AsyncIterator[Partial | Final]:
        while (result := await self._results.get()) is not None:
            if isinstance(result, Exception):
                raise result
            yield result

    async def _write(self, frame: str | bytes) -> None:
        if self._fault:
            raise self._fault
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            await self._over.wait()  # the server may have said why
            raise self._fault or _lost(closed) from None

    async def _open(self) -> None:
        await self._socket.send(self._task.run())
        async for frame in self._socket:
            for update in self._task.receive(frame):
                match update:
                    case Opened():
                        return
                    case Failed(error=error):
                        raise TaskFailed(error, self.request_id)
        raise ConnectionLost("the server closed the connection before the task began")

    async def _read(self) -> None:
        try:
            while not self._task.over:
                for update in self._task.receive(await self._socket.recv()):
                    self._take(update)
        except ConnectionClosed as closed:
            self._end(_lost(closed))

    def _take(self, update: Update) -> None:
        match update:
            case Partial() | Final():
                if self.first_package_delay_ms is None and update.sentence.words:
                    self.first_package_delay_ms = _ms_since(self._first_sent_at)
                self._results.put_nowait(update)
            case Finished():
                self.last_package_delay_ms = _ms_since(self._finished_at)
                self._end(None)
            case Failed(error=error):
                self._end(TaskFailed(error, self.request_id))

    def _end(self, fault: Exception | None) -> None:
        self._fault = fault
        self._over.set()
        self._results.put_nowait(fault)


@asynccontextmanager
async def connect(
    url: str,
    *,
    key: str = "",
    format: AudioFormat,
    model: str = DEFAULT_MODEL,
    language: str | None = None,
    parameters: Parameters | None = None,
    open_timeout_s: float = 10.0,
) -> AsyncIterator[Recognition]:
    """Connect and begin a task; yields it once the server has taken it.

    `url` is a base or a whole endpoint (see `urls`). `parameters` are further ones of the protocol. Raises BadUrl,
    CannotConnect, KeyRefused, TaskFailed, ConnectionLost.
    """
    asked = msgspec.structs.replace(parameters or Parameters(), format=format.encoding, sample_rate=format.rate_hz)
    if language:
        asked = msgspec.structs.replace(asked, language_hints=[language])
    endpoint = task_endpoint(url)
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(open_timeout_s):
                connection = await stack.enter_async_context(_connection(endpoint, key))
                task = Recognition(connection, TaskClient(uuid.uuid4().hex, model, asked))
                await task._open()
        except TimeoutError:
            raise CannotConnect(f"{endpoint} does not answer within {open_timeout_s:g} s") from None
        except InvalidStatus as refusal:
            raise _refused(endpoint, refusal) from None
        except (OSError, InvalidHandshake) as error:
            raise CannotConnect(f"cannot connect to {endpoint}: {_reason(error)}") from None
        reading = asyncio.create_task(task._read())
        try:
            yield task
        finally:
            reading.cancel()
            await asyncio.wait({reading})


async def recognise(
    audio: AsyncIterator[bytes],
    url: str,
    *,
    key: str = "",
    format: AudioFormat,
    model: str = DEFAULT_MODEL,
    language: str | None = None,
    parameters: Parameters | None = None,
) -> AsyncIterator[Partial | Final]:
    """Send all of `audio` while yielding the results. Raises what `connect` raises, and what `audio` raises."""
    async with connect(url, key=key, format=format, model=model, language=language, parameters=parameters) as task:
        feeding = asyncio.create_task(task.feed(audio))
        try:
            async for update in task:
                yield update
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})


def _connection(endpoint: str, key: str) -> websockets.asyncio.client.connect:
    return websockets.asyncio.client.connect(
        endpoint,
        additional_headers={"Authorization": f"Bearer {key}"} if key else {},
        user_agent_header=f"stenowire/{__version__}",
        compression=None,
        max_size=MAX_FRAME_BYTES,
        proxy=None if _is_loopback(urlsplit(endpoint).hostname or "") else True,
    )


def _is_loopback(host: str) -> bool:
    """A proxy set for the outside world has no business with a server on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(endpoint: str, refusal: InvalidStatus) -> ClientError:
    status, said = refusal.response.status_code, _message(refusal.response.body)
    if status in (401, 403):
        return KeyRefused(f"{endpoint} refused the key: {said or f'HTTP {status}'}")
    return CannotConnect(f"{endpoint} answered HTTP {status}{said and f': {said}'}")


def _message(body: bytes | bytearray | None) -> str:
    try:
        return str(msgspec.json.decode(body or b"{}", type=dict[str, str | int | None]).get("message") or "")
    except msgspec.DecodeError:
        return ""


def _lost(closed: ConnectionClosed) -> ConnectionLost:
    close = closed.rcvd
    why = f" ({close.code} {close.reason})".replace(" )", ")") if close else ""
    return ConnectionLost(f"the connection to the server was lost{why}")


def _reason(error: Exception) -> str:
    """asyncio words the plain errors of the system in its own way; people know the system's."""
    if isinstance(error, OSError) and error.errno:
        known = isinstance(error, socket.gaierror) or error.errno < 0
        return (error.strerror if known else os.strerror(error.errno)) or str(error)
    return str(error) or type(error).__name__


def _ms_since(moment: float | None) -> int | None:
    return None if moment is None else round((time.monotonic() - moment) * 1000)
