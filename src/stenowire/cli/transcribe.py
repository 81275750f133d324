"""`stenowire transcribe`: a recording in, text or subtitles out, with a server or in this process.

In: a `Job`. Out: the exit status; the result on standard output or in a file, progress on standard error. Ctrl-C ends
the audio: what was said so far is still answered, shown and written.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
from rich.console import Console

from stenowire.cli import pace, results
from stenowire.cli.captions import Captions, LiveCaptions, PlainCaptions, ProgressLine
from stenowire.cli.exits import Status, Stop
from stenowire.cli.sources import in_process, on_server
from stenowire.client.recording import Recording, Unreadable, open_file, open_stream
from stenowire.events import Final, Partial

LAST_WORDS_S = 5.0
"""How long Ctrl-C waits for the answers to what has been sent."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    file: Path
    model: str
    url: str | None
    key: str
    format: results.Format
    realtime: bool
    language: str | None
    output: Path | None


def transcribe(job: Job) -> int:
    recording = _open(job.file)
    if job.realtime and not recording.bytes_per_s:
        encoding = recording.format.encoding
        raise Stop(
            Status.USAGE, f"--realtime plays wav files only: {recording.name} is {encoding}, whose pace is not known"
        )
    with _destination(job.output) as out:
        finals, interrupted = asyncio.run(_recognise(job, recording, out))
        if job.format != "text":
            out.write(results.written(finals, job.format, job.model))
    return Status.INTERRUPTED if interrupted else Status.OK


def _open(file: Path) -> Recording:
    try:
        return open_stream(sys.stdin.fileno()) if str(file) == "-" else open_file(file)
    except Unreadable as error:
        raise Stop(Status.UNREADABLE, str(error)) from error


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
    stop, heard = asyncio.Event(), Heard()
    with ExitStack() as screen:
        shown = [screen.enter_context(captions) for captions in _captions(job, recording, out)]
        _stop_on_interrupt(stop)
        try:
            async for update in _updates(job, recording, stop, shown):
                heard.take(update, shown)
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
        if stop.is_set():
            heard.close(shown)
    return heard.finals, stop.is_set()


class Heard:
    """What has been said so far."""

    def __init__(self) -> None:
        self.finals: list[Final] = []
        self._open: Partial | None = None

    def take(self, update: Partial | Final, shown: list[Captions]) -> None:
        if isinstance(update, Final):
            self.finals.append(update)
        self._open = update if isinstance(update, Partial) else None
        for captions in shown:
            captions.show(update)

    def close(self, shown: list[Captions]) -> None:
        """A sentence that was never finished stands as it is: the last words are shown, not lost."""
        if self._open and self._open.sentence.words:
            sentence = self._open.sentence
            end_ms = sentence.words[-1].end_ms
            closed = msgspec.structs.replace(sentence, final=True, end_ms=end_ms)
            self.take(Final(self._open.session, closed, end_ms / 1000), shown)


def _updates(
    job: Job, recording: Recording, stop: asyncio.Event, shown: list[Captions]
) -> AsyncIterator[Partial | Final]:
    def tell(seconds: float) -> None:
        for captions in shown:
            captions.heard(seconds)

    audio = pace.spoken(recording, stop, tell) if job.realtime else pace.pieces(recording, stop)
    if job.url is None:
        return in_process(job.model, recording.format, job.language, audio)
    return on_server(job.url, job.key, job.model, recording.format, job.language, audio)


def _stop_on_interrupt(stop: asyncio.Event) -> None:
    """The first Ctrl-C ends the audio and waits a little for the answers, the second waits no longer."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def interrupt() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()
        loop.call_later(LAST_WORDS_S, task.cancel)

    loop.add_signal_handler(signal.SIGINT, interrupt)
