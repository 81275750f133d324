"""Frames of a FLAC stream (RFC 9639), found while they arrive.

Input: bytes cut anywhere. Output: parts. A frame does not say how long it is: it ends where the header of the next one
begins, so the last one is always held back. A header is believed by its checksum, its number and its stream's nature.
"""

from collections.abc import Iterator
from typing import NamedTuple

from stenowire.audio import id3
from stenowire.audio.codecs.parts import Gap, Head, Packet, Part
from stenowire.errors import BadAudio

MAGIC = b"fLaC"
STREAMINFO_BYTES = 34
LARGEST_FRAME_BYTES = 1 << 21
"""65,535 samples of 8 channels at 32 bits."""
LONGEST_HEADER_BYTES = 16
MOST_CHANNELS = 8
SMALLEST_FRAME_BYTES = 10
MOST_LOST_FRAMES = 64
"""After a longer hole the stream is not believed any more."""


def _crc8_table() -> bytes:
    """Polynomial x^8 + x^2 + x + 1 (RFC 9639, 9.1.8)."""
    table = bytearray()
    for byte in range(256):
        for _ in range(8):
            byte = byte << 1 ^ (0x107 if byte & 0x80 else 0)
        table.append(byte)
    return bytes(table)


CRC8 = _crc8_table()


class Header(NamedTuple):
    alike: tuple[int, ...]
    """What all frames of one stream have in common."""
    number: int
    """Of the frame, or of its first sample where `variable`."""
    samples: int
    variable: bool


def read_header(data: bytes | bytearray, at: int) -> Header | None:
    """The frame header at this place, None when there is none; 16 bytes from there on must be at hand."""
    if data[at] != 0xFF or data[at + 1] & 0xFE != 0xF8:
        return None
    block_code, rate_code = data[at + 2] >> 4, data[at + 2] & 15
    channels, depth = data[at + 3] >> 4, data[at + 3] >> 1 & 7
    if block_code == 0 or rate_code == 15 or channels > 10 or depth == 3 or data[at + 3] & 1:
        return None
    number, end = _read_number(data, at + 4)
    if number is None:
        return None
    samples = _block(block_code)
    if block_code in (6, 7):
        width = block_code - 5
        samples = int.from_bytes(data[end : end + width], "big") + 1
        end += width
    end += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    crc = 0
    for byte in data[at:end]:
        crc = CRC8[crc ^ byte]
    variable = bool(data[at + 1] & 1)
    return Header((variable, rate_code, depth), number, samples, variable) if crc == data[end] else None


def _block(code: int) -> int:
    if code == 1:
        return 192
    return 144 << code if code < 6 else 1 << code


def _read_number(data: bytes | bytearray, at: int) -> tuple[int | None, int]:
    """(number, place behind it), coded as UTF-8 would, in up to 7 bytes."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    more = 7 - (first ^ 0xFF).bit_length()
    if not 1 <= more <= 6:
        return None, at
    number = first & (0x3F >> more)
    for byte in data[at + 1 : at + 1 + more]:
        if byte & 0xC0 != 0x80:
            return None, at
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


class FlacReader:
    def __init__(self) -> None:
        self._held = bytearray()
        self._skip_bytes = 0
        self._head: Head | None = None
        self._in_metadata = True
        self._header: Header | None = None
        """Of the frame at the start of what is held."""
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Part]:
        self._held += data
        while self._in_metadata and self._block_at_hand():
            if self._head:
                self._skip_block()
            else:
                self._head = self._begin()
                yield self._head
        if not self._in_metadata and self._skipped():
            yield from self._frames(last=False)

    def flush(self) -> Iterator[Part]:
        if self._in_metadata or not self._skipped():
            raise BadAudio("the FLAC stream ended inside its header")
        yield from self._frames(last=True)
        if self._header is not None:
            # Whether it is whole only the decoder can tell.
            yield Packet(bytes(self._held), 0)

    # ---- metadata -----------------------------------------------------------------------------------------------

    def _block_at_hand(self) -> bool:
        """Whether what is needed of the next block has come: all of the first, the header of any other."""
        if self._head:
            return self._skipped() and len(self._held) >= 4
        while self._skipped() and (tag := id3.tag_bytes(self._held)):
            # Some rippers write one in front of all.
            self._skip_bytes = tag
        if id3.MAGIC.startswith(self._held[:3]) and len(self._held) < id3.HEADER_BYTES:
            return False
        if self._held[:4] != MAGIC[: len(self._held)]:
            raise BadAudio(f"not a FLAC header: {bytes(self._held[:4])!r}")
        return len(self._held) >= len(MAGIC) + 4 + STREAMINFO_BYTES

    def _skipped(self) -> bool:
        skipped = min(self._skip_bytes, len(self._held))
        del self._held[:skipped]
        self._skip_bytes -= skipped
        return self._skip_bytes == 0

    def _begin(self) -> Head:
        block = self._held[4:8]
        if block[0] & 0x7F or int.from_bytes(block[1:], "big") != STREAMINFO_BYTES:
            raise BadAudio("the FLAC stream does not begin with its STREAMINFO")
        info = bytes(self._held[8 : 8 + STREAMINFO_BYTES])
        rate_hz = int.from_bytes(info[10:13], "big") >> 4
        if rate_hz == 0:
            raise BadAudio("the FLAC header says 0 Hz")
        del self._held[: 8 + STREAMINFO_BYTES]
        self._in_metadata = not block[0] >> 7
        return Head("flac", rate_hz, (info[12] >> 1 & 7) + 1, info)

    def _skip_block(self) -> None:
        """Comments, pictures, tables. Where a frame begins instead, the writer forgot to mark the last block."""
        if self._held[0] == 0xFF:
            self._in_metadata = False
            return
        self._in_metadata = not self._held[0] >> 7
        self._skip_bytes = 4 + int.from_bytes(self._held[1:4], "big")

    # ---- frames -------------------------------------------------------------------------------------------------

    def _frames(self, last: bool) -> Iterator[Part]:
        while (found := self._find(last)) is not None:
            at, header = found
            if (now := self._header) is not None:
                yield Packet(bytes(self._held[:at]), now.samples)
                if missing := self._missing(now, header):
                    yield Gap(missing)
            del self._held[:at]
            self._header, self._searched = header, SMALLEST_FRAME_BYTES

    def _find(self, last: bool) -> tuple[int, Header] | None:
        """The next header that may follow the present one."""
        held = self._held + bytes(LONGEST_HEADER_BYTES) if last else self._held
        limit = len(held) - LONGEST_HEADER_BYTES
        at = held.find(b"\xff", self._searched, max(0, limit))
        while at >= 0:
            header = read_header(held, at)
            if header is not None and self._follows(header):
                return at, header
            at = held.find(b"\xff", at + 1, limit)
        self._searched = max(self._searched, limit)
        if len(held) > LARGEST_FRAME_BYTES:
            raise BadAudio("the FLAC stream is damaged")
        return None

    def _follows(self, header: Header) -> bool:
        now = self._header
        if now is None:
            return True
        return header.alike == now.alike and 0 <= self._missing(now, header) <= MOST_LOST_FRAMES * now.samples

    def _missing(self, now: Header, header: Header) -> int:
        """Samples lost between two frames."""
        if now.variable:
            return header.number - now.number - now.samples
        return (header.number - now.number - 1) * now.samples
