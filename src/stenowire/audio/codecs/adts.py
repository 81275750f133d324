"""AAC in ADTS (ISO 13818-7, 6.2).

Input: bytes cut anywhere. Output: parts. Nothing in it says what the encoder put before the audio; the first frame is
what every AAC encoder needs to start, and is skipped.
"""

from collections.abc import Iterator

from stenowire.audio.codecs.mpeg import Frame, FrameReader
from stenowire.audio.codecs.parts import Head, Packet, Part
from stenowire.errors import UnsupportedFormat

RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
SAMPLES = 1024


def read_adts(header: bytearray) -> Frame | None:
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    profile, rate_index = header[2] >> 6, header[2] >> 2 & 15
    channels = (header[2] & 1) << 2 | header[3] >> 6
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if rate_index >= len(RATES_HZ) or size < 7:
        return None
    blocks = (header[6] & 3) + 1
    return Frame(size, SAMPLES * blocks, RATES_HZ[rate_index], channels or 1, (profile, rate_index, channels))


class AdtsReader:
    def __init__(self) -> None:
        self._frames = FrameReader("ADTS", 7, read_adts)
        self._alike: tuple[int, ...] | None = None
        self._first = b""
        """Bytes of the stream."""

    def feed(self, data: bytes) -> Iterator[Part]:
        self._first += data[: 8 - len(self._first)]
        if self._first[4:] == b"ftyp":
            raise UnsupportedFormat("the audio is MP4, which cannot be streamed; aac must come as ADTS", "format")
        for frame, coded in self._frames.feed(data):
            yield from self._tell(frame, coded)

    def flush(self) -> Iterator[Part]:
        for frame, coded in self._frames.flush():
            yield from self._tell(frame, coded)

    def _tell(self, frame: Frame, data: bytes) -> Iterator[Part]:
        if frame.alike == self._alike:
            yield Packet(data, frame.samples)
            return
        self._alike = frame.alike
        yield Head("aac", frame.rate_hz, frame.channels)
        yield Packet(data, frame.samples, keep=0)
