"""HTTP requests of a relay's clients, passed on as they are: warm-up, vocabularies, tokens, uploads, whole files.

In: a request. Out: the answer of the first server that can be reached. Bodies flow through in both directions; nothing
is kept, and nothing is sent twice.
"""

import ssl
from collections.abc import AsyncIterator

import httpx
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from stenowire.client.relay_servers import Asked, Server, complaint, reason

CONNECT_S, ANSWER_S = 10.0, 600.0
"""A long recording may take minutes until its answer begins."""
MOST = 100
"""Requests at once."""
HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authenticate"))

log = structlog.get_logger(__name__)


class Passage:
    def __init__(self, servers: tuple[Server, ...]) -> None:
        timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        limits = httpx.Limits(max_connections=MOST)
        # The system's certificates, as for WebSockets.
        trusted = ssl.create_default_context()
        # A proxy set for the outside world has no business with a server on this machine.
        self._clients = [
            (one, httpx.AsyncClient(timeout=timeout, limits=limits, verify=trusted, trust_env=not one.loopback))
            for one in servers
        ]

    async def pass_on(self, request: Request, asked: Asked) -> Response:
        fault = ""
        for server, client in self._clients:
            try:
                return await _answer(client, server, request, asked)
            except httpx.ConnectError as error:
                fault = f"cannot connect to {server.http}: {reason(error)}"
            except httpx.ConnectTimeout:
                fault = f"{server.http} does not answer within {CONNECT_S:g} s"
            except (httpx.HTTPError, ClientDisconnect) as error:
                fault = f"{server.http}: {type(error).__name__}"
                break
        log.warning("request not passed on", reason=fault)
        return Response(complaint("ServiceUnavailable", f"the relay: {fault}"), 502, media_type="application/json")

    async def close(self) -> None:
        for _, client in self._clients:
            await client.aclose()


async def _answer(client: httpx.AsyncClient, server: Server, request: Request, asked: Asked) -> Response:
    headers = [*asked.headers]
    if asked.origin:
        headers.append(("origin", asked.origin))
    if asked.user_agent:
        headers.append(("user-agent", asked.user_agent))
    length = request.headers.get("content-length")
    has_body = length is not None or "transfer-encoding" in request.headers
    if length is not None:
        headers.append(("content-length", length))
    # Not made by the client object, which would add headers of its own, and cookies that another program was given.
    passed = httpx.Request(
        request.method,
        server.http + asked.path,
        headers=headers,
        content=request.stream() if has_body else None,
        extensions={"timeout": client.timeout.as_dict()},
    )
    client.cookies.clear()
    answer = await client.send(passed, stream=True, follow_redirects=False)
    told = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in HOP]
    response = StreamingResponse(_body(answer), answer.status_code)
    response.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told]
    return response


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
