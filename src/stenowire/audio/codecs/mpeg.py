"""Frames that carry their own headers, as MP3's and ADTS's do, found while they arrive.

Input: bytes cut anywhere, with ID3 tags and rubbish between; how to read a header. Output: frames. One is believed when
another of the same kind follows it; once in step, each is told as soon as it is whole.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stenowire.audio import id3
from stenowire.errors import BadAudio

MOST_JUNK_BYTES = 1 << 18
BEGINNING = re.compile(rb"\xff|ID3")
"""Of a frame or a tag."""


class Frame(NamedTuple):
    """What a frame's header says."""

    bytes: int
    samples: int
    rate_hz: int
    channels: int
    alike: tuple[int, ...]
    """What all frames of one stream have in common."""


class FrameReader:
    """Finds frames. `read` takes the first `header_bytes` of one, and tells None when they are no header."""

    def __init__(self, name: str, header_bytes: int, read: Callable[[bytearray], Frame | None]) -> None:
        self._name, self._header_bytes, self._read = name, header_bytes, read
        self._held = bytearray()
        self._tag_left = 0
        self._junk_bytes = 0
        self._alike: tuple[int, ...] | None = None
        """Of the frames in step; None while out of step."""
        self._any = False

    def feed(self, data: bytes) -> Iterator[tuple[Frame, bytes]]:
        self._held += data
        yield from self._frames(last=False)

    def flush(self) -> Iterator[tuple[Frame, bytes]]:
        """Raises BadAudio when there never was a frame."""
        yield from self._frames(last=True)
        if not self._any:
            raise BadAudio(f"no {self._name} frame in it")

    def _frames(self, last: bool) -> Iterator[tuple[Frame, bytes]]:
        while self._pass_tag():
            frame = self._read(self._held)
            if frame is None or frame.alike != self._alike:
                self._alike = None
            if frame is None:
                self._step()
                continue
            if self._alike is None:
                if len(self._held) < frame.bytes + self._header_bytes and not last:
                    return
                if not self._believed(frame):
                    self._step()
                    continue
            if len(self._held) < frame.bytes:
                return
            data = bytes(self._held[: frame.bytes])
            del self._held[: frame.bytes]
            self._alike, self._junk_bytes, self._any = frame.alike, 0, True
            yield frame, data

    def _believed(self, frame: Frame) -> bool:
        """Whether another frame follows this one, or all ends with it."""
        if len(self._held) == frame.bytes:
            return True
        after = self._read(self._held[frame.bytes : frame.bytes + self._header_bytes])
        return after is not None and after.alike == frame.alike

    def _step(self) -> None:
        """On to the next byte that may begin a frame or a tag."""
        found = BEGINNING.search(self._held, 1)
        # The last two bytes may begin a tag.
        junk = found.start() if found else max(1, len(self._held) - 2)
        del self._held[:junk]
        self._junk_bytes += junk
        if self._junk_bytes > MOST_JUNK_BYTES:
            raise BadAudio(f"no {self._name} frame in {MOST_JUNK_BYTES >> 10} KB")

    def _pass_tag(self) -> bool:
        """Skip an ID3v2 tag, a cover's picture and all; False when bytes lack."""
        while True:
            skipped = min(self._tag_left, len(self._held))
            del self._held[:skipped]
            self._tag_left -= skipped
            if self._tag_left or len(self._held) < self._header_bytes:
                return False
            if not self._held.startswith(id3.MAGIC):
                return True
            if len(self._held) < id3.HEADER_BYTES:
                return False
            self._tag_left = id3.tag_bytes(self._held)
            if self._tag_left == 0:
                return True
