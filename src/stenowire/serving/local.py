"""Recognise in this process, without a server: one session driven by an audio source.

In: an opening and pieces of audio. Out: updates as they come. What the gateway does for a socket, in its smallest form.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from stenowire.core.session import Output, Session
from stenowire.events import (
    Audio,
    CloseStream,
    Finish,
    Listen,
    Open,
    OpenStream,
    Result,
    Step,
    Update,
)
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool

MOST_BACKLOG_S = 60.0


async def recognise(opening: Open, audio: AsyncIterator[bytes], hub: Hub, pool: Pool) -> AsyncIterator[Update]:
    """Yield updates until Finished or Failed. Cancelling it frees the session's streams.

    Raises ModelNotFound, UnsupportedLanguage and UnsupportedFormat before anything is yielded.
    """
    session = Session(opening, hub.resolve(opening.model, opening.hint.language), time.monotonic())
    results: asyncio.Queue[Result] = asyncio.Queue()
    owner = results.put_nowait

    def carry(outputs: list[Output]) -> list[Update]:
        updates: list[Update] = []
        for output in outputs:
            if isinstance(output, Listen | OpenStream | Step | CloseStream):
                pool.submit(owner, output)
            else:
                updates.append(output)
        return updates

    def absorb_all() -> list[Update]:
        updates: list[Update] = []
        while not results.empty():
            updates += carry(session.absorb(results.get_nowait(), time.monotonic()))
        return updates

    async def absorb_next() -> list[Update]:
        return carry(session.absorb(await results.get(), time.monotonic()))

    try:
        for update in carry(session.begin(time.monotonic())):
            yield update
        async for data in audio:
            for update in carry(session.handle(Audio(opening.session, data), time.monotonic())) + absorb_all():
                yield update
            while session.backlog_s > MOST_BACKLOG_S and not session.done:
                for update in await absorb_next():
                    yield update
            if session.done:
                return
        for update in carry(session.handle(Finish(opening.session), time.monotonic())):
            yield update
        while not session.done:
            for update in await absorb_next():
                yield update
    finally:
        pool.drop(owner, opening.session)
