"""Pieces of a recording at the pace of speech, or as fast as they are taken; and an early end on request.

In: a recording. Out: its bytes. A thread reads: a read from a pipe may wait for ever, and the event loop may not.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from stenowire.client.recording import Recording

READ_AHEAD = 32
"""Pieces of 100 ms that wait between the reading thread and whoever takes them."""


async def pieces(recording: Recording, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """All pieces, or those until `stop` is set."""
    reader = Reader(recording)
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            taking = asyncio.create_task(reader.next())
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
            elif (piece := taking.result()) is not None:
                yield piece
            else:
                return
    finally:
        reader.end()
        stopped.cancel()


class Reader:
    """Reads ahead in a thread of its own, which may be left behind in a read that never returns."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Queue[bytes | OSError | None] = asyncio.Queue()
        self._room = threading.Semaphore(READ_AHEAD)
        self._ended = False
        threading.Thread(target=self._read, daemon=True).start()

    async def next(self) -> bytes | None:
        """None at the end. Raises what reading raised."""
        piece = await self._ready.get()
        self._room.release()
        if isinstance(piece, OSError):
            raise piece
        return piece

    def end(self) -> None:
        self._ended = True
        self._room.release()

    def _read(self) -> None:
        try:
            for piece in self._recording.pieces():
                self._hand_over(piece)
                if self._ended:
                    return
            self._hand_over(None)
        except OSError as error:
            self._hand_over(error)

    def _hand_over(self, item: bytes | OSError | None) -> None:
        self._room.acquire()
        with suppress(RuntimeError):  # the loop has closed: nobody waits for it
            self._loop.call_soon_threadsafe(self._ready.put_nowait, item)


async def spoken(recording: Recording, stop: asyncio.Event, tell: Callable[[float], None]) -> AsyncIterator[bytes]:
    """Each piece when its last sample would have been spoken. `tell` hears how many seconds have gone."""
    began, sent_bytes = time.monotonic(), 0
    async for piece in pieces(recording, stop):
        sent_bytes += len(piece)
        sent_s = sent_bytes / recording.bytes_per_s
        await asyncio.sleep(max(0.0, began + sent_s - time.monotonic()))
        yield piece
        tell(sent_s)
