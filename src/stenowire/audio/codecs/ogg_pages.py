"""Pages of an Ogg stream, and the packets on them (RFC 3533).

Input: bytes cut anywhere. Output: pages, then packets. A page may hold seconds of speech, so its packets are told while
it comes in, as if it were several; but not of a last page, whose header cuts its end, nor after a hole, whose length
only shows at the page's end. Checksums are not looked at, since TCP has its own: a damaged page is damaged packets.
A page in whose body another begins was cut off there, as where a recorder was killed and a new file follows.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from stenowire.errors import BadAudio

MAGIC = b"OggS"
BEGINNING = MAGIC + b"\0"
"""Of every page: its version is 0."""
HEADER_BYTES = 27
FLAGS_AT, SEGMENTS_AT = 5, 26
CONTINUED, FIRST, LAST = 1, 2, 4
NO_GRANULE = -1
LARGEST_PACKET_BYTES = 1 << 18
"""What is longer is a comment with a picture in it; its contents are dropped."""
MOST_JUNK_BYTES = 1 << 18


class Page(NamedTuple):
    flags: int
    granule: int
    """Samples of the stream at the end of the last packet that ends here, -1 when none does."""
    serial: int
    number: int
    lacing: bytes
    body: bytes


class OggPages:
    """Finds pages; what lies between them is skipped. Raises BadAudio when nothing but that comes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._junk_bytes = 0
        self._last = -1, -1
        """Serial and number of the last page, where nothing is missing behind it."""

    def feed(self, data: bytes) -> Iterator[Page]:
        self._held += data
        while (page := self._next()) is not None:
            yield page

    def flush(self) -> Iterator[Page]:
        """What there is of a page that is not whole."""
        if self._align() and (page := self._part(len(self._held))) is not None:
            yield page

    def _next(self) -> Page | None:
        held = self._held
        while self._align():
            _, _, flags, granule, serial, number = struct.unpack_from("<4sBBqII", held)
            begin = HEADER_BYTES + held[SEGMENTS_AT]
            lacing = bytes(held[HEADER_BYTES:begin])
            end = begin + sum(lacing)
            another = held.find(BEGINNING, begin, end)
            if another < 0 and len(held) >= max(begin, end):
                page = Page(flags, granule, serial, number, lacing, bytes(held[begin:end]))
                del held[:end]
                self._last, self._junk_bytes = (serial, number), 0
                return page
            follows = not flags & (FIRST | LAST) and self._last in ((serial, number - 1), (serial, number))
            part = self._part(another if another >= 0 else self._sure()) if follows else None
            if part is not None or another < 0:
                return part
            # A hole follows.
            self._last = -1, -1
            self._drop(another)
        return None

    def _sure(self) -> int:
        """Up to where no other page can have begun."""
        begun = (n for n in range(len(BEGINNING) - 1, 0, -1) if self._held.endswith(BEGINNING[:n]))
        return len(self._held) - next(begun, 0)

    def _part(self, limit: int) -> Page | None:
        """The packets that are whole before `limit`; they are cut out of what is held, and the page goes on behind
        them."""
        held = self._held
        _, _, flags, _, serial, number = struct.unpack_from("<4sBBqII", held)
        begin = HEADER_BYTES + held[SEGMENTS_AT]
        lacing = held[HEADER_BYTES:begin]
        segments = size = seen = 0
        for at, length in enumerate(lacing, 1):
            seen += length
            if begin + seen > limit:
                break
            if length < 255:
                segments, size = at, seen
        if segments == 0:
            return None
        page = Page(
            flags & CONTINUED, NO_GRANULE, serial, number, bytes(lacing[:segments]), bytes(held[begin : begin + size])
        )
        del held[begin : begin + size]
        del held[HEADER_BYTES : HEADER_BYTES + segments]
        held[SEGMENTS_AT] -= segments
        held[FLAGS_AT] &= ~CONTINUED
        self._last = serial, number
        return page

    def _align(self) -> bool:
        """Whether a page's fixed header lies at the start of what is held."""
        found = self._held.find(MAGIC)
        self._drop(found if found >= 0 else max(0, len(self._held) - len(MAGIC) + 1))
        return found >= 0 and len(self._held) >= HEADER_BYTES

    def _drop(self, junk: int) -> None:
        del self._held[:junk]
        self._junk_bytes += junk
        if self._junk_bytes > MOST_JUNK_BYTES:
            raise BadAudio(f"no Ogg page in {MOST_JUNK_BYTES >> 10} KB")


class Packets:
    """Packets that end on a page, put together from their segments."""

    def __init__(self) -> None:
        self._number = -1
        self._partial: bytearray | None = bytearray()
        """The packet that goes on; None when its beginning was lost."""

    def feed(self, page: Page) -> list[bytes]:
        follows = page.number - self._number in (0, 1) and bool(page.flags & CONTINUED) == bool(self._partial)
        if not follows:
            self._partial = None if page.flags & CONTINUED else bytearray()
        self._number = page.number
        packets: list[bytes] = []
        at = 0
        for length in page.lacing:
            if self._partial is not None and len(self._partial) <= LARGEST_PACKET_BYTES:
                self._partial += page.body[at : at + length]
            at += length
            if length == 255:
                continue
            if self._partial is not None:
                packets.append(bytes(self._partial) if len(self._partial) <= LARGEST_PACKET_BYTES else b"")
            self._partial = bytearray()
        return packets
