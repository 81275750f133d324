"""The servers behind a relay: which there are, and one connection to one of them on a client's behalf.

In: what `--to` names, a client's path, query and headers. Out: a socket, or why there is none. What a client sends goes
to these servers and nowhere else: no redirect is followed.
"""

import ipaddress
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from stenowire.client.urls import WEBSOCKET, BadUrl

MAX_FRAME_BYTES = 32 << 20
"""As much as the session protocols allow for one piece of audio, in base64, and some more."""
QUEUED_FRAMES = 1024
"""Of a server, while a client reads slowly; the server's pong must not wait behind them."""
ENDPOINTS = ("/api-ws/v1/inference", "/api-ws/v1/realtime", "/v1/realtime", "/api/v1", "/v1")
"""Ends of addresses that people copy from their programs; a relay leads to the whole server."""
OWN_HEADERS = frozenset(
    (
        *("host", "connection", "upgrade", "origin", "user-agent", "content-length", "transfer-encoding", "te"),
        *("keep-alive", "trailer", "expect", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"),
    )
)
"""Of one connection, not of what is said on it."""
KEY_IN_QUERY = ("api_key=", "token=")
KEY_SUBPROTOCOL = "openai-insecure-api-key."


class Unreachable(Exception):
    """No connection to a server; the next one may succeed. One line."""


class Refusal(Exception):
    """A server answered the handshake with something else than a WebSocket."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"the server answered HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def temporary(self) -> bool:
        return self.status in (408, 425, 429) or self.status >= 500


class Lost(Exception):
    """A connection to a server has ended. `code` is 1006 where nobody said goodbye."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class Server(msgspec.Struct, frozen=True):
    """`base` is where paths are added, with the schemes of WebSocket; it holds no key."""

    base: str

    @property
    def http(self) -> str:
        return self.base.replace("ws", "http", 1)

    @property
    def loopback(self) -> bool:
        host = urlsplit(self.base).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def server(url: str) -> Server:
    """From a base or a whole endpoint. Raises BadUrl."""
    try:
        parts = urlsplit(url.strip() if "://" in url else f"ws://{url.strip()}")
        _ = parts.port  # reading it checks it
    except ValueError as error:
        raise BadUrl(f"{url!r} is no URL: {error}") from None
    if parts.scheme not in WEBSOCKET:
        raise BadUrl(f"{url!r} must begin with ws, wss, http or https")
    if not parts.hostname:
        raise BadUrl(f"{url!r} names no host")
    if parts.username or parts.password:
        raise BadUrl("a key belongs into --api-key or the environment, not into the address")
    path = parts.path.rstrip("/")
    ending = next((one for one in ENDPOINTS if path.endswith(one)), "")
    return Server(f"{WEBSOCKET[parts.scheme]}://{parts.netloc}{path.removesuffix(ending)}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a client's handshake or request asks for, less what belongs to its own connection."""

    path: str
    """As it came, with the query."""
    headers: tuple[tuple[str, str], ...]
    subprotocols: tuple[str, ...] = ()
    origin: str | None = None
    user_agent: str | None = None


def asked(target: str, headers: Iterable[tuple[str, str]], origin: str | None, key: str) -> Asked:
    """`key` is added where the client has none of its own. Header names are in lower case."""
    given = list(headers)
    named = dict(given)
    offered = tuple(one.strip() for one in named.get("sec-websocket-protocol", "").split(",") if one.strip())
    in_query = any(one in target.partition("?")[2] for one in KEY_IN_QUERY)
    has_key = "authorization" in named or in_query or any(one.startswith(KEY_SUBPROTOCOL) for one in offered)
    nominated = {one.strip().lower() for one in named.get("connection", "").split(",")}
    passed = [(name, value) for name, value in given if name not in OWN_HEADERS | nominated]
    if key and not has_key:
        passed.append(("authorization", f"Bearer {key}"))
    return Asked(
        path=target, headers=tuple(passed), subprotocols=offered, origin=origin, user_agent=named.get("user-agent")
    )


class _Connect(websockets.asyncio.client.connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Upstream:
    """An open connection to a server."""

    def __init__(self, socket: websockets.asyncio.client.ClientConnection, server: Server) -> None:
        self._socket = socket
        self.server = server

    @classmethod
    async def open(cls, server: Server, asked: Asked, open_s: float) -> "Upstream":
        """Raises Unreachable, Refusal."""
        try:
            socket = await _Connect(
                server.base + asked.path,
                origin=asked.origin,  # type: ignore[arg-type]
                subprotocols=[Subprotocol(one) for one in asked.subprotocols] or None,
                additional_headers=list(asked.headers),
                user_agent_header=asked.user_agent,
                compression=None,
                open_timeout=open_s,
                ping_interval=10.0,
                ping_timeout=10.0,
                close_timeout=2.0,
                max_size=MAX_FRAME_BYTES,
                max_queue=QUEUED_FRAMES,
                proxy=None if server.loopback else True,
            )
        except InvalidStatus as refused:
            answer = refused.response
            headers = {name.lower(): value for name, value in answer.headers.raw_items()}
            raise Refusal(answer.status_code, headers, bytes(answer.body or b"")) from None
        except TimeoutError:
            raise Unreachable(f"{server.base} does not answer within {open_s:g} s") from None
        except (OSError, InvalidHandshake) as error:
            raise Unreachable(f"cannot connect to {server.base}: {reason(error)}") from None
        return cls(socket, server)

    @property
    def subprotocol(self) -> str | None:
        return self._socket.subprotocol

    @property
    def usable(self) -> bool:
        return self._socket.state is websockets.State.OPEN

    async def send(self, frame: str | bytes) -> None:
        """Waits while the server takes no more. Raises Lost."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def receive(self) -> str | bytes:
        """Raises Lost."""
        try:
            return await self._socket.recv()
        except ConnectionClosed as closed:
            raise _lost(closed) from None

    async def frames(self) -> AsyncIterator[str | bytes]:
        while True:
            yield await self.receive()

    async def close(self) -> None:
        await self._socket.close()

    def abort(self) -> None:
        self._socket.transport.abort()


async def open_any(servers: Sequence[Server], asked: Asked, open_s: float, first: int = 0) -> tuple[Upstream, int]:
    """The first server that can be reached, from `first` on, and its index. Raises Unreachable, Refusal."""
    fault: Unreachable | Refusal | None = None
    for step in range(len(servers)):
        index = (first + step) % len(servers)
        try:
            return await Upstream.open(servers[index], asked, open_s), index
        except Refusal as refusal:
            if not refusal.temporary:
                raise
            fault = refusal
        except Unreachable as unreachable:
            fault = unreachable
    assert fault is not None
    raise fault


def reason(error: BaseException) -> str:
    """What a person needs to know, certificates included."""
    certificate = getattr(error, "verify_message", None)
    if certificate:
        return f"its certificate is not trusted: {certificate}"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def complaint(code: str, message: str) -> bytes:
    """The body of an HTTP answer that the relay gives itself, in the vendor's shape."""
    return json.dumps({"code": code, "message": message}).encode()


def _lost(closed: ConnectionClosed) -> Lost:
    close = closed.rcvd
    return Lost(close.code, close.reason) if close else Lost(1006, "the connection to the server broke")
