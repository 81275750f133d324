"""A microphone beside an open loudspeaker: what the machine plays is taken out of what it hears.

In: a running microphone, and where the sound that is played can be had. Out: a source of pcm at 16 kHz. What is played
is recorded from a device that gives it back: one that was named, one whose name says so, or the monitor of PulseAudio
or PipeWire. A machine without any cannot cancel echo, and says so.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np

from stenowire.audio.resample import Resampler
from stenowire.cli.exits import Status, Stop
from stenowire.cli.in_step import InStep
from stenowire.client.echo import EchoCanceller
from stenowire.client.microphone import Microphone, devices
from stenowire.types import SESSION_RATE_HZ, AudioFormat, Samples

LOOPBACK = re.compile(r"\bmonitor\b|loopback|stereo mix|stereomix|what u hear|blackhole|soundflower", re.IGNORECASE)
"""How devices call themselves that record what is played."""
SETTLE_S = 0.5
PAREC = (
    "--device=@DEFAULT_MONITOR@",
    "--format=s16le",
    f"--rate={SESSION_RATE_HZ}",
    "--channels=1",
    "--latency-msec=20",
)
NONE = (
    "echo cannot be cancelled here: no device gives back what the loudspeaker plays. On Linux with PulseAudio or "
    "PipeWire install pulseaudio-utils; on macOS install BlackHole and play through it; on Windows switch on "
    "Stereo Mix; or name a device with --far-end, see --list-devices"
)


@asynccontextmanager
async def without_echo(microphone: Microphone, name: str, far_end: str | None) -> AsyncIterator["Cleaned"]:
    """Raises Stop where there is nothing to cancel with."""
    canceller = EchoCanceller(SESSION_RATE_HZ)
    device = far_end or await asyncio.to_thread(_loopback)
    if device is not None:
        cleaned = Cleaned(microphone, name, canceller)
        async with Microphone(device) as played, _taken(played.pieces(), played.format.rate_hz, cleaned):
            yield cleaned
    elif shutil.which("parec"):
        cleaned = Cleaned(microphone, name, canceller)
        async with _monitor() as pieces, _taken(pieces, SESSION_RATE_HZ, cleaned):
            yield cleaned
    else:
        raise Stop(Status.FAILED, NONE)


class Cleaned:
    """What the microphone hears without what is played, a fifth of a second late."""

    def __init__(self, microphone: Microphone, name: str, canceller: EchoCanceller) -> None:
        self.name = f"{name}, echo cancelled"
        self.format = AudioFormat("pcm", SESSION_RATE_HZ)
        self.stop = microphone.stop
        self._microphone, self._canceller = microphone, canceller
        self._in_step = InStep()

    def played(self, samples: Samples) -> None:
        self._in_step.played(samples)

    async def pieces(self) -> AsyncIterator[bytes]:
        resampler = Resampler(self._microphone.format.rate_hz)
        async for piece in self._microphone.pieces():
            if cleaned := self._cleaned(*self._in_step.heard(resampler.feed(_samples(piece)))):
                yield cleaned
        yield self._cleaned(*self._in_step.heard(resampler.flush()))
        yield self._cleaned(*self._in_step.flush()) + _bytes(self._canceller.flush())

    def _cleaned(self, played: Samples, heard: Samples) -> bytes:
        self._canceller.far_end(played)
        return _bytes(self._canceller.near_end(heard))


@asynccontextmanager
async def _taken(pieces: AsyncIterator[bytes], rate_hz: int, cleaned: Cleaned) -> AsyncIterator[None]:
    """What is played is handed over while the block runs."""

    async def take() -> None:
        resampler = Resampler(rate_hz)
        async for piece in pieces:
            cleaned.played(resampler.feed(_samples(piece)))

    taking = asyncio.create_task(take())
    try:
        yield
    finally:
        taking.cancel()
        await asyncio.wait({taking})


@asynccontextmanager
async def _monitor() -> AsyncIterator[AsyncIterator[bytes]]:
    """What PulseAudio or PipeWire plays."""
    pipe, quiet = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("parec", *PAREC, stdin=quiet, stdout=pipe, stderr=pipe)
    assert process.stdout is not None and process.stderr is not None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await process.wait()
        if process.returncode is not None:
            said = (await process.stderr.read(500)).decode(errors="replace")
            raise Stop(Status.FAILED, f"{NONE} (parec: {said})")
        yield _read(process.stdout)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _read(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    odd = b""
    while data := await stream.read(SESSION_RATE_HZ // 25):
        data = odd + data
        whole = len(data) // 2 * 2
        odd = data[whole:]
        yield data[:whole]


def _loopback() -> str | None:
    return next((str(device.number) for device in devices() if LOOPBACK.search(device.name)), None)


def _samples(piece: bytes) -> Samples:
    samples: Samples = np.frombuffer(piece, "<i2").astype(np.float32) / np.float32(32_768)
    return samples


def _bytes(samples: Samples) -> bytes:
    return bytes((np.clip(samples, -1, 1 - 1 / 32_768) * 32_768).astype("<i2").tobytes())
