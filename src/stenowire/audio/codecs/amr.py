"""Frames of AMR and AMR-WB files (RFC 4867, 5; frame sizes of 3GPP TS 26.101 and 26.201).

Input: bytes cut anywhere. Output: parts, 20 ms each.
"""

from collections.abc import Iterator
from typing import NamedTuple

from stenowire.audio.codecs.parts import Head, Packet, Part
from stenowire.errors import BadAudio, UnsupportedFormat

MOST_JUNK_BYTES = 1 << 12


class Kind(NamedTuple):
    codec: str
    """Of OpenCORE: FFmpeg's own decoders know no comfort noise, which phones send for every pause."""
    rate_hz: int
    sizes: tuple[int, ...]
    """Bytes of a frame with its header byte, by the frame type in bits 3..6 of that; 0 is no type."""


NARROW = Kind("libopencore_amrnb", 8_000, (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1))
WIDE = Kind("libopencore_amrwb", 16_000, (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1))
KINDS = {b"#!AMR\n": NARROW, b"#!AMR-WB\n": WIDE}
LONGEST_MAGIC = max(map(len, KINDS))


class AmrReader:
    def __init__(self) -> None:
        self._held = bytearray()
        self._kind: Kind | None = None
        self._junk_bytes = 0

    def feed(self, data: bytes) -> Iterator[Part]:
        self._held += data
        if self._kind is None:
            if len(self._held) < LONGEST_MAGIC and any(magic.startswith(self._held) for magic in KINDS):
                return
            yield self._begin()
        while self._held and (packet := self._next()) is not None:
            if packet.data:
                yield packet

    def flush(self) -> Iterator[Part]:
        if self._kind is None:
            yield self._begin()

    def _begin(self) -> Head:
        if self._held.startswith(b"#!AMR_MC") or self._held.startswith(b"#!AMR-WB_MC"):
            raise UnsupportedFormat("AMR of several channels is not supported", "format")
        for magic, kind in KINDS.items():
            if self._held.startswith(magic):
                del self._held[: len(magic)]
                self._kind = kind
                return Head(kind.codec, kind.rate_hz)
        raise BadAudio(f"not an AMR header: {bytes(self._held[:LONGEST_MAGIC])!r}")

    def _next(self) -> Packet | None:
        """A frame; an empty one for a byte that begins none."""
        assert self._kind is not None
        size = self._kind.sizes[self._held[0] >> 3 & 15]
        if self._held[0] & 0x83 or size == 0:
            self._junk_bytes += 1
            if self._junk_bytes > MOST_JUNK_BYTES:
                raise BadAudio("the AMR stream is damaged")
            del self._held[:1]
            return Packet(b"", 0)
        if len(self._held) < size:
            return None
        data = bytes(self._held[:size])
        del self._held[:size]
        return Packet(data, self._kind.rate_hz // 50)
