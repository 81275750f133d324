"""A client's coded bytes to a WAV stream, which is what sessions take.

Input: bytes of a declared encoding, cut anywhere. Output: pieces of one WAV stream of unknown size, 16-bit mono. Raises
BadAudio and UnsupportedFormat with what was wrong. It runs in the decoder process.
"""

import struct
from collections.abc import Iterable, Iterator

from stenowire.audio.codecs.adts import AdtsReader
from stenowire.audio.codecs.amr import AmrReader
from stenowire.audio.codecs.flac import FlacReader
from stenowire.audio.codecs.mp3 import Mp3Reader
from stenowire.audio.codecs.opus import OpusPacketReader, OpusReader
from stenowire.audio.codecs.parts import NewReader, Part
from stenowire.audio.codecs.sound import SAMPLE_BYTES, Sound
from stenowire.audio.codecs.speex import SpeexReader
from stenowire.errors import BadAudio

READERS: dict[str, NewReader] = {
    "mp3": Mp3Reader,
    "opus": OpusReader,
    "opus_packets": OpusPacketReader,
    "speex": SpeexReader,
    "aac": AdtsReader,
    "amr": AmrReader,
    "flac": FlacReader,
}
UNKNOWN_SIZE = 0xFFFFFFFF
MOST_SILENT_BYTES = 64 << 20
"""Of tags, pictures, tables and other tracks, before sound comes or between it."""


def wav_header(rate_hz: int) -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    return struct.pack("<4sI4s4sI", b"RIFF", UNKNOWN_SIZE, b"WAVE", b"fmt ", len(fmt)) + fmt + b"data\xff\xff\xff\xff"


class Transcoder:
    def __init__(self, encoding: str) -> None:
        self._reader = READERS[encoding]()
        self._sound = Sound()
        self._begun = False
        self._silent_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """One piece per packet: whoever takes them sets the pace, however much the bytes blow up to."""
        self._silent_bytes += len(data)
        if self._silent_bytes > MOST_SILENT_BYTES:
            raise BadAudio(f"no sound in {MOST_SILENT_BYTES >> 20} MB")
        yield from self._decode(self._reader.feed(data))

    def flush(self) -> Iterator[bytes]:
        yield from self._decode(self._reader.flush())
        self._sound.flush()

    def _decode(self, parts: Iterable[Part]) -> Iterator[bytes]:
        for part in parts:
            pcm = self._sound.decode(part)
            if pcm and not self._begun:
                self._begun = True
                yield wav_header(self._sound.rate_hz)
            if pcm:
                self._silent_bytes = 0
                yield pcm
