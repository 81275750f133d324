"""Recognise in this process, without a server: one session driven by an audio source.

In: an opening and pieces of audio. Out: updates as they come. What the gateway does for a socket, in its smallest form.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

import msgspec

from stenowire.core.session import Output, Session
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.events import (
    Audio,
    Broken,
    CloseStream,
    Finish,
    Listen,
    Open,
    OpenStream,
    Result,
    Step,
    Update,
)
from stenowire.serving.decoding import CODED, Decoders, as_wav
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool

MOST_BACKLOG_S = 60.0


async def recognise(
    opening: Open, audio: AsyncIterator[bytes], hub: Hub, pool: Pool, decoders: Decoders | None = None
) -> AsyncIterator[Update]:
    """Yield updates until Finished or Failed. Cancelling it frees the session's streams, and its decoder.

    Coded audio is decoded by `decoders`; None starts some for this stream alone. Raises ModelNotFound,
    UnsupportedLanguage and UnsupportedFormat before anything is yielded.
    """
    async with AsyncExitStack() as stack:
        if opening.format.encoding in CODED:
            if decoders is None:
                decoders = Decoders()
                stack.push_async_callback(decoders.stop)
            decoders.check(opening.format.encoding)
            audio = await stack.enter_async_context(aclosing(decoders.wav(opening.format.encoding, audio)))
            opening = msgspec.structs.replace(opening, format=as_wav(opening.format))
        updates = await stack.enter_async_context(aclosing(_recognise(opening, audio, hub, pool)))
        async for update in updates:
            yield update


async def _recognise(opening: Open, audio: AsyncIterator[bytes], hub: Hub, pool: Pool) -> AsyncGenerator[Update, None]:
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

    async def take_in(piece: Audio) -> list[Output]:
        if session.laborious:
            return await asyncio.to_thread(session.handle, piece, time.monotonic())
        return session.handle(piece, time.monotonic())

    async def absorb_next() -> list[Update]:
        return carry(session.absorb(await results.get(), time.monotonic()))

    try:
        for update in carry(session.begin(time.monotonic())):
            yield update
        async for data in audio:
            for update in carry(await take_in(Audio(opening.session, data))) + absorb_all():
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
    except (BadAudio, UnsupportedFormat) as error:
        # Only reading coded audio raises these: a session tells its own by Failed.
        for update in carry(session.absorb(Broken(opening.session, None, error), time.monotonic())):
            yield update
    finally:
        pool.drop(owner, opening.session)
