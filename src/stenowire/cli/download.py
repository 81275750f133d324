"""Fetches a recording that a person named by its address.

In: an http or https URL. Out: a file that is whole, or `Unreadable`. No key goes along; nothing but http and https is
spoken, also after a redirect.
"""

import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import IO

from stenowire import __version__
from stenowire.client.recording import Unreadable

MOST_BYTES = 4 << 30
SILENT_S = 30.0
PIECE_BYTES = 64 << 10
HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
)


def download(url: str, name: str, file: IO[bytes], stop: threading.Event) -> None:
    """Blocks; `stop` ends it early. Raises Unreadable, which names the recording and not its address."""
    opener = urllib.request.OpenerDirector()
    for handler in HANDLERS:
        opener.add_handler(handler())
    request = urllib.request.Request(url, headers={"User-Agent": f"stenowire/{__version__}"})
    try:
        with opener.open(request, timeout=SILENT_S) as answer:
            promised = answer.headers.get("Content-Length")
            got = 0
            while not stop.is_set() and (piece := answer.read(PIECE_BYTES)):
                file.write(piece)
                got += len(piece)
                if got > MOST_BYTES:
                    raise Unreadable(f"{name} is longer than {MOST_BYTES >> 30} GiB")
            if not stop.is_set() and promised is not None and got != int(promised):
                raise Unreadable(f"{name} broke off after {got} of {promised} bytes")
    except urllib.error.HTTPError as error:
        raise Unreadable(f"{name} cannot be fetched: HTTP {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreadable(f"{name} cannot be fetched: {reason}") from None
