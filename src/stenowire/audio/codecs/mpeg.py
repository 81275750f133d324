"""Frames of MP3 (ISO 11172-3, 13818-3) and of AAC in ADTS (ISO 13818-7, 6.2), found while they arrive.

Input: bytes cut anywhere, with ID3 tags and rubbish between. Output: parts. A frame is believed when another of the
same kind follows it; once in step, each frame is told as soon as it is whole.

What an encoder puts before the audio is skipped. MP3: LAME notes it in a first frame that holds no sound, together with
what it put at the end; without that note it is LAME's usual 576 samples and the 529 of every decoder (LAME's technical
FAQ). ADTS has no such note; the first frame is what every AAC encoder needs to start.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stenowire.audio.codecs.parts import Head, Packet, Part
from stenowire.errors import BadAudio, UnsupportedFormat

MOST_JUNK_BYTES = 1 << 18
ID3_BYTES = 10

MPEG_1, LAYER_3 = 3, 1
MP3_RATES_HZ = (44_100, 48_000, 32_000)
MP3_KBITS = (
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
"""By index, for MPEG-2 and 2.5, and for MPEG-1."""
MP3_DECODER_SAMPLES = 529
MP3_ENCODER_SAMPLES = 576

ADTS_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
ADTS_SAMPLES = 1024


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
        places = [place for place in (self._held.find(b"\xff", 1), self._held.find(b"ID3", 1)) if place > 0]
        # The last two bytes may begin a tag.
        junk = min(places, default=max(1, len(self._held) - 2))
        del self._held[:junk]
        self._junk_bytes += junk
        if self._junk_bytes > MOST_JUNK_BYTES:
            raise BadAudio(f"no {self._name} frame in {MOST_JUNK_BYTES >> 10} KB")

    def _pass_tag(self) -> bool:
        """Skip an ID3v2 tag, a cover's picture and all (id3.org, "ID3 tag version 2.4.0"); False when bytes lack."""
        while True:
            skipped = min(self._tag_left, len(self._held))
            del self._held[:skipped]
            self._tag_left -= skipped
            if self._tag_left or len(self._held) < self._header_bytes:
                return False
            if not self._held.startswith(b"ID3"):
                return True
            if len(self._held) < ID3_BYTES:
                return False
            size = self._held[6] << 21 | self._held[7] << 14 | self._held[8] << 7 | self._held[9]
            footer = ID3_BYTES if self._held[5] & 0x10 else 0
            self._tag_left = ID3_BYTES + size + footer


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


def read_adts(header: bytearray) -> Frame | None:
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    profile, rate_index = header[2] >> 6, header[2] >> 2 & 15
    channels = (header[2] & 1) << 2 | header[3] >> 6
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if rate_index >= len(ADTS_RATES_HZ) or size < 7:
        return None
    blocks = (header[6] & 3) + 1
    return Frame(size, ADTS_SAMPLES * blocks, ADTS_RATES_HZ[rate_index], channels or 1, (profile, rate_index, channels))


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


class AdtsReader:
    def __init__(self) -> None:
        self._frames = FrameReader("ADTS", 7, read_adts)
        self._alike: tuple[int, ...] | None = None

    def feed(self, data: bytes) -> Iterator[Part]:
        if self._alike is None and data[4:8] == b"ftyp":
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
