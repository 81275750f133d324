"""Packets of one logical stream inside an Ogg stream, with their times.

Input: bytes cut anywhere; what the packets mean comes from a `Mapping`. Output: parts. Other logical streams, such as a
video's, are passed over. When the followed stream ends, or was cut off and another file begins, the next one that the
mapping knows is followed.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from stenowire.audio.codecs.ogg_pages import FIRST, LAST, NO_GRANULE, OggPages, Packets, Page
from stenowire.audio.codecs.parts import Clock, Gap, Head, Packet, Part
from stenowire.errors import BadAudio


class Stream(NamedTuple):
    """What the first packet of a logical stream announces."""

    head: Head
    headers: int
    """Packets before the audio, this one included."""
    skip: int
    """Samples at the start that are not meant to be heard."""
    origin: int
    """The granule at the start of the first packet of a whole stream."""
    late: int = 0
    """Samples by which the decoder is behind the granules. They are part of `skip`."""


class Mapping(Protocol):
    """How a codec lies in Ogg."""

    name: str

    def begin(self, packet: bytes) -> Stream | None:
        """None when the packet begins a stream of another codec."""

    def samples(self, packet: bytes) -> int:
        """How long a packet of the stream begun last sounds."""


class OggReader:
    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._pages = OggPages()
        self._packets: Packets | None = None
        """Of the stream that is followed."""
        self._serial = 0
        self._found = False
        self._past_first = False
        """Whether more has come of it than its first page: all streams of a file begin before that."""
        self._other = b""
        """How the first stream begins that is not followed."""

    def feed(self, data: bytes) -> Iterator[Part]:
        for page in self._pages.feed(data):
            if page.flags & FIRST and (self._packets is None or self._past_first):
                yield from self._begin(page)
            if self._packets is not None and page.serial == self._serial:
                yield from self._read(page, self._packets)

    def flush(self) -> Iterator[Part]:
        if not self._found:
            what = f"; it holds {self._other!r}" if self._other else ""
            raise BadAudio(f"the Ogg stream has no {self._mapping.name}{what}")
        for page in self._pages.flush():
            if self._packets is not None and page.serial == self._serial:
                yield from self._read(page, self._packets)

    def _begin(self, page: Page) -> Iterator[Part]:
        stream = self._mapping.begin(page.body)
        if stream is None:
            self._other = self._other or page.body[:8]
            return
        self._packets, self._serial, self._found, self._past_first = Packets(), page.serial, True, False
        self._stream, self._headers, self._skip = stream, stream.headers, stream.skip
        self._clock: Clock | None = None
        yield stream.head

    def _read(self, page: Page, unlaced: Packets) -> Iterator[Part]:
        self._past_first |= not page.flags & FIRST
        packets = unlaced.feed(page)
        headers = min(self._headers, len(packets))
        self._headers -= headers
        yield from self._tell(page, [(packet, self._mapping.samples(packet)) for packet in packets[headers:]])
        if page.flags & LAST:
            self._packets = None

    def _tell(self, page: Page, packets: list[tuple[bytes, int]]) -> Iterator[Part]:
        total = keep = sum(samples for _, samples in packets)
        if packets and page.granule != NO_GRANULE:
            gap, keep = self._place(page, total)
            if gap:
                yield Gap(gap)
        for packet, samples in packets:
            skip = min(self._skip, samples)
            self._skip -= skip
            yield Packet(packet, samples, skip, max(0, min(samples, keep) - skip))
            keep -= samples
        if self._clock:
            self._clock.position += total

    def _place(self, page: Page, total: int) -> tuple[int, int]:
        """(samples of silence before this page, samples of it that count)."""
        last = bool(page.flags & LAST)
        start = page.granule - total - self._stream.late
        if self._clock is None:
            self._clock = Clock(self._stream.head.rate_hz, self._stream.origin if last else start)
        too_many = self._clock.position + total - page.granule
        if last and 0 <= too_many <= total:
            return 0, total - too_many
        return self._clock.gap(start), total
