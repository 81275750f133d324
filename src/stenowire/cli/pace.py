"""Pieces of a recording at the pace of speech, or as fast as they are taken; and an early end on request.

In: a recording. Out: its bytes. A thread reads: a read from a pipe may wait for ever, and the event loop may not.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

from stenowire.client.recording import Recording

READ_AHEAD = 32
"""Pieces of 100 ms that wait between the reading thread and whoever takes them."""


async def pieces(recording: Recording, stop: asyncio.Event) -> AsyncIterator[bytes]:
    """All pieces, or those until `stop` is set."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes | OSError | None] = asyncio.Queue(READ_AHEAD)

    def put(item: bytes | OSError | None) -> None:
        asyncio.run_coroutine_threadsafe(queue.put(item), loop).result()

    def read() -> None:
        try:
            for piece in recording.pieces():
                put(piece)
            put(None)
        except OSError as error:
            put(error)

    threading.Thread(target=read, daemon=True).start()
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            taking = asyncio.create_task(queue.get())
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                return
            item = taking.result()
            if item is None:
                return
            if isinstance(item, OSError):
                raise item
            yield item
    finally:
        stopped.cancel()


async def spoken(recording: Recording, stop: asyncio.Event, tell: Callable[[float], None]) -> AsyncIterator[bytes]:
    """Each piece when its last sample would have been spoken. `tell` hears how many seconds have gone."""
    began, sent_bytes = time.monotonic(), 0
    async for piece in pieces(recording, stop):
        sent_bytes += len(piece)
        sent_s = sent_bytes / recording.bytes_per_s
        await asyncio.sleep(max(0.0, began + sent_s - time.monotonic()))
        yield piece
        tell(sent_s)
