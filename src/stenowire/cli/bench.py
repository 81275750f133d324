"""`stenowire bench`: the measurements of a checkout where there is one, or a short one of this machine.

In: arguments for the checkout's bench. Out: its exit status; or how fast the embedded engine is here, and how many
streams follow from that. The short one plays the recording that comes with the model, once, in this process.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from stenowire.cli.exits import Status, Stop
from stenowire.cli.sources import Local, engine
from stenowire.client.asking import Wishes
from stenowire.client.recording import open_file
from stenowire.events import Final
from stenowire.models.paths import default_root
from stenowire.settings import cores

CHECKOUT = Path(__file__).parents[3]
RECORDING = Path("moonshine-tiny-en", "two_cities.wav")
INTERIM_S = 0.6
"""How often a live stream wants an interim."""
BUSY = 0.7
"""Of all cores: beyond it answers begin to wait for one another."""


class Figures(msgspec.Struct, frozen=True):
    """Seconds of one core per second of audio, by what they are spent for."""

    listening: float
    finals: float
    interim_s: float
    """One interim, in seconds."""
    cores: int

    @property
    def per_stream(self) -> float:
        """Of somebody who speaks all the time and is shown each interim."""
        return self.listening + self.finals + self.interim_s / INTERIM_S

    @property
    def streams(self) -> int:
        return int(self.cores * BUSY / self.per_stream)


def bench(arguments: Sequence[str], short: bool) -> int:
    if not short and (CHECKOUT / "bench" / "__main__.py").exists():
        return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=CHECKOUT, check=False).returncode
    if arguments and not short:
        raise Stop(
            Status.USAGE, "parts of the bench are in a checkout only; without arguments this machine is measured"
        )
    figures = asyncio.run(_measured())
    report(figures, Console(highlight=False))
    return Status.OK


async def _measured() -> Figures:
    async with engine() as local:
        recording = open_file(default_root() / RECORDING)
        assert recording.length_s is not None
        Console(stderr=True, highlight=False).print(
            f"Recognising {recording.length_s:.0f} s of speech ...", style="dim"
        )
        await _recognise(local)
        load = local.pool.load
    finals_s = load.busy_s["greedy"] + load.busy_s["beam"]
    interims = max(1, load.steps["partial"])
    return Figures(
        load.busy_s["listen"] / recording.length_s,
        finals_s / recording.length_s,
        load.busy_s["partial"] / interims,
        cores(),
    )


async def _recognise(local: Local) -> None:
    recording = open_file(default_root() / RECORDING)
    finals = 0

    async def audio() -> AsyncIterator[bytes]:
        for piece in recording.pieces():
            yield piece
            await asyncio.sleep(0)

    async for update in local.recognise(recording.format, audio(), Wishes()):
        finals += isinstance(update, Final)
    if not finals:
        raise Stop(Status.FAILED, "nothing was recognised")


def report(figures: Figures, console: Console) -> None:
    """Worker seconds: on a machine that is busy with something else they are too long."""
    alone = 1 / (figures.listening + figures.finals)
    streams = figures.streams
    text = f"""\
recordings      {alone:.0f} × the pace of speech on one core, {alone * figures.cores:.0f} × on {figures.cores}
an interim      {figures.interim_s * 1000:.0f} ms of one core
a live stream   {figures.per_stream * 100:.1f} % of one core, with an interim every {INTERIM_S:g} s
this machine    about {streams} {"person" if streams == 1 else "people"} who speak all the time, \
more who listen to one another.
It is too little where something else keeps this machine busy."""
    console.print(text, soft_wrap=True)
