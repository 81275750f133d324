"""One timer of a connection, that rings no later than anything is due.

In: when something is due, in seconds of the monotonic clock. Out: a call. It knows not what is due.
"""

import asyncio
import time
from collections.abc import Callable


class Alarm:
    def __init__(self, ring: Callable[[], None]) -> None:
        self._tell = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: float) -> None:
        """Ring by then; one that is set for an earlier moment stays."""
        loop = asyncio.get_running_loop()
        wait_s = max(0.0, due - time.monotonic())
        if self._timer is not None:
            if self._timer.when() <= loop.time() + wait_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(wait_s, self._ring)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self._timer = None
        self._tell()
