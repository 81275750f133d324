"""Where text comes from: a server, or the engine in this process. Both take audio and yield the same updates.

In: an address or none, then for each recognition a format, pieces of audio and what is wished for. Out: partial and
final updates, or a `Stop` that says what went wrong. One engine serves any number of recognitions at once.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog
from rich.console import Console

from stenowire.cli.exits import Status, Stop
from stenowire.cli.progress import reporting
from stenowire.client import aio
from stenowire.client.asking import DEFAULT_MODEL, Wishes, task_parameters
from stenowire.client.errors import CannotConnect, ClientError, ConnectionLost, KeyRefused, TaskFailed
from stenowire.client.urls import BadUrl, endpoint
from stenowire.dialects.base import Text
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.task_client import TaskClient, turn
from stenowire.errors import BadAudio, StenowireError, UnsupportedFormat
from stenowire.events import Failed, Final, Open, Partial
from stenowire.models.errors import ModelUnavailable
from stenowire.models.paths import default_root
from stenowire.types import AudioFormat

if TYPE_CHECKING:
    from stenowire.serving.decoding import Decoders
    from stenowire.serving.hub import Hub
    from stenowire.serving.pool import Pool

Tell = Callable[[aio.LinkEvent], None]


class Recogniser(Protocol):
    def recognise(
        self, format: AudioFormat, audio: AsyncIterator[bytes], wishes: Wishes, *, interims: bool = True
    ) -> AsyncIterator[Partial | Final]:
        """Raises Stop. `interims` may be False where nobody looks at them: it saves computing."""


@asynccontextmanager
async def recogniser(url: str | None, key: str, tell: Tell = lambda event: None) -> AsyncIterator[Recogniser]:
    """`tell` hears of connections that are lost and made again. Without `url` the engine is loaded here."""
    if url is not None:
        with explained():
            endpoint(url)
        yield Distant(url, key, tell)
        return
    async with engine() as local:
        yield local


class Distant:
    """A server. A connection of its own for each recognition; one that breaks is made again."""

    def __init__(self, url: str, key: str, tell: Tell) -> None:
        self._url, self._key, self._tell = url, key, tell

    async def recognise(
        self, format: AudioFormat, audio: AsyncIterator[bytes], wishes: Wishes, *, interims: bool = True
    ) -> AsyncIterator[Partial | Final]:
        given = {name: getattr(wishes, name) for name in wishes.__struct_fields__}
        with explained():
            async for update in aio.recognise(
                audio, self._url, key=self._key, format=format, on_link=self._tell, **given
            ):
                yield update


class Local:
    """The engine in this process."""

    def __init__(self, hub: "Hub", pool: "Pool", decoders: "Decoders") -> None:
        self.hub, self.pool, self._decoders = hub, pool, decoders

    async def recognise(
        self, format: AudioFormat, audio: AsyncIterator[bytes], wishes: Wishes, *, interims: bool = True
    ) -> AsyncIterator[Partial | Final]:
        from stenowire.serving.local import recognise

        try:
            asked = msgspec.structs.replace(await with_list(opening(format, wishes)), interims=interims)
            async for update in recognise(asked, audio, self.hub, self.pool, self._decoders):
                if isinstance(update, Failed):
                    raise update.error
                if isinstance(update, Partial | Final):
                    yield update
        except StenowireError as error:
            raise failed(error) from error


@asynccontextmanager
async def engine() -> AsyncIterator[Local]:
    """Loaded, and its models fetched if need be. Raises Stop."""
    # Imported late: the client's side of this module must not wait for ONNX Runtime.
    from stenowire.serving.decoding import Decoders
    from stenowire.serving.hub import Hub
    from stenowire.serving.pool import Pool

    _log_to_stderr()
    hub = Hub()
    try:
        with reporting(Console(stderr=True)) as report:
            await asyncio.to_thread(hub.load, default_root(), report)
    except ModelUnavailable as error:
        raise Stop(Status.FAILED, error.message) from error
    pool, decoders = Pool(hub.engine, hub.detector, beam="always"), Decoders()
    pool.start()
    try:
        yield Local(hub, pool, decoders)
    finally:
        await decoders.stop()
        await pool.stop()


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a client's call raises into the end of the command."""
    try:
        yield
    except BadUrl as error:
        raise Stop(Status.USAGE, str(error)) from error
    except KeyRefused as error:
        raise Stop(Status.REFUSED_KEY, str(error)) from error
    except (CannotConnect, ConnectionLost) as error:
        raise Stop(Status.UNREACHABLE, str(error)) from error
    except TaskFailed as failure:
        raise failed(failure.error, failure.request_id) from failure
    except ClientError as error:
        raise Stop(Status.FAILED, str(error)) from error


def opening(format: AudioFormat, wishes: Wishes) -> Open:
    """What a server would understand if it were asked, so that both ways of recognising mean the same."""
    context = [turn("user", wishes.context)] if wishes.context else []
    asked, now = task_parameters(format, wishes), time.monotonic()
    client = TaskClient("local", wishes.model or DEFAULT_MODEL, asked, context)
    output = TaskDialect(now).receive(client.run(), now)[0]
    if isinstance(output, Text):
        update = client.receive(output.data)[0]
        assert isinstance(update, Failed)
        raise update.error
    assert isinstance(output, Open)
    return output


async def with_list(asked: Open) -> Open:
    """With the terms of a stored list of this machine's own store, where one is named."""
    if not asked.vocabulary:
        return asked
    from stenowire.cli.vocabulary import opened
    from stenowire.gateway.vocabulary import with_vocabulary

    with opened(None, None) as (lists, _):
        return await with_vocabulary(asked, "default", lists)


def check_decoder(format: AudioFormat) -> None:
    """Raises Stop where coded audio cannot be decoded in this process."""
    from stenowire.serving.decoding import CODED, Decoders

    try:
        if format.encoding in CODED:
            Decoders.check(format.encoding)
    except UnsupportedFormat as error:
        raise failed(error) from error


def failed(error: StenowireError, request_id: str | None = None) -> Stop:
    status = Status.UNREADABLE if isinstance(error, UnsupportedFormat | BadAudio) else Status.FAILED
    quote = f", request {request_id}" if request_id else ""
    return Stop(status, f"recognition failed: {error.message} ({error.code}{quote})")


def _log_to_stderr() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
