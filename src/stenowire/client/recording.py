"""A recording as a client sends it: what its header says, and its bytes in pieces.

In: a path, or the descriptor of a stream. Out: a `Recording`, or `Unreadable` with the reason. The bytes go out as they
are, header and all. Of wav files the header is read here for the pace and the length; of all others only what they are.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from stenowire.audio.kinds import identify
from stenowire.errors import UnsupportedFormat
from stenowire.types import AudioFormat

PIECE_MS = 100
MOST_HEADER_BYTES = 1 << 20
"""A wav file may carry texts and pictures before its audio, but not endlessly."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000
"""What may be declared. A server goes by the header, and judges its rate itself."""

CODED_RATE_HZ = 16_000
"""Declared for coded files, whose own headers say more than we would."""
CODED_PIECE_BYTES = 4096
HEAD_BYTES = 512
"""Enough to know an Ogg stream by its first packet."""


class Unreadable(Exception):
    """The audio cannot be used; the message says why in one line."""


class Source(Protocol):
    def read(self, count: int, /) -> bytes: ...


class Recording(msgspec.Struct, frozen=True):
    name: str
    format: AudioFormat
    bytes_per_s: int
    """0 for coded audio: its pace shows only when it is decoded."""
    length_s: float | None
    """None when the header does not say, as in a stream."""
    header: bytes
    source: Source

    def pieces(self) -> Iterator[bytes]:
        """All bytes, the header first, then about 100 ms at a time."""
        yield self.header
        size = max(1, self.bytes_per_s * PIECE_MS // 1000) if self.bytes_per_s else CODED_PIECE_BYTES
        while piece := self.source.read(size):
            yield piece


def open_file(path: Path) -> Recording:
    try:
        return _read_header(path.name, path.open("rb"))
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None


def open_stream(descriptor: int) -> Recording:
    return _read_header("standard input", Descriptor(descriptor))


class Descriptor:
    """Unbuffered, so that a thread waiting in `read` holds no lock of the interpreter's own stream."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, count: int, /) -> bytes:
        return os.read(self._descriptor, count)


def _read_header(name: str, source: Source | BinaryIO) -> Recording:
    """Layout: Multimedia Programming Interface and Data Specifications 1.0, "Waveform Audio File Format"."""
    header = _exactly(source, 12, b"")
    if not header:
        raise Unreadable(f"{name} is empty")
    if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
        return _coded(name, source, _exactly(source, HEAD_BYTES, header))
    rate_hz = bytes_per_s = 0
    while len(header) < MOST_HEADER_BYTES:
        chunk = _exactly(source, 8, b"")
        header += chunk
        if len(chunk) < 8:
            break
        kind, size = struct.unpack("<4sI", chunk)
        if kind == b"data":
            return _recording(name, source, header, rate_hz, bytes_per_s, size)
        body = _exactly(source, min(size + size % 2, MOST_HEADER_BYTES), b"")
        header += body
        if kind == b"fmt " and len(body) >= 16:
            rate_hz, bytes_per_s = struct.unpack_from("<II", body, 4)
    raise Unreadable(f"{name} is a wav file without audio")


def _recording(name: str, source: Source, header: bytes, rate_hz: int, bytes_per_s: int, data_bytes: int) -> Recording:
    if not rate_hz or not bytes_per_s:
        raise Unreadable(f"{name} is a wav file that does not say how its audio is laid out")
    streamed = data_bytes in (0, 0xFFFFFFFF, 0x7FFFFFFF)
    length_s = None if streamed else data_bytes / bytes_per_s
    declared = AudioFormat("wav", min(max(rate_hz, LOWEST_RATE_HZ), HIGHEST_RATE_HZ))
    return Recording(name, declared, bytes_per_s, length_s, header, source)


def _exactly(source: Source, count: int, so_far: bytes) -> bytes:
    """`count` bytes, or fewer at the end."""
    while len(so_far) < count and (piece := source.read(count - len(so_far))):
        so_far += piece
    return so_far


def _coded(name: str, source: Source, head: bytes) -> Recording:
    try:
        return Recording(name, AudioFormat(identify(head), CODED_RATE_HZ), 0, None, head, source)
    except UnsupportedFormat as error:
        raise Unreadable(error.message.replace("the recording", name, 1)) from None
