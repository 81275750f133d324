"""A microphone as pieces of pcm: the device's own rate, levels, and word when the device goes or falls silent.

In: which device. Out: bytes for `Recognition.send`, and events. The sound comes through PortAudio (`sounddevice`, the
extra `microphone`), in a thread of PortAudio's own that never waits for the program: what nobody takes for `MOST_S`
is dropped, and said.

    async with Microphone() as microphone, connect(url, format=microphone.format) as task:
        await task.feed(microphone.pieces())
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Self

import msgspec
import numpy as np

from stenowire.client.errors import ClientError, Unsupported
from stenowire.types import AudioFormat

PIECE_MS = 100
MOST_S = 30.0
"""Of audio that waits to be taken."""
SILENT_S = 2.0
"""Without any audio from the device for this long, something is wrong with it."""
QUIET = 1e-4
"""Full scale is 1; a live microphone in a silent room has more noise than this."""
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000
FALLBACK_RATE_HZ = 48_000


class NoDevice(ClientError):
    pass


class Level(msgspec.Struct, frozen=True):
    """Of one piece: 0..1 of full scale."""

    peak: float
    rms: float


class DeviceEvent(msgspec.Struct, frozen=True):
    kind: Literal["no_audio", "audio_again", "lost", "found", "overflow", "all_zero"]
    """no_audio: nothing has come for `SILENT_S`; lost: the device has gone, and is looked for; overflow: audio was
    dropped as nobody took it; all_zero: what comes is no sound at all, as from a microphone that is not allowed."""
    message: str


class Device(msgspec.Struct, frozen=True):
    number: int
    name: str
    channels: int
    rate_hz: int
    default: bool


def devices() -> list[Device]:
    """All that can record. Raises Unsupported without PortAudio."""
    audio = _portaudio()
    chosen = audio.default.device[0]
    return [
        Device(
            number,
            str(found["name"]),
            int(found["max_input_channels"]),
            _rate_hz(found),
            number == chosen,
        )
        for number, found in enumerate(audio.query_devices())
        if found["max_input_channels"] > 0
    ]


def find(wanted: int | str | None) -> Device:
    """By number, name or a part of it; None is the system's own choice. Raises NoDevice, which lists what there is."""
    known = devices()
    if wanted is None:
        fits = [device for device in known if device.default] or known
    elif isinstance(wanted, int) or wanted.isdigit():
        fits = [device for device in known if device.number == int(wanted)]
    else:
        fits = [device for device in known if device.name == wanted] or [
            device for device in known if wanted.lower() in device.name.lower()
        ]
    if not fits:
        listed = "; ".join(f"{device.number}: {device.name}" for device in known) or "none"
        raise NoDevice(f"no microphone {wanted if wanted is not None else ''!r} here; there are: {listed}")
    return fits[0]


class Microphone:
    """Recording begins when the block is entered, and `format` is known then."""

    def __init__(
        self,
        device: int | str | None = None,
        *,
        on_level: Callable[[Level], None] = lambda level: None,
        on_event: Callable[[DeviceEvent], None] = lambda event: None,
    ) -> None:
        self._wanted = device
        self._on_level = on_level
        self._on_event = on_event
        self._waiting: deque[bytes] = deque()
        self._came = asyncio.Event()
        self._zeros = 0
        self._stopped = False
        self._stream: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.format = AudioFormat("pcm", FALLBACK_RATE_HZ)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._open, None)
        return self

    async def __aexit__(self, *reason: object) -> None:
        self.stop()
        await asyncio.to_thread(self._close)

    def stop(self) -> None:
        """What has been recorded is still given, then `pieces` ends."""
        self._stopped = True
        self._came.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Mono pcm, about 100 ms at a time, until `stop`. A device that goes is waited for."""
        complained = False
        while True:
            while self._waiting:
                if complained:
                    complained = False
                    self._on_event(DeviceEvent("audio_again", "the microphone is heard again"))
                piece = self._waiting.popleft()
                self._judge(piece)
                yield piece
            if self._stopped:
                return
            self._came.clear()
            try:
                async with asyncio.timeout(SILENT_S):
                    await self._came.wait()
            except TimeoutError:
                if not complained:
                    self._on_event(DeviceEvent("no_audio", f"the microphone has given nothing for {SILENT_S:g} s"))
                complained = True
                await self._recover()

    # ---- the device -----------------------------------------------------------------------------------------------

    def _open(self, rate_hz: int | None) -> None:
        """At the device's own rate, or at the one that the server has been told."""
        audio = _portaudio()
        device = find(self._wanted)
        rate_hz = rate_hz or device.rate_hz
        try:
            self._stream = audio.RawInputStream(
                device=device.number,
                samplerate=rate_hz,
                channels=1,
                dtype="int16",
                blocksize=rate_hz * PIECE_MS // 1000,
                callback=self._take,
            )
            self._stream.start()
        except audio.PortAudioError as error:
            raise NoDevice(f"cannot record from {device.name}: {error}") from None
        self.format = AudioFormat("pcm", rate_hz)

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    async def _recover(self) -> None:
        """Open it again if it has gone. PortAudio knows the devices of its start, and so is started anew."""
        stream = self._stream
        if stream is not None and stream.active:
            return
        self._on_event(DeviceEvent("lost", "the microphone has gone"))
        await asyncio.to_thread(self._close)
        while not self._stopped:
            try:
                await asyncio.to_thread(self._open_anew)
            except ClientError:
                await asyncio.sleep(1.0)
            else:
                self._on_event(DeviceEvent("found", "the microphone is back"))
                return

    def _open_anew(self) -> None:
        audio = _portaudio()
        audio._terminate()
        audio._initialize()
        self._open(self.format.rate_hz)

    # ---- sound ----------------------------------------------------------------------------------------------------

    def _take(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """In PortAudio's thread."""
        assert self._loop is not None
        piece = bytes(data)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrive, piece)

    def _arrive(self, piece: bytes) -> None:
        if self._stopped:
            return
        self._waiting.append(piece)
        if len(self._waiting) * PIECE_MS > MOST_S * 1000:
            self._waiting.popleft()
            self._on_event(DeviceEvent("overflow", "audio was dropped: nobody took it in time"))
        self._came.set()

    def _judge(self, piece: bytes) -> None:
        samples = np.frombuffer(piece, "<i2").astype(np.float32) / 32_768
        peak = float(np.abs(samples).max(initial=0.0))
        self._on_level(Level(peak, float(np.sqrt(np.square(samples).mean())) if len(samples) else 0.0))
        self._zeros = self._zeros + 1 if peak < QUIET else 0
        if self._zeros * PIECE_MS == 3_000:
            self._on_event(DeviceEvent("all_zero", "the microphone gives no sound at all; is it muted or not allowed?"))


def _rate_hz(found: Any) -> int:
    """The device's own rate where a server takes it."""
    own = round(float(found["default_samplerate"]))
    return own if LOWEST_RATE_HZ <= own <= HIGHEST_RATE_HZ else FALLBACK_RATE_HZ


def _portaudio() -> Any:
    try:
        import sounddevice  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise Unsupported("microphones need the extra `microphone`: pip install stenowire[microphone]") from None
    except OSError as error:
        raise Unsupported(f"microphones need PortAudio ({error}); on Debian: apt install libportaudio2") from None
    return sounddevice
