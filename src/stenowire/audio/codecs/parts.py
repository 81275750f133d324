"""What a reader finds in a coded stream: heads, packets and gaps.

A reader takes bytes cut anywhere, as a client sends them, and yields parts in the order of time. It knows how long each
packet sounds, so that a packet that cannot be decoded costs its own time and moves nothing else. It does not decode,
and imports nothing heavy: readers run in the decoder process.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol


class Head(NamedTuple):
    """A stream of one codec begins: also half-way, where a recorder sends each piece as a file of its own."""

    codec: str
    """Name of an FFmpeg decoder."""
    rate_hz: int
    """Of the clock in which packets and gaps are counted."""
    channels: int = 1
    extradata: bytes = b""


class Packet(NamedTuple):
    """What a decoder takes at once. Of its sound only [skip, skip + keep) is meant to be heard."""

    data: bytes
    samples: int
    """How long it sounds, in the head's clock: so much silence stands in for it when it is damaged."""
    skip: int = 0
    keep: int | None = None
    """None is all that is left."""


class Gap(NamedTuple):
    """Sound that is missing here; it is silence then, so that what follows keeps its time."""

    samples: int


Part = Head | Packet | Gap


class Reader(Protocol):
    """Raises BadAudio for what is not its format, UnsupportedFormat for a variant that is not decoded here."""

    def feed(self, data: bytes) -> Iterator[Part]: ...

    def flush(self) -> Iterator[Part]:
        """What was held back; what is not whole is lost."""


NewReader = Callable[[], Reader]


class Clock:
    """Where a stream is and where it says it is, both in samples; tells the silence that lies between.

    A step of less than 20 ms is how a writer rounds; one of more than a minute, or backwards, is a new time base.
    """

    def __init__(self, rate_hz: int, position: int, tolerance_ms: int = 20) -> None:
        self.position = position
        self._tolerance = rate_hz * tolerance_ms // 1000
        self._most = rate_hz * 60

    def gap(self, start: int) -> int:
        """Samples of silence before the sound that is said to start here."""
        missing = start - self.position
        if abs(missing) < self._tolerance:
            return 0
        self.position = start
        return missing if 0 < missing <= self._most else 0
