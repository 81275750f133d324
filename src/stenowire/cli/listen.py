"""`stenowire listen`: what a microphone hears, as captions that grow on the terminal.

In: a `Job`. Out: the exit status; captions on the terminal, sentences in a file or a pipe as they come. Ctrl-C ends the
audio: the last words are still recognised, shown and written.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
from rich.console import Console

from stenowire.cli.captions import Captions
from stenowire.cli.exits import Status, Stop
from stenowire.cli.growing import Growing
from stenowire.cli.hearing import Source, level, source
from stenowire.cli.interrupts import Interrupts
from stenowire.cli.meter import MeteredCaptions, MeterLine
from stenowire.cli.results import Format
from stenowire.cli.sources import recogniser
from stenowire.cli.transcript import Transcript
from stenowire.cli.wishes import Asked, wishes
from stenowire.client.aio import Dropped, LinkEvent, Resumed
from stenowire.client.asking import Wishes
from stenowire.client.microphone import QUIET, DeviceEvent

LAST_WORDS_S = 20.0
"""How long the first Ctrl-C waits for the last words; a second one does not wait."""
TROUBLES = {
    "no_audio": "no audio is arriving; is the microphone plugged in and free?",
    "all_zero": "only silence is arriving; is the microphone muted, or not allowed?",
    "lost": "the microphone has gone; waiting until it is back",
    "overflow": "audio was lost, as this machine is too slow",
}
"""By kind of event; the other kinds say that all is well again."""
FINISHING = "finishing the last words; Ctrl-C again leaves at once"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    asked: Asked
    url: str | None
    key: str
    device: str | None
    played: Path | None
    echo_cancel: bool
    far_end: str | None
    format: Format
    output: Path | None


def listen(job: Job) -> int:
    asked = wishes(job.asked, job.url)
    with _quiet_libraries(), _written(job) as written:
        return asyncio.run(Listening(job, written).run(asked))


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """PortAudio and ALSA write what they think of devices to standard error, which would break the captions up."""
    former, ours = sys.stderr, os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    with os.fdopen(ours, "w", encoding="utf-8", closefd=False) as stream:
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = former
            os.dup2(ours, 2)
            os.close(ours)


@contextmanager
def _written(job: Job) -> Iterator[list[Captions]]:
    """Where sentences are written to: the file, and a pipe where standard output is one."""
    with ExitStack() as stack:
        files: list[TextIO] = [] if sys.stdout.isatty() or job.output else [sys.stdout]
        if job.output is not None:
            try:
                files.append(stack.enter_context(job.output.open("w+", encoding="utf-8")))
            except OSError as error:
                raise Stop(Status.USAGE, f"{job.output}: {error.strerror or error}") from error
        yield [stack.enter_context(Growing(file, job.format)) for file in files]


class Listening:
    """One run of the command. Notices go to the line below the captions, or to standard error as lines."""

    def __init__(self, job: Job, written: list[Captions]) -> None:
        self._job = job
        self._shown = written
        self._screen: MeterLine | None = None
        self._source: Source | None = None
        self._mute = False
        """The device gives zeros."""

    async def run(self, asked: Wishes) -> int:
        job, transcript = self._job, Transcript()
        self._interrupts = interrupts = Interrupts(self._end, LAST_WORDS_S)
        try:
            async with (
                recogniser(job.url, job.key, self._link) as recognition,
                source(job.device, job.played, job.echo_cancel, job.far_end, self._device) as heard,
            ):
                self._source = heard
                with self._on_screen(heard) as shown:
                    try:
                        async for update in recognition.recognise(heard.format, self._pieces(heard), asked):
                            transcript.take(update, shown)
                    except asyncio.CancelledError:
                        if not interrupts.came:
                            raise
                    transcript.close(shown)
        except asyncio.CancelledError:
            if not interrupts.came:
                raise
        return Status.INTERRUPTED if interrupts.came else Status.OK

    def _end(self) -> None:
        """The first Ctrl-C."""
        if self._source is None:
            return self._interrupts.leave()
        self._source.stop()
        self._say(FINISHING)

    async def _pieces(self, heard: Source) -> AsyncIterator[bytes]:
        bytes_per_s = 2 * heard.format.rate_hz
        taken = 0
        async for piece in heard.pieces():
            taken += len(piece)
            loudness = level(piece)
            if self._mute and loudness.peak > QUIET:
                self._mute = False
                self._say(None)
            if self._screen is not None:
                self._screen.heard(taken / bytes_per_s)
                self._screen.level(loudness)
            yield piece

    @contextmanager
    def _on_screen(self, heard: Source) -> Iterator[list[Captions]]:
        console, other = Console(highlight=False), Console(stderr=True, highlight=False)
        if console.is_terminal:
            self._screen = MeteredCaptions(console, heard.name)
        elif other.is_terminal:
            self._screen = MeterLine(other, heard.name)
        if self._screen is None:
            yield self._shown
            return
        with self._screen:
            yield [*self._shown, self._screen]

    # ---- what is the matter ---------------------------------------------------------------------------------------

    def _device(self, event: DeviceEvent) -> None:
        self._mute = event.kind == "all_zero"
        self._say(TROUBLES.get(event.kind, None if self._screen else event.message))

    def _link(self, event: LinkEvent) -> None:
        match event:
            case Dropped():
                self._say(f"no connection, nothing is lost; trying again ({event.reason})")
            case Resumed(gap=None):
                self._say(None if self._screen else "connected again, nothing was lost")
            case Resumed():
                self._say("connected again; a part of the audio was lost, as it could not be kept for so long")

    def _say(self, notice: str | None) -> None:
        if self._screen is not None:
            self._screen.notice(notice)
        elif notice:
            print(f"stenowire: {notice}", file=sys.stderr, flush=True)
