"""The server's routes, and the door of its WebSockets.

Input: settings, models, a pool, keys. Output: an ASGI application. Who is refused is told so before the upgrade.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from stenowire.dialects.task import TaskDialect
from stenowire.errors import StenowireError
from stenowire.gateway.connection import Connection
from stenowire.gateway.http.refusal import refusal, reply
from stenowire.gateway.http.status import Status
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.wire import Wire
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing, Tenant

log = structlog.get_logger(__name__)


def build(settings: Settings, hub: Hub, pool: Pool, keys: KeyRing) -> Starlette:
    """The application with everything at hand. The pool is started and stopped by the caller."""
    return application(Runtime(settings, keys).equip(hub, pool))


def application(runtime: Runtime) -> Starlette:
    status = Status(runtime)
    doors = Doors(runtime)
    application = Starlette(
        routes=[
            WebSocketRoute("/api-ws/v1/inference", doors.task),
            WebSocketRoute("/api-ws/v1/inference/", doors.task),
            WebSocketRoute("/{path:path}", doors.nowhere),
            Route("/", status.index),
            Route("/health", status.health),
            Route("/ready", status.ready),
            Route("/version", status.version),
            Route("/metrics", status.metrics),
            Route("/v1/models", status.models),
        ],
        exception_handlers={StenowireError: _refuse, HTTPException: _fall_through},
        lifespan=lambda _: _probing(runtime),
    )
    application.state.runtime = runtime
    return application


@contextlib.asynccontextmanager
async def _probing(runtime: Runtime) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        probe = tasks.create_task(runtime.metrics.probe())
        yield
        probe.cancel()


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, StenowireError)
    return refusal(error)


async def _fall_through(request: Request, error: Exception) -> Response:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException)
    return reply(error.status_code, "".join(error.detail.split()), f"{error.detail}: {request.url.path}", error.headers)


class Doors:
    """One method per WebSocket endpoint."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def task(self, websocket: WebSocket) -> None:
        settings = self._runtime.settings
        ip = websocket.client.host if websocket.client else ""
        try:
            tenant = self._tenant(websocket)
            self._runtime.admission.check(ip)
            _ = self._runtime.hub
        except StenowireError as error:
            self._runtime.metrics.refused.labels(error.code).inc()
            log.info("handshake refused", code=error.code, ip=ip)
            return await websocket.send_denial_response(refusal(error))
        name = uuid.uuid4().hex
        dialect = TaskDialect(
            time.monotonic(),
            max_tasks=settings.max_tasks_per_connection,
            max_text_chars=settings.max_text_bytes,
            idle_s=settings.idle_s,
        )
        connection = Connection(Wire(websocket), dialect, self._runtime, name)
        with self._runtime.joined(connection, ip):
            await websocket.accept()
            log.info("connection opened", connection=name, tenant=tenant.name, ip=ip)
            await connection.run()
        log.info("connection closed", connection=name)

    async def nowhere(self, websocket: WebSocket) -> None:
        await websocket.send_denial_response(reply(404, "NotFound", f"Not Found: {websocket.url.path}"))

    def _tenant(self, request: HTTPConnection) -> Tenant:
        """By header; browsers, which cannot set one, may put the key into the query."""
        header = request.headers.get("authorization")
        if header is not None:
            return self._runtime.keys.check(header)
        query = request.query_params
        return self._runtime.keys.check_key(query.get("api_key") or query.get("token") or "")
