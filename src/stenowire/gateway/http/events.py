"""Server-sent events: an answer that is told piece by piece.

In: chunks of bytes, each one event. Out: a response. What fails before the first chunk is an ordinary error; later it
can only be told as an event. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Self

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from stenowire.errors import InternalError, StenowireError
from stenowire.gateway.http.visit import Visit

log = structlog.get_logger(__name__)

Chunks = AsyncGenerator[bytes, None]


def event(data: bytes, *fields: str) -> bytes:
    """One event; `fields` are lines that stand before its data, which has no line break."""
    return b"".join([*(f"{field}\n".encode() for field in fields), b"data: ", data, b"\n\n"])


class EventStream(Response):
    """Made by `begin`."""

    def __init__(self, chunks: Chunks, first: bytes, failure: Callable[[StenowireError], bytes], send_s: float) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(None, headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self._chunks = chunks
        self._first = first
        self._failure = failure
        self._send_s = send_s

    @classmethod
    async def begin(
        cls, visit: Visit, chunks: Chunks, failure: Callable[[StenowireError], bytes], send_s: float
    ) -> Self:
        """Wait for the first chunk, so that what fails until then is still told by status.

        `send_s`: how long the client may take to accept one chunk.
        """
        visit.closing.push_async_callback(chunks.aclose)
        return cls(chunks, await anext(chunks), failure, send_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(body: bytes, more: bool = True) -> None:
            async with asyncio.timeout(self._send_s):
                await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            await write(self._first)
            async for chunk in self._chunks:
                await write(chunk)
        except (ClientDisconnect, TimeoutError):
            raise ClientDisconnect from None
        except StenowireError as error:
            await write(self._failure(error))
        except Exception as error:
            log.error("stream failed", exc_info=error)
            await write(self._failure(InternalError("Internal server error.")))
        await write(b"", more=False)
