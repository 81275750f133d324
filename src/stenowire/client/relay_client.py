"""A client of the relay: its socket, and the conversations that it holds over it.

In: an accepted WebSocket and what leads to servers. Out: nothing, once the client has left or was left. Pings are
answered by the web server below; what frames mean is the talks' affair.
"""

import asyncio
import contextlib

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from stenowire.client.relay_haul import Haul, Rules
from stenowire.client.relay_servers import Asked, Server, Upstream
from stenowire.client.relay_talk import Frame, Talk

GONE = (WebSocketDisconnect, WebSocketDisconnected, OSError)
log = structlog.get_logger(__name__)


class Gone(Exception):
    """The client has left, or takes no answers any more."""


class Client:
    """What all kinds have in common."""

    def __init__(
        self, websocket: WebSocket, servers: tuple[Server, ...], asked: Asked, rules: Rules, link: Upstream
    ) -> None:
        self._websocket = websocket
        self._servers = servers
        self._asked = asked
        self._rules = rules
        self._link: Upstream | None = link
        """Open and at rest."""
        self._hauls: set[Haul] = set()
        self._winding_up = False

    async def serve(self) -> None:
        raise NotImplementedError

    def wind_up(self) -> None:
        """Have answered what can be answered, then leave."""
        self._winding_up = True
        for haul in self._hauls:
            haul.wind_up()

    def _haul(self, talk: Talk) -> Haul:
        haul = Haul(talk, self._servers, self._asked, self._rules, self._tell)
        self._hauls.add(haul)
        if self._winding_up:
            haul.wind_up()
        return haul

    async def _receive(self) -> Frame:
        try:
            message = await self._websocket.receive()
        except GONE:
            raise Gone from None
        if message["type"] == "websocket.disconnect":
            raise Gone
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def _tell(self, frame: Frame) -> None:
        try:
            async with asyncio.timeout(self._rules.tell_s):
                if isinstance(frame, str):
                    await self._websocket.send_text(frame)
                else:
                    await self._websocket.send_bytes(frame)
        except (*GONE, TimeoutError):
            raise Gone from None

    async def _leave(self, code: int, reason: str) -> None:
        # What is no code to be sent stays with whom it was told.
        code = code if (code in range(1000, 1015) and code not in (1004, 1005, 1006)) or code >= 3000 else 1011
        with contextlib.suppress(*GONE, TimeoutError):
            async with asyncio.timeout(self._rules.tell_s):
                await self._websocket.close(code, reason[:100])
        log.info("client left", code=code)
