"""Whatever a program has, as audio for `Recognition.feed`: bytes, a file, an iterator.

In: a source. Out: its format and its pieces. A wav file is read here and goes out as plain pcm, so that it can be cut
where a connection broke; coded files go out as they are, and from their beginning again if need be.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from stenowire.audio.decode import Decoder
from stenowire.audio.resample import Resampler
from stenowire.client.aio import recognise
from stenowire.client.recording import Unreadable
from stenowire.errors import StenowireError
from stenowire.events import Final, Partial
from stenowire.types import SESSION_RATE_HZ, AudioFormat, Encoding, Samples

READ_BYTES = 32 << 10
PIECE_BYTES = 6_400
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000

CODED: dict[bytes, Encoding] = {
    b"fLaC": "flac",
    b"ID3": "mp3",
    b"\xff\xfb": "mp3",
    b"\xff\xf3": "mp3",
    b"\xff\xf2": "mp3",
    b"\xff\xf1": "aac",
    b"\xff\xf9": "aac",
    b"#!AMR": "amr",
    b"\x1aE\xdf\xa3": "opus",
}
"""First bytes of what a server decodes. Ogg may hold Opus, Speex or FLAC."""


class Audio(msgspec.Struct, frozen=True):
    format: AudioFormat
    pieces: AsyncIterator[bytes]


def of_bytes(data: bytes, format: AudioFormat) -> Audio:
    return of_pieces((data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)), format)


def of_pieces(pieces: Iterable[bytes] | AsyncIterable[bytes], format: AudioFormat) -> Audio:
    """An iterator, of either kind. A plain one that waits (for a device, say) belongs in a thread: see `sync`."""
    return Audio(format, _each(pieces))


def of_file(path: Path | str) -> Audio:
    """Raises Unreadable for what is no audio that any server here takes."""
    path = Path(path)
    try:
        file = path.open("rb")
        head = file.read(64)
        file.seek(0)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None
    encoding = kind_of(head)
    if encoding is None:
        file.close()
        raise Unreadable(f"{path.name} is not audio in a format that is known here")
    if encoding != "wav":
        return Audio(AudioFormat(encoding, SESSION_RATE_HZ), _read(file))
    try:
        decoded = Decoded(file)
    except (StenowireError, OSError) as error:
        file.close()
        raise Unreadable(f"{path.name}: {error}") from None
    return Audio(AudioFormat("pcm", decoded.rate_hz), _threaded(decoded.pieces()))


def kind_of(head: bytes) -> Encoding | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"OggS"):
        return "speex" if b"Speex   " in head else "flac" if b"FLAC" in head else "opus"
    return next((kind for magic, kind in CODED.items() if head.startswith(magic)), None)


async def transcribe(
    source: Path | str | Audio, url: str | Sequence[str], **wishes: object
) -> AsyncIterator[Partial | Final]:
    """All of a file, or of other audio, as sentences. Takes what `connect` takes."""
    audio = source if isinstance(source, Audio) else of_file(source)
    async for update in recognise(audio.pieces, url, format=audio.format, **wishes):
        yield update


class Decoded:
    """A wav file as mono pcm at its own rate, or at 16 kHz where no server takes that."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = Decoder(AudioFormat("wav", SESSION_RATE_HZ))
        self._first: Samples = np.empty(0, np.float32)
        while not len(self._first) and (data := file.read(READ_BYTES)):
            self._first = self._decoder.feed(data)
        rate_hz = self._decoder.rate_hz or SESSION_RATE_HZ
        fits = LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ
        self.rate_hz = rate_hz if fits else SESSION_RATE_HZ
        self._resampler = None if fits else Resampler(rate_hz)

    def pieces(self) -> Iterator[bytes]:
        with self._file:
            yield self._pcm(self._first)
            while data := self._file.read(READ_BYTES):
                yield self._pcm(self._decoder.feed(data))
            yield self._pcm(self._decoder.flush())
            if self._resampler is not None:
                yield _integers(self._resampler.flush())

    def _pcm(self, samples: Samples) -> bytes:
        return _integers(samples if self._resampler is None else self._resampler.feed(samples))


def _integers(samples: Samples) -> bytes:
    return bytes(np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes())


async def _each(pieces: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(pieces, AsyncIterable):
        async for piece in pieces:
            yield piece
        return
    for piece in pieces:
        yield piece


async def _read(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while data := await asyncio.to_thread(file.read, READ_BYTES):
            yield data


async def _threaded(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Disks and decoders are waited for in a thread."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
