"""Gets the slow parts of a first connection over with: names looked up, certificates checked, the server awake.

In: a server's address and a key. Out: nothing but errors. The key goes to that address only.
"""

import asyncio
import urllib.error
import urllib.request

from stenowire import __version__
from stenowire.client.aio import found_key
from stenowire.client.errors import CannotConnect, KeyRefused
from stenowire.client.urls import warm_url


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


async def warm_up(url: str, *, key: str | None = None, timeout_s: float = 10.0) -> None:
    """Ask the cheapest thing there is. Raises BadUrl, CannotConnect, KeyRefused."""
    await asyncio.to_thread(_ask, warm_url(url), found_key(key), timeout_s)


def _ask(url: str, key: str, timeout_s: float) -> None:
    headers = {"User-Agent": f"stenowire/{__version__}"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=timeout_s) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise KeyRefused(f"{url} refused the key: HTTP {error.code}") from None
        raise CannotConnect(f"{url} answered HTTP {error.code}") from None
    except OSError as error:
        raise CannotConnect(f"cannot connect to {url}: {error}") from None
