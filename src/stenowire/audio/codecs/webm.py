"""Packets of the first audio track of a WebM or Matroska stream (RFC 8794 and RFC 9559), with their times.

Input: bytes cut anywhere, as a browser's recorder writes them: sizes may be unknown, and nothing is sought. Output:
parts of the one codec that was asked for.

Only the names of elements matter here: those that hold what we need are entered, their own sizes unread; a few inside
them are kept; all others are skipped by their size.
"""

import struct
from collections.abc import Callable, Iterator

from stenowire.audio.codecs.lacing import number_bytes, unlaced
from stenowire.audio.codecs.parts import Clock, Gap, Head, Packet, Part
from stenowire.errors import BadAudio, UnsupportedFormat

MAGIC = b"\x1aE\xdf\xa3"

EBML, SEGMENT, INFO, TRACKS, TRACK = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE
CLUSTER, BLOCK_GROUP = 0x1F43B675, 0xA0
ENTERED = {SEGMENT, INFO, TRACKS, TRACK, CLUSTER, BLOCK_GROUP}
TIME_SCALE, NUMBER, KIND, CODEC, PRIVATE = 0x2AD7B1, 0xD7, 0x83, 0x86, 0x63A2
CLUSTER_TIME, BLOCK, DISCARD_PADDING, SIMPLE_BLOCK = 0xE7, 0xA1, 0x75A2, 0xA3
KEPT = {TIME_SCALE, NUMBER, KIND, CODEC, PRIVATE, CLUSTER_TIME, BLOCK, DISCARD_PADDING, SIMPLE_BLOCK}

AUDIO = 2
LARGEST_KEPT_BYTES = 1 << 18
LARGEST_HEADER_BYTES = 12
"""Four bytes of name, eight of size."""
JITTER_MS = 60
"""Recorders stamp blocks with whole milliseconds of a clock that is not the sound card's."""
LACING = 0b110


class WebmReader:
    """`read_head` makes a decoder's head of a track's private data, and says what to skip; `samples` times a packet."""

    def __init__(
        self, codec: str, read_head: Callable[[bytes], tuple[Head, int]], samples: Callable[[bytes], int]
    ) -> None:
        self._codec, self._read_head, self._samples = codec, read_head, samples
        self._held = bytearray()
        self._skip_bytes = 0
        self._tracks: list[dict[int, bytes]] = []
        self._head: Head | None = None
        self._track = -1
        self._skip = 0
        self._clock: Clock | None = None
        self._scale_ns = 1_000_000
        self._cluster_time = 0
        self._waiting = b""
        """The last block of a group, whose end may be cut by what follows it."""

    def feed(self, data: bytes) -> Iterator[Part]:
        self._held += data
        while (element := self._element()) is not None:
            yield from self._obey(*element)

    def flush(self) -> Iterator[Part]:
        if self._head is None:
            raise BadAudio("the WebM stream ended before its audio began")
        yield from self._release()

    # ---- elements -----------------------------------------------------------------------------------------------

    def _element(self) -> tuple[int, bytes] | None:
        """(name, contents) of the next element that is entered or kept; the contents of an entered one are b""."""
        while True:
            skipped = min(self._skip_bytes, len(self._held))
            del self._held[:skipped]
            self._skip_bytes -= skipped
            if self._skip_bytes or (header := self._header()) is None:
                return None
            name, size, begin = header
            if name in ENTERED:
                del self._held[:begin]
                return name, b""
            if size is None or (name in KEPT and size > LARGEST_KEPT_BYTES):
                raise BadAudio(f"the WebM stream is damaged: element {name:x} of size {size}")
            if name in KEPT:
                if len(self._held) < begin + size:
                    return None
                contents = bytes(self._held[begin : begin + size])
                del self._held[: begin + size]
                return name, contents
            self._skip_bytes = begin + size

    def _header(self) -> tuple[int, int | None, int] | None:
        """(name, size or None when unknown, bytes of the header); None when it is not whole yet."""
        held = self._held
        name_bytes = number_bytes(held[0]) if held else 1
        if name_bytes > 4:
            raise BadAudio("the WebM stream is damaged")
        size_bytes = number_bytes(held[name_bytes]) if len(held) > name_bytes else 1
        if size_bytes > 8:
            raise BadAudio("the WebM stream is damaged")
        if len(held) < name_bytes + size_bytes:
            return None
        begin = name_bytes + size_bytes
        unmarked = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(held[name_bytes:begin], "big") & unmarked
        return int.from_bytes(held[:name_bytes], "big"), None if size == unmarked else size, begin

    def _obey(self, name: int, contents: bytes) -> Iterator[Part]:
        if name in (CLUSTER, BLOCK_GROUP, BLOCK, SIMPLE_BLOCK):
            yield from self._release()
        match name:
            case 0xAE:
                self._tracks = [*self._tracks[-15:], {}]
            case 0xD7 | 0x83 | 0x86 | 0x63A2:
                if self._tracks:
                    self._tracks[-1][name] = contents
            case 0x2AD7B1:
                self._scale_ns = int.from_bytes(contents, "big") or 1_000_000
            case 0xE7:
                self._cluster_time = int.from_bytes(contents, "big")
            case 0x1F43B675 if self._head is None:
                yield self._begin()
            case 0xA1 if self._head is not None:
                self._waiting = contents
            case 0x75A2:
                yield from self._release(max(0, int.from_bytes(contents[:8], "big", signed=True)))
            case 0xA3 if self._head is not None:
                yield from self._block(contents)

    def _begin(self) -> Head:
        for track in self._tracks:
            if int.from_bytes(track.get(KIND, b""), "big") != AUDIO:
                continue
            codec = track.get(CODEC, b"").rstrip(b"\0").decode("latin-1")
            if codec != self._codec:
                raise UnsupportedFormat(f"the WebM stream holds {codec[:32]!r}, not {self._codec}", "format")
            self._track = int.from_bytes(track.get(NUMBER, b""), "big")
            self._head, self._skip = self._read_head(track.get(PRIVATE, b""))
            return self._head
        raise BadAudio("the WebM stream has no audio track")

    def _release(self, cut_ns: int = 0) -> Iterator[Part]:
        """The block that waits, less so much of its end."""
        block, self._waiting = self._waiting, b""
        if block:
            yield from self._block(block, cut_ns)

    def _block(self, block: bytes, cut_ns: int = 0) -> Iterator[Part]:
        assert self._head is not None
        width = number_bytes(block[0]) if block else 9
        if len(block) < width + 3:
            raise BadAudio("the WebM stream is damaged: a block without a header")
        number = int.from_bytes(block[:width], "big") & (1 << 7 * width) - 1
        if number != self._track:
            return
        time, flags = struct.unpack_from(">hB", block, width)
        yield from self._place((self._cluster_time + time) * self._scale_ns)
        packets = unlaced(block[width + 3 :], flags & LACING)
        lengths = [self._samples(packet) for packet in packets]
        left = sum(lengths) - cut_ns * self._head.rate_hz // 1_000_000_000
        for packet, samples in zip(packets, lengths, strict=True):
            skip = min(self._skip, samples)
            self._skip -= skip
            yield Packet(packet, samples, skip, max(0, min(samples, left) - skip) if left < samples else None)
            left -= samples
        if self._clock:
            self._clock.position += sum(lengths)

    def _place(self, at_ns: int) -> Iterator[Part]:
        assert self._head is not None
        start = at_ns * self._head.rate_hz // 1_000_000_000
        if self._clock is None:
            self._clock = Clock(self._head.rate_hz, start, JITTER_MS)
        if gap := self._clock.gap(start):
            yield Gap(gap)
