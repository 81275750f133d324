"""The routes of the server.

Input: settings, models, a pool, keys. Output: an ASGI application.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute

from stenowire.errors import StenowireError
from stenowire.gateway import pages
from stenowire.gateway.doors import Doors
from stenowire.gateway.http.doors import routes
from stenowire.gateway.http.refusal import refusal, reply
from stenowire.gateway.http.transcriber import Transcriber
from stenowire.gateway.runtime import Runtime
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing


def build(settings: Settings, hub: Hub, pool: Pool, keys: KeyRing) -> Starlette:
    """The application with everything at hand. The pool is started and stopped by the caller."""
    return application(Runtime(settings, keys).equip(hub, pool))


def application(runtime: Runtime) -> Starlette:
    """The application around a runtime that may still be without models."""
    return Starlette(
        routes=[WebSocketRoute("/{path:path}", Doors(runtime).enter), *routes(runtime), *pages.routes()],
        exception_handlers={StenowireError: _refuse, HTTPException: _fall_through},
        lifespan=lambda _: _background(runtime),
    )


@contextlib.asynccontextmanager
async def _background(runtime: Runtime) -> AsyncIterator[None]:
    """What goes on beside the clients."""
    async with asyncio.TaskGroup() as tasks:
        beside = (runtime.metrics.probe(), Transcriber(runtime).run(), runtime.watch.run(), runtime.streams.run())
        running = [tasks.create_task(work) for work in beside]
        yield
        for task in running:
            task.cancel()
    await runtime.recorder.stop()
    runtime.shelf.close()
    runtime.store.close()


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, StenowireError)
    return refusal(error)


async def _fall_through(request: Request, error: Exception) -> Response:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException)
    code = error.detail.replace(" ", "")
    return reply(error.status_code, code, f"{error.detail}: {request.url.path}", error.headers)
