"""A relay between programs and servers, as an ASGI application: programs talk to it as to a server, and broken
connections between it and the servers do not reach them.

In: handshakes and requests. Out: conversations carried on (`relay_tasks`, `relay_sessions`), requests passed on
(`relay_http`). A client's key goes along with what it asks for, to the servers that were named, and into no log.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from stenowire.client.relay_client import GONE, Client
from stenowire.client.relay_haul import Rules
from stenowire.client.relay_http import Passage
from stenowire.client.relay_servers import (
    Asked,
    Refusal,
    Server,
    Unreachable,
    Upstream,
    asked,
    complaint,
    open_any,
    reason,
)
from stenowire.client.relay_session import Family, SessionTalk
from stenowire.client.relay_sessions import Session
from stenowire.client.relay_talk import PlainTalk
from stenowire.client.relay_tasks import Tasks

TASK_PATH = "/api-ws/v1/inference"
SESSION_PATHS: dict[str, Family] = {"/api-ws/v1/realtime": "qwen", "/v1/realtime": "openai"}

log = structlog.get_logger(__name__)


class Relay:
    """`key` is for clients that bring none. `hosts` are names under which browsers may reach the relay then: a page of
    some other site must not come by a key that is not its own."""

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        key: str = "",
        rules: Rules | None = None,
        most_connections: int = 64,
        hosts: frozenset[str] = frozenset(("127.0.0.1", "localhost", "::1")),
    ) -> None:
        self.servers = tuple(servers)
        self.rules = rules or Rules()
        self._key = key
        self._hosts = hosts
        self._most = most_connections
        self._passage = Passage(self.servers)
        self._clients: set[Client] = set()
        self._entering = 0
        self._draining = False

    # ---- life -----------------------------------------------------------------------------------------------------

    async def check(self) -> list[str]:
        """Whom the relay cannot reach now, one line each."""
        return [line for line in [await _unreachable(one, self.rules.open_s) for one in self.servers] if line]

    async def drain(self) -> bool:
        """Take nobody in, have answered what can be answered, and leave. True when that was everything."""
        self._draining = True
        for client in list(self._clients):
            client.wind_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.rules.drain_s):
                while self._clients:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await self._passage.close()
        return not self._clients

    # ---- ASGI -----------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                request = Request(scope, receive, send)
                response = await self._pass_on(request)
                await response(scope, receive, send)
            case "websocket":
                websocket = WebSocket(scope, receive, send)
                await websocket.receive()
                await self._enter(websocket)
            case "lifespan":
                await _live(receive, send)

    async def _pass_on(self, request: Request) -> Response:
        if not self._welcome(request):
            return _answer(403, "AccessDenied", "the relay's own key is not for pages of other sites")
        return await self._passage.pass_on(request, self._asked(request))

    async def _enter(self, websocket: WebSocket) -> None:
        if not self._welcome(websocket):
            return await websocket.send_denial_response(
                _answer(403, "AccessDenied", "the relay's own key is not for pages of other sites")
            )
        if self._draining or len(self._clients) + self._entering >= self._most:
            why = "the relay stops" if self._draining else f"the relay already serves {self._most} connections"
            return await websocket.send_denial_response(_answer(503, "ServiceUnavailable", why))
        self._entering += 1
        try:
            client = await self._invite(websocket)
        finally:
            self._entering -= 1
        if client is not None:
            await self._serve(client)

    async def _invite(self, websocket: WebSocket) -> Client | None:
        """A server is asked first: whether a key is good, it must say before the client is let in."""
        want = self._asked(websocket)
        try:
            link, _ = await open_any(self.servers, want, self.rules.open_s)
        except Refusal as refusal:
            await websocket.send_denial_response(_refused(refusal))
            return None
        except Unreachable as fault:
            log.warning("no server for a new connection", reason=str(fault))
            await websocket.send_denial_response(_answer(503, "ServiceUnavailable", f"the relay: {fault}"))
            return None
        try:
            await websocket.accept(link.subprotocol)
        except GONE:
            link.abort()
            return None
        return self._client(websocket, want, link)

    def _client(self, websocket: WebSocket, want: Asked, link: Upstream) -> Client:
        given = (websocket, self.servers, want, self.rules, link)
        path = websocket.url.path.rstrip("/")
        if path == TASK_PATH:
            return Tasks(*given)
        return Session(*given).hold(self._talk(path, urlsplit(want.path).query))

    def _talk(self, path: str, query: str) -> SessionTalk | PlainTalk:
        family = SESSION_PATHS.get(path)
        model = parse_qs(query).get("model", [""])[0].lower()
        if family is None or ("omni" in model and "asr" not in model):
            why = "this model answers" if family else "this path is not known"
            log.warning("passing a session through without memory", reason=why)
            return PlainTalk("session")
        if "intent=transcription" in query:
            family = "openai"
        return SessionTalk(family, most_s=self.rules.keep_s, resend_speed=self.rules.resend_speed)

    async def _serve(self, client: Client) -> None:
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)

    # ---- who asks for what ----------------------------------------------------------------------------------------

    def _asked(self, connection: HTTPConnection) -> Asked:
        scope = connection.scope
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        target = raw.partition(b"?")[0].decode("latin-1") + ("?" + query.decode("latin-1") if query else "")
        return asked(target, connection.headers.items(), self._origin(connection), self._key)

    def _origin(self, connection: HTTPConnection) -> str | None:
        """Some clients name the address that they call as their origin; to a server that would be a foreign one."""
        origin = connection.headers.get("origin")
        own = origin is not None and urlsplit(origin).netloc == connection.headers.get("host")
        return None if own else origin

    def _welcome(self, connection: HTTPConnection) -> bool:
        origin = connection.headers.get("origin")
        return not self._key or origin is None or urlsplit(origin).hostname in self._hosts


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _unreachable(server: Server, open_s: float) -> str | None:
    """Whether somebody listens there, and with a certificate that is trusted."""
    parts = urlsplit(server.base)
    secure = parts.scheme == "wss"
    try:
        async with asyncio.timeout(open_s):
            _, writer = await asyncio.open_connection(
                parts.hostname,
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
            writer.close()
    except TimeoutError:
        return f"{server.base} does not answer within {open_s:g} s"
    except OSError as error:
        return f"cannot connect to {server.base}: {reason(error)}"
    return None


def _answer(status: int, code: str, message: str) -> Response:
    return Response(complaint(code, message), status, media_type="application/json")


def _refused(refusal: Refusal) -> Response:
    """As the server said it."""
    kept = ("content-type", "retry-after", "www-authenticate", "x-request-id")
    headers = {name: value for name, value in refusal.headers.items() if name in kept}
    return Response(refusal.body, refusal.status, headers)
