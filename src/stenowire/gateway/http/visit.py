"""One HTTP request while it is answered: who asks, how long it may take, and what may end it earlier.

Input: the request; later word that the client has left, or that the server ends. Output: `limit`, inside which whatever
is awaited ends by then, with the error that says why. Knows no door.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from stenowire.errors import InvalidApiKey, ServiceUnavailable
from stenowire.gateway.credentials import Caller
from stenowire.gateway.http.faults import RequestTimeOut
from stenowire.gateway.order import RESTARTING, REVOKED, Order


class Visit:
    caller: Caller
    """Known once the key is found good."""

    def __init__(self, request: Request, seconds: float) -> None:
        self.request = request
        self.ip = request.client.host if request.client else ""
        self.id = str(uuid.uuid4())
        self.closing = AsyncExitStack()
        """What has to be freed once the visit is over, however it ends."""
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._loop.time() + seconds
        self._reason: Exception = RequestTimeOut(f"The request was not answered within {seconds:.0f} seconds.")
        self._timeout: asyncio.Timeout | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def path(self) -> str:
        """Fit for a log: what stands in it for a name may be a secret."""
        path = self.request.url.path
        for name, value in self.request.path_params.items():
            path = path.replace(str(value), f"{{{name}}}")
        return path

    def base_url(self, public_url: str) -> str:
        """How the client reaches this server, without a slash at the end: as the settings say, or as it did."""
        return (public_url or str(self.request.base_url)).rstrip("/")

    def order(self, order: Order) -> None:
        """A stopping server lets a request be answered as long as it can wait."""
        if order is Order.CUT:
            self._end(ServiceUnavailable(RESTARTING))
        elif order is Order.REVOKED:
            self._end(InvalidApiKey(REVOKED))

    def stay(self, seconds: float) -> None:
        """This one is answered for as long as its client likes, or so long."""
        self._ends_at = self._loop.time() + seconds

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Raises RequestTimeOut, ServiceUnavailable or ClientDisconnect. Not to be nested."""
        if self._loop.time() >= self._ends_at:
            raise self._reason
        try:
            async with asyncio.timeout_at(self._ends_at) as self._timeout:
                yield
        except TimeoutError:
            raise self._reason from None
        finally:
            self._timeout = None

    @property
    def unread(self) -> bool:
        """Whether some of the body may still be on its way."""
        headers = self.request.headers
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        return has_body and self._watching is None

    async def drop_body(self, seconds: float) -> None:
        """Take in and forget what still comes, until it ends, the client leaves, or so long."""
        try:
            async with asyncio.timeout(seconds):
                while (await self.request.receive()).get("more_body"):
                    pass
        except TimeoutError:
            return

    def watch(self) -> None:
        """The body has been read: from now on notice when the client leaves. Both come by the same way."""
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self.closing.aclose()

    async def _watch(self) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            pass
        self._end(ClientDisconnect())

    def _end(self, reason: Exception) -> None:
        self._reason = reason
        self._ends_at = self._loop.time()
        if self._timeout is not None:
            self._timeout.reschedule(self._ends_at)
