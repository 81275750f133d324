"""One client's socket, reduced to what a connection needs: frames in, text out, an end.

Input and output: an accepted Starlette WebSocket. It must not know what the frames mean.
"""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from stenowire.gateway.transport import LINK, Link

LOST = (WebSocketDisconnect, WebSocketDisconnected, OSError)


class Gone(Exception):
    """The client has left, or was cut off."""


class Wire:
    def __init__(self, websocket: WebSocket, first: str | None = None) -> None:
        """`first` is a text frame that counts as received before all others."""
        self._websocket = websocket
        self._first = first
        self._link: Link | None = websocket.scope.get("extensions", {}).get(LINK)

    async def receive(self) -> str | bytes:
        """The next frame. Raises Gone."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            message = await self._websocket.receive()
        except LOST:
            raise Gone from None
        if message["type"] == "websocket.disconnect":
            raise Gone
        text: str | None = message.get("text")
        if text is not None:
            return text
        data: bytes = message["bytes"]
        return data

    async def send(self, text: str, deadline_s: float) -> None:
        """Write one text frame. Raises Gone, also when the client does not take it in time, which cuts it off."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._websocket.send_text(text)
        except TimeoutError:
            self.abort()
            raise Gone from None
        except LOST:
            raise Gone from None

    async def close(self, code: int, reason: str, deadline_s: float) -> None:
        """Write the close frame. Raises Gone like `send`."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._websocket.close(code, reason)
        except TimeoutError:
            self.abort()
            raise Gone from None
        except LOST:
            raise Gone from None

    def vanished(self) -> bool:
        """Whether the client has left, as far as can be told without reading."""
        return self._link is not None and self._link.vanished()

    def abort(self) -> None:
        """Close at once, whatever still waits to be written."""
        if self._link is not None:
            self._link.abort()
