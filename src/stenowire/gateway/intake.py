"""What comes in from one client: frames, read only while there is room for more.

Input: a wire. Output: frames, handed over at once; then word that the client has gone. Not reading is what slows a fast
sender down: its frames wait in the network, and never in our memory.
"""

import asyncio
from collections.abc import Callable

from stenowire.gateway.wire import Gone, Wire

FRAMES_AHEAD = 32
BYTES_AHEAD = 64 << 10
"""What is read before it can be taken in: two seconds of pcm at 16 kHz, so that a burst does not stall the reader."""
VANISH_CHECK_S = 0.25
"""How often a client that is not being read is looked at: it must be missed within 1 s."""


class Intake:
    """`crowded` tells whether the sessions and the outbox have all they can hold."""

    def __init__(
        self,
        wire: Wire,
        hand_over: Callable[[str | bytes], None],
        gone: Callable[[], None],
        crowded: Callable[[], bool],
    ) -> None:
        self._wire = wire
        self._hand_over = hand_over
        self._gone = gone
        self._crowded = crowded
        self._relief = asyncio.Event()
        self._frames = 0
        self._bytes = 0
        self._closed = False

    async def run(self) -> None:
        """Read until the client has gone."""
        try:
            while True:
                frame = await self._wire.receive()
                if self._closed:
                    continue
                self._frames += 1
                self._bytes += len(frame)
                self._hand_over(frame)
                await self._room()
        except Gone:
            self._gone()

    def taken(self, frame: str | bytes) -> None:
        """The frame has left the queue."""
        self._frames -= 1
        self._bytes -= len(frame)

    def look(self) -> None:
        """Something may have become free."""
        if not self._full:
            self._relief.set()

    def close(self) -> None:
        """From now on frames are read and dropped: only the client's goodbye matters."""
        self._closed = True
        self._relief.set()

    @property
    def _full(self) -> bool:
        return not self._closed and (self._frames >= FRAMES_AHEAD or self._bytes >= BYTES_AHEAD or self._crowded())

    async def _room(self) -> None:
        """Wait until the client may be listened to again. Raises Gone when it vanishes meanwhile."""
        while self._full:
            self._relief.clear()
            try:
                async with asyncio.timeout(VANISH_CHECK_S):
                    await self._relief.wait()
            except TimeoutError:
                if self._wire.vanished():
                    raise Gone from None
