"""Where a server's task endpoint is, from whatever a person types.

In: `host:port`, a base such as `ws://host:port` or `https://host`, or a whole endpoint with a path. Out: the websocket
URL to connect to. A path is taken as it is, with its query; only a bare base gets the endpoint's own path.
"""

from urllib.parse import SplitResult, urlsplit

TASK_PATH = "/api-ws/v1/inference"
WEBSOCKET = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class BadUrl(ValueError):
    """The text is no address of a server; the message says why."""


def task_endpoint(url: str) -> str:
    parts = _split(url.strip())
    path = parts.path if parts.path.strip("/") else TASK_PATH
    return parts._replace(scheme=WEBSOCKET[parts.scheme], path=path, fragment="").geturl()


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
