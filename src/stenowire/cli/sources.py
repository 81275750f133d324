"""Where text comes from: a server, or the engine in this process. Both take audio and yield the same updates.

In: a format, a model's name, pieces of audio. Out: partial and final updates, or a `Stop` that says what went wrong.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console

from stenowire.cli.exits import Status, Stop
from stenowire.cli.progress import reporting
from stenowire.client import aio
from stenowire.client.errors import CannotConnect, ConnectionLost, KeyRefused, TaskFailed
from stenowire.client.urls import BadUrl
from stenowire.dialects.base import Text
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.task_client import TaskClient
from stenowire.dialects.task_wire import Parameters
from stenowire.errors import BadAudio, StenowireError, UnsupportedFormat
from stenowire.events import Failed, Final, Open, Partial
from stenowire.models.errors import ModelUnavailable
from stenowire.models.paths import default_root
from stenowire.types import AudioFormat

PATIENT = Parameters(heartbeat=True)
"""A recording may be silent for as long as it likes."""


async def on_server(
    url: str, key: str, model: str, format: AudioFormat, language: str | None, audio: AsyncIterator[bytes]
) -> AsyncIterator[Partial | Final]:
    with explained():
        async for update in aio.recognise(
            audio, url, key=key, format=format, model=model, language=language, parameters=PATIENT
        ):
            yield update


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


async def in_process(
    model: str, format: AudioFormat, language: str | None, audio: AsyncIterator[bytes]
) -> AsyncIterator[Partial | Final]:
    # Imported late: the client's side of this module must not wait for ONNX Runtime.
    from stenowire.serving.decoding import CODED, Decoders
    from stenowire.serving.hub import Hub
    from stenowire.serving.local import recognise
    from stenowire.serving.pool import Pool

    _log_to_stderr()
    hub = Hub()
    try:
        asked = opening(model, format, language)
        if format.encoding in CODED:
            Decoders.check(format.encoding)
        with reporting(Console(stderr=True)) as report:
            await asyncio.to_thread(hub.load, default_root(), report)
        pool = Pool(hub.engine, hub.detector, beam="always")
        pool.start()
        try:
            async for update in recognise(asked, audio, hub, pool):
                if isinstance(update, Failed):
                    raise update.error
                if isinstance(update, Partial | Final):
                    yield update
        finally:
            await pool.stop()
    except ModelUnavailable as error:
        raise Stop(Status.FAILED, error.message) from error
    except StenowireError as error:
        raise failed(error) from error


def opening(model: str, format: AudioFormat, language: str | None) -> Open:
    """What a server would understand if it were asked, so that both ways of recognising mean the same."""
    asked = Parameters(
        format=format.encoding,
        sample_rate=format.rate_hz,
        language_hints=[language] if language else None,
        heartbeat=PATIENT.heartbeat,
    )
    client, now = TaskClient("local", model, asked), time.monotonic()
    output = TaskDialect(now).receive(client.run(), now)[0]
    if isinstance(output, Text):
        update = client.receive(output.data)[0]
        assert isinstance(update, Failed)
        raise update.error
    assert isinstance(output, Open)
    return output


def failed(error: StenowireError, request_id: str | None = None) -> Stop:
    status = Status.UNREADABLE if isinstance(error, UnsupportedFormat | BadAudio) else Status.FAILED
    quote = f", request {request_id}" if request_id else ""
    return Stop(status, f"recognition failed: {error.message} ({error.code}{quote})")


def _log_to_stderr() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
