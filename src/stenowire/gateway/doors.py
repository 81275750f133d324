"""The WebSocket endpoints: who comes in, and which dialect is spoken behind which door.

Input: handshakes. Output: served connections, or a refusal in place of the upgrade.
"""

import contextlib
import time
import uuid

import structlog
from starlette.websockets import WebSocket

from stenowire.dialects.base import Dialect
from stenowire.dialects.select import Door, choose
from stenowire.errors import StenowireError
from stenowire.gateway.captions import checked_name
from stenowire.gateway.connection import Connection
from stenowire.gateway.credentials import answered
from stenowire.gateway.http.refusal import refusal, reply
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.wire import Wire

log = structlog.get_logger(__name__)

DEFAULT_MODEL = "gpt-4o-transcribe"
"""What recognises where a client of OpenAI's protocol names no model."""

SESSIONS = "/realtime"
"""How the paths end on which a temporary key's update has a meaning."""


class Doors:
    """Which dialect is spoken is the choice of `dialects.select`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def enter(self, websocket: WebSocket) -> None:
        settings = self._runtime.settings
        door = Door(
            now=time.monotonic(),
            unix_s=int(time.time()),
            default_model=DEFAULT_MODEL,
            idle_s=settings.idle_s,
            max_tasks=settings.max_tasks_per_connection,
            max_task_chars=settings.max_text_bytes,
            max_session_chars=settings.max_message_bytes,
        )
        dialect = choose(websocket.url.path, websocket.query_params, dict(websocket.headers), door)
        if dialect is None:
            return await self.nowhere(websocket)
        await self._serve(websocket, dialect)

    async def nowhere(self, websocket: WebSocket) -> None:
        await websocket.send_denial_response(reply(404, "NotFound", f"Not Found: {websocket.url.path}"))

    async def _serve(self, websocket: WebSocket, dialect: Dialect) -> None:
        runtime = self._runtime
        ip = websocket.client.host if websocket.client else ""
        try:
            caller = await runtime.watch.known(lambda: runtime.credentials.of_handshake(websocket))
            caller.must("recognise")
            runtime.check(ip)
            channel = _channel(websocket)
        except StenowireError as error:
            runtime.metrics.refused.labels(error.code).inc()
            log.info("handshake refused", code=error.code, ip=ip)
            return await websocket.send_denial_response(refusal(error))
        name = uuid.uuid4().hex
        first = caller.update if websocket.url.path.rstrip("/").endswith(SESSIONS) else None
        with contextlib.ExitStack() as held:
            publish = held.enter_context(runtime.captions.publishing(caller.tenant.name, channel)) if channel else None
            connection = Connection(Wire(websocket, first), dialect, runtime, name, publish)
            held.enter_context(runtime.joined(connection, ip))
            runtime.admit(connection, caller)
            await websocket.accept(answered(websocket))
            log.info("connection opened", connection=name, tenant=caller.tenant.name, ip=ip)
            await connection.run()
        log.info("connection closed", connection=name)


def _channel(websocket: WebSocket) -> str | None:
    """The name under which others may read along, which a client asks for by `?captions=`. Raises InvalidParameter."""
    name = websocket.query_params.get("captions")
    return None if name is None else checked_name(name)
