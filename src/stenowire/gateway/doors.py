"""The WebSocket endpoints: who comes in, and which dialect is spoken behind which door.

Input: handshakes. Output: served connections, or a refusal in place of the upgrade.
"""

import time
import uuid

import structlog
from starlette.websockets import WebSocket

from stenowire.dialects.base import Dialect
from stenowire.dialects.task import TaskDialect
from stenowire.errors import StenowireError
from stenowire.gateway.connection import Connection
from stenowire.gateway.credentials import answered
from stenowire.gateway.http.refusal import refusal, reply
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.wire import Wire

log = structlog.get_logger(__name__)


class Doors:
    """One method per endpoint."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def task(self, websocket: WebSocket) -> None:
        settings = self._runtime.settings
        dialect = TaskDialect(
            time.monotonic(),
            max_tasks=settings.max_tasks_per_connection,
            max_text_chars=settings.max_text_bytes,
            idle_s=settings.idle_s,
        )
        await self._serve(websocket, dialect)

    async def nowhere(self, websocket: WebSocket) -> None:
        await websocket.send_denial_response(reply(404, "NotFound", f"Not Found: {websocket.url.path}"))

    async def _serve(self, websocket: WebSocket, dialect: Dialect) -> None:
        runtime = self._runtime
        ip = websocket.client.host if websocket.client else ""
        try:
            caller = runtime.credentials.of_handshake(websocket)
            runtime.check(ip)
        except StenowireError as error:
            runtime.metrics.refused.labels(error.code).inc()
            log.info("handshake refused", code=error.code, ip=ip)
            return await websocket.send_denial_response(refusal(error))
        name = uuid.uuid4().hex
        connection = Connection(Wire(websocket), dialect, runtime, name)
        with runtime.joined(connection, ip):
            await websocket.accept(answered(websocket))
            log.info("connection opened", connection=name, tenant=caller.tenant.name, ip=ip)
            await connection.run()
        log.info("connection closed", connection=name)
