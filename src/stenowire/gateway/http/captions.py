"""The captions page's doors: a key for the page itself, keys for viewers, and the captions as they come.

Input: HTTP requests. Output: sealed keys, and server-sent events of `gateway.captions`.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.errors import StenowireError
from stenowire.gateway.captions import Caption, Dropped, Viewer, checked_name
from stenowire.gateway.http.body import read_query
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.events import EventStream, event
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.refusal import Refusal
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime

PAGE_S = 12 * 3600
"""How long a page key is good: a long working day."""
MOST_VIEW_S = 30 * 86_400
KEEPALIVE_S = 15.0
"""Proxies close a connection on which nothing is said for a minute."""
LONGEST_S = 86_400.0
"""A viewer who stays longer has to ask again, which an overlay does by itself."""


class ViewLifetime(msgspec.Struct, frozen=True):
    expire_in_seconds: Annotated[int, Meta(ge=60, le=MOST_VIEW_S)] = 86_400


class SealedKey(msgspec.Struct, frozen=True):
    key: str
    expires_at: int
    """Seconds since 1970."""


def operations(runtime: Runtime) -> list[Operation]:
    doors = CaptionsDoors(runtime)
    return [
        Operation(
            methods=("POST",),
            path="/api/v1/page-keys",
            endpoint=OpenersDoor(runtime, doors.page_key),
            summary="A key for the captions page, good for 12 hours, for a permanent key or the link's",
            answers={"application/json": (SealedKey,)},
        ),
        Operation(
            methods=("POST",),
            path="/api/v1/captions/{name}/keys",
            endpoint=Door(runtime, doors.view_key),
            summary="A key that can read these captions and do nothing else",
            query=ViewLifetime,
            answers={"application/json": (SealedKey,)},
        ),
        Operation(
            methods=("GET",),
            path="/api/v1/captions/{name}",
            endpoint=ViewersDoor(runtime, doors.watch, scope="captions-read"),
            summary="Live captions, as server-sent events",
            answers={"text/event-stream": (Caption, Dropped)},
        ),
    ]


class OpenersDoor(Door):
    def _let_in(self, visit: Visit) -> None:
        visit.caller = self._runtime.credentials.of_opener(visit.request)


class ViewersDoor(Door):
    def _let_in(self, visit: Visit) -> None:
        visit.caller = self._runtime.credentials.of_viewer(visit.request, visit.request.path_params["name"])


class CaptionsDoors:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def page_key(self, visit: Visit) -> Response:
        return json(SealedKey(*self._runtime.seal.issue("page", visit.caller.tenant.name, PAGE_S)))

    async def view_key(self, visit: Visit) -> Response:
        name = checked_name(visit.request.path_params["name"])
        seconds = read_query(visit, ViewLifetime).expire_in_seconds
        return json(SealedKey(*self._runtime.seal.issue("captions", visit.caller.tenant.name, seconds, name)))

    async def watch(self, visit: Visit) -> Response:
        name = checked_name(visit.request.path_params["name"])
        self._runtime.check(visit.ip)
        viewer = visit.closing.enter_context(self._runtime.captions.watching(visit.caller.tenant.name, name))
        visit.closing.enter_context(_told_of_the_end(self._runtime, viewer))
        visit.watch()
        visit.stay(LONGEST_S)
        send_s = self._runtime.settings.send_deadline_s
        return await EventStream.begin(visit, _until_gone(visit, viewer), _failed, send_s)


@contextlib.contextmanager
def _told_of_the_end(runtime: Runtime, viewer: Viewer) -> Iterator[None]:
    runtime.connections.add(viewer)
    try:
        yield
    finally:
        runtime.connections.discard(viewer)


async def _until_gone(visit: Visit, viewer: Viewer) -> AsyncGenerator[bytes, None]:
    yield b": captions\n\n"
    while True:
        try:
            async with asyncio.timeout(KEEPALIVE_S), visit.limit():
                said = await viewer.next()
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if said is None:
            return
        yield event(msgspec.json.encode(said), f"event: {type(said).__name__.lower()}")


def _failed(error: StenowireError) -> bytes:
    return event(msgspec.json.encode(Refusal(error.code, error.message, "")), "event: error")
