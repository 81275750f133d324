"""What waits to be written to one client, in order.

Input: replies of the dialect. Output: frames on the wire, one at a time, each within a deadline. The connection looks
at `behind` to hold interims back for a slow reader, and at `waiting_bytes` to stop listening to one that never reads.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from stenowire.dialects.base import Close, Reply, Text
from stenowire.gateway.wire import Gone, Wire

BEHIND_FRAMES = 8
"""With this many frames waiting, a newer interim is worth more than all the older ones."""


class Outbox:
    def __init__(self, wire: Wire, deadline_s: float, caught_up: Callable[[], None], gone: Callable[[], None]) -> None:
        self._wire = wire
        self._deadline_s = deadline_s
        self._caught_up = caught_up
        self._gone = gone
        self._waiting: deque[Reply] = deque()
        self._filled = asyncio.Event()
        self.waiting_bytes = 0
        """Characters, to be exact: JSON of English text."""

    @property
    def behind(self) -> bool:
        return len(self._waiting) >= BEHIND_FRAMES

    def put(self, reply: Reply) -> None:
        self._waiting.append(reply)
        self.waiting_bytes += len(reply.data) if isinstance(reply, Text) else 0
        self._filled.set()

    async def run(self) -> None:
        """Write until a Close has been written or the client is gone."""
        try:
            while True:
                await self._filled.wait()
                reply = self._waiting[0]
                if isinstance(reply, Close):
                    await self._wire.close(reply.code, reply.reason, self._deadline_s)
                    return self._gone()
                await self._wire.send(reply.data, self._deadline_s)
                self._waiting.popleft()
                self.waiting_bytes -= len(reply.data)
                if not self._waiting:
                    self._filled.clear()
                self._caught_up()
        except Gone:
            self._gone()
