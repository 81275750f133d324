"""MP3: layer III of MPEG 1, 2 and 2.5 (ISO 11172-3, 13818-3).

Input: bytes cut anywhere. Output: parts. What an encoder puts before and behind the audio is skipped: LAME notes it in
a first frame that holds no sound; without that note it is LAME's usual 576 samples and the 529 of every decoder
(LAME's technical FAQ).
"""

from collections.abc import Iterator
from typing import NamedTuple

from stenowire.audio.codecs.mpeg import Frame, FrameReader
from stenowire.audio.codecs.parts import Head, Packet, Part

MPEG_1, LAYER_3 = 3, 1
MP3_RATES_HZ = (44_100, 48_000, 32_000)
MP3_KBITS = (
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
"""By index, for MPEG-2 and 2.5, and for MPEG-1."""
MP3_DECODER_SAMPLES = 529
MP3_ENCODER_SAMPLES = 576


def read_mp3(header: bytearray) -> Frame | None:
    """A layer III header, of MPEG 1, 2 or 2.5."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbits_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer != LAYER_3 or kbits_index in (0, 15) or rate_index == 3 or header[3] & 3 == 2:
        return None
    first = version == MPEG_1
    rate_hz = MP3_RATES_HZ[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 if first else 576
    size = samples // 8 * MP3_KBITS[first][kbits_index] * 1000 // rate_hz + padding
    return Frame(size, samples, rate_hz, 1 if header[3] >> 6 == 3 else 2, (version, rate_index))


class Gapless(NamedTuple):
    """What LAME notes in its first frame, in samples."""

    frames: int
    before: int
    after: int


def read_gapless(frame: Frame, data: bytes) -> Gapless | None:
    """None when the frame holds sound. Layout: "MP3 Info Tag revision 1", by LAME's authors."""
    first = frame.samples == 1152
    at = 4 + ((17, 32) if first else (9, 17))[frame.channels - 1]
    if data[36:40] == b"VBRI":
        return Gapless(0, MP3_ENCODER_SAMPLES, 0)
    if data[at : at + 4] not in (b"Xing", b"Info"):
        return None
    flags = data[at + 7] if len(data) > at + 7 else 0
    frames = int.from_bytes(data[at + 8 : at + 12], "big") if flags & 1 else 0
    lame = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    note = int.from_bytes(data[lame + 21 : lame + 24], "big")
    if note == 0:
        return Gapless(0, MP3_ENCODER_SAMPLES, 0)
    return Gapless(frames, note >> 12, note & 0xFFF)


class Mp3Reader:
    def __init__(self) -> None:
        self._frames = FrameReader("MP3", 4, read_mp3)
        self._alike: tuple[int, ...] | None = None
        self._number = 0
        """Of the next frame with sound since the head."""
        self._gapless = Gapless(0, MP3_ENCODER_SAMPLES, 0)

    def feed(self, data: bytes) -> Iterator[Part]:
        for frame, coded in self._frames.feed(data):
            yield from self._tell(frame, coded)

    def flush(self) -> Iterator[Part]:
        for frame, coded in self._frames.flush():
            yield from self._tell(frame, coded)

    def _tell(self, frame: Frame, data: bytes) -> Iterator[Part]:
        gapless = read_gapless(frame, data)
        if frame.alike != self._alike or gapless:
            self._alike, self._number = frame.alike, 0
            self._gapless = gapless or Gapless(0, MP3_ENCODER_SAMPLES, 0)
            yield Head("mp3float", frame.rate_hz, frame.channels)
        if not gapless:
            yield self._packet(frame, data)

    def _packet(self, frame: Frame, data: bytes) -> Packet:
        """Only frames that the note counts are cut at the end: the rest of a longer stream is sound."""
        frames, before, after = self._gapless
        start = self._number * frame.samples
        self._number += 1
        skip = min(frame.samples, max(0, before + MP3_DECODER_SAMPLES - start))
        end = frames * frame.samples - after + MP3_DECODER_SAMPLES
        keep = max(0, min(frame.samples, end - start) - skip) if self._number <= frames else None
        return Packet(data, frame.samples, skip, keep)
