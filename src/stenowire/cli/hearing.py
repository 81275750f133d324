"""What `listen` hears: a microphone, the same without the loudspeaker's echo, or a recording at its own pace.

In: options. Out: a source of pcm that can be told to stop. A recording stands in for a microphone where a machine has
none, and goes the same way otherwise.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from stenowire.cli.exits import Status, Stop
from stenowire.cli.sources import explained
from stenowire.client import sources
from stenowire.client.microphone import PIECE_MS, DeviceEvent, Level, Microphone, NoDevice, devices, find
from stenowire.client.recording import Unreadable
from stenowire.types import AudioFormat

Notify = Callable[[DeviceEvent], None]


class Source(Protocol):
    name: str
    format: AudioFormat

    def pieces(self) -> AsyncIterator[bytes]: ...
    def stop(self) -> None:
        """What has been heard is still given, then `pieces` ends."""


@asynccontextmanager
async def source(
    device: str | None, played: Path | None, echo_cancel: bool, far_end: str | None, notify: Notify
) -> AsyncIterator[Source]:
    """Raises Stop."""
    if played is not None:
        yield Played(played)
        return
    with explained():
        try:
            name = find(device).name
            microphone = Microphone(device, on_event=notify)
            if echo_cancel:
                from stenowire.cli.echo import without_echo

                async with microphone, without_echo(microphone, name, far_end) as cleaned:
                    yield cleaned
                return
            async with microphone:
                yield Heard(name, microphone)
        except NoDevice as error:
            raise Stop(Status.FAILED, str(error)) from error


class Heard:
    """A microphone, with its name."""

    def __init__(self, name: str, microphone: Microphone) -> None:
        self.name, self.format = name, microphone.format
        self.pieces, self.stop = microphone.pieces, microphone.stop


class Played:
    """A wav file, each piece when it would have been spoken."""

    def __init__(self, path: Path) -> None:
        try:
            audio = sources.of_file(path)
        except Unreadable as error:
            raise Stop(Status.UNREADABLE, str(error)) from error
        if audio.format.encoding != "pcm":
            raise Stop(Status.UNREADABLE, f"--from plays wav files only: {path.name} is {audio.format.encoding}")
        self.name, self.format = path.name, audio.format
        self._audio = audio.pieces
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        size = 2 * (self.format.rate_hz * PIECE_MS // 1000)
        began, given = time.monotonic(), 0
        waiting = b""
        async for data in self._audio:
            waiting += data
            while len(waiting) >= size:
                piece, waiting = waiting[:size], waiting[size:]
                given += len(piece)
                if await self._told_to_stop(began + given / 2 / self.format.rate_hz):
                    return
                yield piece
        if waiting:
            yield waiting

    async def _told_to_stop(self, until: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._stopped.wait()
        except TimeoutError:
            pass
        return self._stopped.is_set()


def level(piece: bytes) -> Level:
    """Of 16-bit pcm."""
    samples = np.frombuffer(piece[: len(piece) // 2 * 2], "<i2").astype(np.float32) / 32_768
    if not len(samples):
        return Level(0.0, 0.0)
    return Level(float(np.abs(samples).max()), float(np.sqrt(np.square(samples).mean())))


def list_devices() -> int:
    with explained():
        found = devices()
    if not found:
        raise Stop(Status.FAILED, "no microphone is here, or none that this program may use; see stenowire doctor")
    for device in found:
        mark = "*" if device.default else " "
        print(f"{mark} {device.number:>3}  {device.name}  ({device.channels} ch, {device.rate_hz} Hz)")
    return Status.OK
