"""One connection to a server, with one recognition on it, until it breaks.

In: an endpoint, a key, the silent client half of its protocol. Out: updates, or the error that says how it ended. A
connection on which nothing at all comes back is given up by time: the other end may be gone without a word.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import time
from collections.abc import AsyncIterator
from typing import Protocol, Self
from urllib.parse import urlsplit

import msgspec
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from stenowire import __version__
from stenowire.client.errors import CannotConnect, ClientError, ConnectionLost, KeyRefused, SessionTaken, TaskFailed
from stenowire.dialects.task_client import Point
from stenowire.errors import Superseded
from stenowire.events import Failed, Finished, Opened, Update

MAX_FRAME_BYTES = 4 << 20
"""A server's result is a few kB; this bounds what a strange server can make us hold."""
CLOSE_S = 2.0
"""How long a goodbye may take."""


class Talk(Protocol):
    """The client half of a protocol, for one recognition on one connection."""

    over: bool

    @property
    def request_id(self) -> str: ...

    @property
    def point(self) -> Point | None: ...

    @property
    def begun_ms(self) -> int | None: ...

    def hello(self) -> list[str]: ...

    def audio(self, data: bytes) -> str | bytes: ...

    def goodbye(self) -> list[str]:
        """The frames that say: all audio has been sent."""

    def receive(self, frame: str | bytes) -> list[Update]: ...


class Patience(msgspec.Struct, frozen=True):
    """In seconds."""

    open_s: float = 10.0
    ping_every_s: float = 10.0
    answer_s: float = 10.0
    """Without anything from the server for this long after a ping was due, the connection counts as lost."""


class _Connect(websockets.asyncio.client.connect):
    """A key goes to the address that it was given for, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Link:
    def __init__(self, socket: websockets.asyncio.client.ClientConnection, talk: Talk, patience: Patience) -> None:
        self.talk = talk
        self._socket = socket
        self._patience = patience
        self._heard_at = time.monotonic()
        self._silent = False
        self._watching = asyncio.create_task(self._watch())

    @classmethod
    async def open(cls, endpoint: str, key: str, talk: Talk, patience: Patience) -> Self:
        """Connect and begin. Raises CannotConnect, KeyRefused, TaskFailed, ConnectionLost."""
        link: Self | None = None
        try:
            async with asyncio.timeout(patience.open_s):
                link = cls(await _connection(endpoint, key), talk, patience)
                await link._begin()
                return link
        except BaseException as error:
            if link is not None:
                link.abort()
            raise _explained(error, endpoint, patience) from None

    async def send(self, frame: str | bytes) -> None:
        """Waits while the server takes no more. Raises ConnectionLost."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            raise self._lost(closed) from None

    async def updates(self) -> AsyncIterator[list[Update]]:
        """What each frame of the server says, until its last word. Raises TaskFailed, ConnectionLost."""
        while not self.talk.over:
            said = await self._receive()
            for update in said:
                if isinstance(update, Failed):
                    raise _failed(update, self.talk)
            yield said
            if any(isinstance(update, Finished) for update in said):
                return

    async def close(self) -> None:
        """Say goodbye, for as long as it takes and at most a moment."""
        self._watching.cancel()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close()
        self.abort()

    def abort(self) -> None:
        self._watching.cancel()
        self._socket.transport.abort()

    async def _begin(self) -> None:
        for frame in self.talk.hello():
            await self.send(frame)
        while True:
            for update in await self._receive():
                match update:
                    case Opened():
                        return
                    case Failed():
                        raise _failed(update, self.talk)

    async def _receive(self) -> list[Update]:
        try:
            frame = await self._socket.recv()
        except ConnectionClosed as closed:
            raise self._lost(closed) from None
        self._heard_at = time.monotonic()
        return self.talk.receive(frame)

    async def _watch(self) -> None:
        """Ping, and give a silent peer up. Any frame counts as an answer: a pong may lie behind many results."""
        patience = self._patience
        while True:
            await asyncio.sleep(patience.ping_every_s)
            if time.monotonic() - self._heard_at > patience.ping_every_s + patience.answer_s:
                self._silent = True
                return self._socket.transport.abort()
            with contextlib.suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(patience.answer_s):
                    pong = asyncio.ensure_future(await self._socket.ping())
                    pong.add_done_callback(self._answered)

    def _answered(self, pong: "asyncio.Future[float]") -> None:
        if not pong.cancelled() and pong.exception() is None:
            self._heard_at = time.monotonic()

    def _lost(self, closed: ConnectionClosed) -> ClientError:
        if self._silent:
            return ConnectionLost("the connection to the server was lost: it answered no more")
        close = closed.rcvd
        if close and close.code == Superseded.close_code:
            return SessionTaken(close.reason or "another connection has taken this session over")
        why = f" ({close.code} {close.reason})".replace(" )", ")") if close else ""
        return ConnectionLost(f"the connection to the server was lost{why}")


async def _connection(endpoint: str, key: str) -> websockets.asyncio.client.ClientConnection:
    return await _Connect(
        endpoint,
        additional_headers={"Authorization": f"Bearer {key}"} if key else {},
        user_agent_header=f"stenowire/{__version__}",
        compression=None,
        max_size=MAX_FRAME_BYTES,
        ping_interval=None,
        close_timeout=CLOSE_S,
        proxy=None if _is_loopback(urlsplit(endpoint).hostname or "") else True,
    )


def _is_loopback(host: str) -> bool:
    """A proxy set for the outside world has no business with a server on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failed(failure: Failed, talk: Talk) -> ClientError:
    if isinstance(failure.error, Superseded):
        return SessionTaken(failure.error.message)
    return TaskFailed(failure.error, talk.request_id)


def _explained(error: BaseException, endpoint: str, patience: Patience) -> BaseException:
    match error:
        case TimeoutError():
            return CannotConnect(f"{endpoint} does not answer within {patience.open_s:g} s")
        case InvalidStatus():
            return _refused(endpoint, error)
        case OSError() | InvalidHandshake():
            return CannotConnect(f"cannot connect to {endpoint}: {_reason(error)}")
        case _:
            return error


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


def _reason(error: Exception) -> str:
    """asyncio words the plain errors of the system in its own way; people know the system's."""
    if isinstance(error, OSError) and error.errno:
        known = isinstance(error, socket.gaierror) or error.errno < 0
        return (error.strerror if known else os.strerror(error.errno)) or str(error)
    return str(error) or type(error).__name__
