"""One HTTP endpoint: lets in who has a key, has the request answered, and tells an error in the shape of its protocol.

Input: ASGI. Output: the answer of the function behind the door, always with a request id. Whoever is inside counts as a
connection, and is told when the server stops.
"""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from stenowire.errors import InternalError, StenowireError
from stenowire.gateway.http.refusal import refusal
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.store import accounts

log = structlog.get_logger(__name__)

LINGER_S = 2.0
"""How long a client may go on sending a body that nobody reads."""

Answer = Callable[[Visit], Awaitable[Response]]
Refuse = Callable[[StenowireError, str], Response]


class Door:
    def __init__(
        self, runtime: Runtime, answer: Answer, refuse: Refuse = refusal, scope: accounts.Scope = "recognise"
    ) -> None:
        """`scope` is what a key must be good for."""
        self._runtime = runtime
        self._answer = answer
        self._refuse = refuse
        self._scope = scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        visit = Visit(request, self._runtime.settings.request_s)
        with self._runtime.joined(visit, visit.ip):
            try:
                response = await self._respond(visit)
                response.headers["x-request-id"] = visit.id
                if visit.unread and response.status_code >= 400:
                    await _send_early(response, visit, send)
                    return
                if visit.unread:
                    await visit.drop_body(LINGER_S)
                await response(scope, receive, send)
            except ClientDisconnect:
                log.info("client left", request=visit.id, path=visit.path)
            finally:
                await visit.close()

    def _let_in(self, visit: Visit) -> None:
        visit.caller = self._runtime.credentials.of_request(visit.request)

    async def _admit(self, visit: Visit) -> None:
        await self._runtime.watch.known(lambda: self._let_in(visit))
        visit.caller.must(self._scope)
        self._runtime.admit(visit, visit.caller)

    async def _respond(self, visit: Visit) -> Response:
        try:
            await self._admit(visit)
            return await self._answer(visit)
        except StenowireError as error:
            log.info("request refused", request=visit.id, path=visit.path, code=error.code, status=error.http_status)
            return self._refuse(error, visit.id)
        except ClientDisconnect:
            raise
        except Exception as error:
            log.error("request failed", request=visit.id, path=visit.path, exc_info=error)
            return self._refuse(InternalError("Internal server error."), visit.id)


class KeylessDoor(Door):
    """For addresses that are secrets themselves. The visit has no caller."""

    async def _admit(self, visit: Visit) -> None:
        pass


async def _send_early(response: Response, visit: Visit, send: Send) -> None:
    """Refuse a client that is still sending, and close. It reads the answer only if the connection is not reset, which
    its system does when something is closed that has not been read."""
    response.headers["connection"] = "close"
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await visit.drop_body(LINGER_S)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
