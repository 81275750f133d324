"""The web server: uvicorn with our protocol classes, on a socket that we opened, without its own idea of signals.

Input: an ASGI application and settings. Output: a server that its caller ends by `should_exit`.
"""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from stenowire.gateway import tls
from stenowire.gateway.transport import SocketProtocol, WebProtocol
from stenowire.settings import BadSettings, Settings


class Web(uvicorn.Server):
    """uvicorn with our protocols and without its own idea of signals."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        protocol = type("Protocol", (WebProtocol,), {"header_deadline_s": settings.handshake_s})
        cert, key = tls.certificate(settings) or (None, None)
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws=SocketProtocol,
                ws_max_size=settings.max_message_bytes,
                ws_ping_interval=settings.ping_interval_s,
                ws_ping_timeout=settings.ping_timeout_s,
                ws_per_message_deflate=False,
                ssl_certfile=cert,
                ssl_keyfile=key,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )

    @property
    def open_sockets(self) -> bool:
        return any(isinstance(connection, SocketProtocol) for connection in self.server_state.connections)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def listen(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket. Raises BadSettings when the address cannot be had."""
    host, port = settings.address, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadSettings(f"port: cannot listen on {host}:{port}: {reason or error}") from None
    with listener:
        yield listener


def url_of(settings: Settings, listener: socket.socket) -> str:
    """The address for a person to use: a wildcard is reached by the loopback address."""
    host = settings.address
    reach = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{'wss' if settings.secure else 'ws'}://{reach}:{listener.getsockname()[1]}"
