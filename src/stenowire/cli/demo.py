"""`stenowire demo`: start a server, play a real recording to it as a client would, and show the captions as they grow.

In: a port. Out: captions, then what is needed to point a program at the server, which runs on until Ctrl-C.
"""

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from stenowire import __version__
from stenowire.cli import pace
from stenowire.cli.captions import UNSETTLED, Captions, LiveCaptions, PlainCaptions
from stenowire.cli.exits import Status, Stop
from stenowire.cli.neighbour import Neighbour, neighbour
from stenowire.cli.serve import fetch_models, load_settings
from stenowire.cli.sources import explained
from stenowire.client.aio import DEFAULT_MODEL, connect
from stenowire.client.recording import Recording, open_file
from stenowire.events import Final, Partial

RECORDING = Path("moonshine-tiny-en", "two_cities.wav")


def demo(*, port: int, once: bool) -> int:
    settings = load_settings({"port": port}, None)
    fetch_models(settings.models_dir)
    console = Console(highlight=False, soft_wrap=True)
    with _signals(), neighbour(settings, console) as server:
        _introduce(console, server)
        recording = open_file(settings.models_dir / RECORDING)
        if not asyncio.run(_play(recording, server, console)):
            raise Stop(Status.FAILED, "nothing was recognised")
        if not once:
            _say_how_to_connect(console, server)
            _wait_for_interrupt()
    return Status.OK


async def _play(recording: Recording, server: Neighbour, console: Console) -> bool:
    """Whether anything was recognised."""
    delays = Delays()
    with _captions(console, recording) as captions, explained():
        async with connect(server.base, key=server.key, format=recording.format) as task:

            def tell(seconds: float) -> None:
                captions.heard(seconds)
                delays.heard(seconds, time.monotonic())

            feeding = asyncio.create_task(task.feed(pace.spoken(recording, asyncio.Event(), tell)))
            async for update in task:
                captions.show(update)
                delays.show(update, time.monotonic())
            await feeding
    if delays.words_s:
        console.print(f"\n{delays.summary()}")
    return bool(delays.words_s)


class Delays:
    """How long after it was spoken each word was first seen, from the client's side. Times are seconds.

    A word is new when it lies beyond all audio that had words so far: a corrected one is not, nor one that a cut moves
    into the next sentence.
    """

    def __init__(self) -> None:
        self.words_s: list[float] = []
        self.final_words = 0
        self._began: float | None = None
        self._seen_ms = 0

    def heard(self, seconds: float, now: float) -> None:
        if self._began is None:
            self._began = now - seconds

    def show(self, update: Partial | Final, now: float) -> None:
        if self._began is None:
            return
        new = [word for word in update.sentence.words if word.begin_ms + word.end_ms > 2 * self._seen_ms]
        self.words_s += [now - self._began - word.end_ms / 1000 for word in new]
        self._seen_ms = max([self._seen_ms, *(word.end_ms for word in new)])
        self.final_words += len(update.sentence.words) * isinstance(update, Final)

    def summary(self) -> str:
        ordered = sorted(self.words_s)
        middle, late = ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]
        within = f"half were seen within {middle:.1f} s of being spoken, 95 % within {late:.1f} s"
        return f"{self.final_words} words; {within}."


def _captions(console: Console, recording: Recording) -> Captions:
    if console.is_terminal:
        return LiveCaptions(console, recording.length_s)
    return PlainCaptions(sys.stdout, times=True)


def _introduce(console: Console, server: Neighbour) -> None:
    console.print(f"[bold]Stenowire {__version__}[/bold] listens on {server.base}")
    console.print(f"Playing {RECORDING.name} to it at the pace it was spoken, through model {DEFAULT_MODEL}.")
    if console.is_terminal:
        console.print(Text.assemble("Settled words are plain, ", ("unsettled words are dim", UNSETTLED), "."))
    console.print()


def _say_how_to_connect(console: Console, server: Neighbour) -> None:
    console.print(f"""
The server runs on until Ctrl-C.

  captions   {server.http}/  in a browser; asks for the key once
  endpoint   {server.endpoint}
  status     {server.http}/ready  /metrics  /v1/models
  key        {server.key}
  log        {server.log}

Point a program written for DashScope at it with its environment:

  export DASHSCOPE_WEBSOCKET_BASE_URL={server.endpoint}
  export DASHSCOPE_API_KEY={server.key}

or in its code, before the first call:

  dashscope.base_websocket_api_url = "{server.endpoint}"

or transcribe a recording of your own:

  {_this_command()} transcribe talk.wav --url {server.base} --api-key {server.key}
""")


def _this_command() -> str:
    """The word that starts this program here: in an environment that is not active it needs its path."""
    called = Path(sys.argv[0])
    return "stenowire" if shutil.which("stenowire") or called.name != "stenowire" else str(called)


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


@contextmanager
def _signals() -> Iterator[None]:
    """A request to end, or a closed terminal, ends this as Ctrl-C does, so that the server is stopped too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
