"""Where a server's endpoint is and which protocol it speaks, from whatever a person types.

In: `host:port`, a base such as `ws://host:port` or `https://host`, or a whole endpoint with a path. Out: the websocket
URL to connect to. A path is taken as it is, with its query; only a bare base gets the endpoint's own path, and
`https://host/v1`, which is how OpenAI's services are named, that of its realtime transcription.
"""

from typing import Literal
from urllib.parse import SplitResult, urlsplit

Protocol = Literal["task", "openai"]

TASK_PATH = "/api-ws/v1/inference"
OPENAI_BASE, OPENAI_PATH, OPENAI_QUERY = "/v1", "/v1/realtime", "intent=transcription"
WARM_PATH = "/api/v1/assistants"
WEBSOCKET = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class BadUrl(ValueError):
    """The text is no address of a server; the message says why."""


def task_endpoint(url: str) -> str:
    parts = _split(url.strip())
    path = parts.path if parts.path.strip("/") else TASK_PATH
    return parts._replace(scheme=WEBSOCKET[parts.scheme], path=path, fragment="").geturl()


def endpoint(url: str) -> tuple[Protocol, str]:
    """The protocol and the websocket URL. Raises BadUrl."""
    parts = _split(url.strip())
    path = parts.path.rstrip("/")
    if path not in (OPENAI_BASE, OPENAI_PATH):
        return "task", task_endpoint(url)
    query = parts.query or OPENAI_QUERY
    return "openai", parts._replace(scheme=WEBSOCKET[parts.scheme], path=OPENAI_PATH, query=query, fragment="").geturl()


def warm_url(url: str) -> str:
    """The cheapest thing to ask of the same server over HTTP."""
    parts = _split(url.strip())
    scheme = "https" if WEBSOCKET[parts.scheme] == "wss" else "http"
    return parts._replace(scheme=scheme, path=WARM_PATH, query="limit=1", fragment="").geturl()


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"ws://{url}")
        _ = parts.port  # reading it checks it
    except ValueError as error:
        raise BadUrl(f"{url!r} is no URL: {error}") from None
    if parts.scheme not in WEBSOCKET:
        raise BadUrl(f"{url!r} must begin with ws, wss, http or https")
    if not parts.hostname:
        raise BadUrl(f"{url!r} names no host")
    return parts
