"""The two protocol classes of uvicorn, with what a public server needs besides.

* A request header that is not whole in time closes its connection (a slow client would hold it for ever).
* A flood of tiny frames reaches the parser in slices, so that parsing never holds the event loop for long.
* While reading is paused, a peer that vanished can still be noticed, and a late pong is not held against it.
* A message over the limit is answered with 1009 in a way that the client can still read it.

Input: bytes of a socket. Output: uvicorn's ASGI events, and a `Link` in the scope for what ASGI cannot say.
"""

import asyncio
import select
from asyncio import BaseTransport, TimerHandle
from collections import deque
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

LINK = "stenowire.link"
"""Where a WebSocket scope's extensions hold the `Link`."""

SLICE_BYTES = 4096
"""Parsed in one go: at most some 700 frames of one byte, about 5 ms."""
LINGER_S = 1.0
"""How long a failed connection takes in and drops what the client still sends, so that its system does not reset the
connection before the client has read our last words."""
QUIET_S = 0.2
"""It ends earlier once the client has sent nothing for this long."""
READ_HANG_UP = getattr(select, "POLLRDHUP", 0)


class Link:
    """What one connection's transport can do beyond ASGI."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def vanished(self) -> bool:
        """Whether the peer has closed or reset the connection. Works while nobody reads; asks the system, 2 µs."""
        if self._transport.is_closing():
            return True
        handle = self._socket.fileno() if self._socket is not None else -1
        if handle < 0 or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(handle, READ_HANG_UP)
        return bool(poll.poll(0))

    def abort(self) -> None:
        """Close at once, whatever still waits to be written."""
        self._transport.abort()


class WebProtocol(HttpToolsProtocol):
    """HTTP, and the way to a WebSocket, with a deadline for the header."""

    header_deadline_s = 5.0
    _deadline: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._arm()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._disarm()
        super().on_headers_complete()

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.header_deadline_s, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self.transport.abort()


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that hands over one slice at a time and judges pings fairly."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._unparsed: deque[memoryview] = deque()
        self._heard_at = self.loop.time()
        self._failed_at: float | None = None

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[LINK] = Link(self.transport)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        if self._failed_at is not None:
            self._end_in(min(QUIET_S, max(0.0, self._failed_at + LINGER_S - self._heard_at)))
            return
        view = memoryview(data)
        self._unparsed.extend(view[at : at + SLICE_BYTES] for at in range(0, len(view), SLICE_BYTES))
        self._parse()

    def _parse(self) -> None:
        """Parse until a message is complete: uvicorn then pauses reading until the application has taken it."""
        while self._unparsed and not self.read_paused and self._failed_at is None and not self.disconnected:
            super().data_received(bytes(self._unparsed.popleft()))
        if self._unparsed and self._failed_at is None and not self.disconnected:
            self.transport.pause_reading()
        elif not self.read_paused and not self.disconnected:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._parse()
        return message

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # Refused in place of an upgrade: nothing is missing, which uvicorn would log as an error.
            self.handshake_complete = True
        if message["type"] == "websocket.close" and self.close_timer is not None:
            # The closing handshake goes on: what is not read yet must be, and a peer that never answers is cut off.
            self._end_in(self.close_timeout)
            self._parse()

    def _end_in(self, seconds: float) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """A peer whose pong may lie in what is not read yet is alive: ask again later."""
        assert self.ping_timeout is not None
        if self.read_paused or self._unparsed or self.loop.time() - self._heard_at < self.ping_timeout:
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        self._end_in(LINGER_S)

    def handle_parser_exception(self) -> None:
        """Say why, then drop what still comes until the client is quiet or gone, or for a second."""
        self._failed_at = self.loop.time()
        self._unparsed.clear()
        closing = self.conn.close_sent
        code, reason = (closing.code, closing.reason) if closing else (1002, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()
        self._end_in(QUIET_S)
