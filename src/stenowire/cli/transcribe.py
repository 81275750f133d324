"""`stenowire transcribe` of one recording: text or subtitles out, with a server or in this process.

In: a `Job`. Out: the exit status; the result on standard output or in a file, progress on standard error. Ctrl-C ends
the audio: what was said so far is still answered, shown and written.
"""

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
from rich.console import Console

from stenowire.cli import pace, results
from stenowire.cli.captions import Captions, LiveCaptions, PlainCaptions, ProgressLine
from stenowire.cli.download import download
from stenowire.cli.exits import Status, Stop
from stenowire.cli.inputs import STDIN, Input, check, gather
from stenowire.cli.interrupts import Interrupts
from stenowire.cli.sources import check_decoder, recogniser
from stenowire.cli.transcript import Transcript
from stenowire.cli.wishes import Asked, wishes
from stenowire.client.recording import Recording, Unreadable, open_file, open_stream
from stenowire.events import Final

LAST_WORDS_S = 5.0
"""How long Ctrl-C waits for the answers to what has been sent."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    given: tuple[str, ...]
    asked: Asked
    url: str | None
    key: str
    format: results.Format
    realtime: bool
    output: Path | None
    suffixes: tuple[str, ...]
    allow_urls: bool
    overwrite: bool
    jobs: int | None


def transcribe(job: Job) -> int:
    """One recording."""
    check(job.given[0], job.allow_urls)
    return asyncio.run(_transcribe(job))


async def _transcribe(job: Job) -> int:
    try:
        async with opened(job.given[0], job) as recording:
            if job.realtime and not recording.bytes_per_s:
                encoding = recording.format.encoding
                line = f"--realtime plays wav files only: {recording.name} is {encoding}, whose pace is not known"
                raise Stop(Status.USAGE, line)
            with _destination(job.output) as out:
                finals, interrupted = await _recognise(job, recording, out)
                if job.format != "text":
                    out.write(results.written(finals, job.format, job.asked.model))
    except Unreadable as error:
        raise Stop(Status.UNREADABLE, str(error)) from error
    return Status.INTERRUPTED if interrupted else Status.OK


@asynccontextmanager
async def opened(place: str, job: Job) -> AsyncIterator[Recording]:
    """A recording wherever it is; one with an address is fetched first. Raises Unreadable."""
    if place == STDIN:
        yield open_stream(sys.stdin.fileno())
        return
    [found] = gather([place], job.suffixes, job.allow_urls)
    if not found.is_url:
        yield open_file(Path(place))
        return
    async with fetched(found) as path:
        recording = open_file(path)
        yield msgspec.structs.replace(recording, name=str(found.inside))


@asynccontextmanager
async def fetched(found: Input) -> AsyncIterator[Path]:
    stop = threading.Event()
    with tempfile.NamedTemporaryFile(prefix="stenowire-") as file:
        try:
            await asyncio.to_thread(download, found.place, str(found.inside), file, stop)
        finally:
            stop.set()
        file.flush()
        yield Path(file.name)


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as out:
            yield out
    except OSError as error:
        raise Stop(Status.USAGE, f"{output}: {error.strerror or error}") from error


def _captions(job: Job, recording: Recording, out: TextIO) -> list[Captions]:
    """Text on a terminal grows before one's eyes; elsewhere it comes in lines. Progress shows on the error stream."""
    if job.format == "text" and out.isatty():
        return [LiveCaptions(Console(), recording.length_s)]
    shown: list[Captions] = [PlainCaptions(out, times=False)] if job.format == "text" else []
    progress = Console(stderr=True)
    return [*shown, ProgressLine(progress, recording.length_s)] if progress.is_terminal else shown


async def _recognise(job: Job, recording: Recording, out: TextIO) -> tuple[list[Final], bool]:
    """The finals, and whether Ctrl-C came."""
    asked = wishes(job.asked, job.url)
    if job.url is None:
        check_decoder(recording.format)
    stop, transcript = asyncio.Event(), Transcript()
    interrupts = Interrupts(stop.set, LAST_WORDS_S)
    try:
        async with recogniser(job.url, job.key) as recognition:
            with ExitStack() as screen:
                shown = [screen.enter_context(captions) for captions in _captions(job, recording, out)]
                audio = _audio(job, recording, stop, shown)
                try:
                    async for update in recognition.recognise(recording.format, audio, asked):
                        transcript.take(update, shown)
                except asyncio.CancelledError:
                    if not interrupts.came:
                        raise
                if interrupts.came:
                    transcript.close(shown)
    except asyncio.CancelledError:
        if not interrupts.came:
            raise
    return transcript.finals, interrupts.came


def _audio(job: Job, recording: Recording, stop: asyncio.Event, shown: list[Captions]) -> AsyncIterator[bytes]:
    def tell(seconds: float) -> None:
        for captions in shown:
            captions.heard(seconds)

    return pace.spoken(recording, stop, tell) if job.realtime else pace.pieces(recording, stop)
