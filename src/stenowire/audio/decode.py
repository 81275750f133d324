"""A client's bytes to samples: pcm, wav or G.711, whatever of them they turn out to be.

Input: bytes in a declared format, cut anywhere. Output: float32 mono in [-1, 1] at `rate_hz`. Must not resample.

The bytes are believed before the declaration: a WAV header is read, and obeyed, also in a stream that was announced as
pcm; and raw 16-bit samples are accepted under the name wav, as the vendor's microphone sample sends them.
"""

import numpy as np

from stenowire.audio.pcm import Layout, PcmDecoder
from stenowire.audio.wav import WavReader
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import AudioFormat, Encoding, Samples

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 48_000

RAW: dict[Encoding, Layout] = {
    "pcm": Layout(),
    "wav": Layout(),
    "mulaw": Layout("mulaw", 1),
    "alaw": Layout("alaw", 1),
}
"""How samples lie that come without a header, by what was announced."""

OTHERS = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3\x02": "MP3",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
    b"RIFX": "big-endian WAV",
    b"RF64": "RF64",
    b"FORM": "AIFF",
    b"#!AM": "AMR",
    b"\x1aE\xdf\xa3": "WebM",
    b"#EXT": "a playlist",
    b"ffco": "a playlist",
    b"<?xm": "XML",
    b"<svg": "SVG",
    b"v=0\r": "SDP",
    b"v=0\n": "SDP",
    b"PK\x03\x04": "a zip archive",
}
"""First four bytes of what people send by mistake. As PCM they would be loud noise in the first eighth of a ms."""
MP4 = b"ftyp"
"""Behind a size of less than 16 MB, so that the first byte is 0."""

HEAD_BYTES = 12
"""Enough to know a WAV header: RIFF, a size, WAVE."""


class Decoder:
    """Raises UnsupportedFormat for what cannot be decoded here, BadAudio for bytes that are not what they should be."""

    def __init__(self, declared: AudioFormat) -> None:
        if declared.encoding not in RAW:
            raise UnsupportedFormat(f"format {declared.encoding!r} is not supported; {', '.join(RAW)} are", "format")
        if not LOWEST_RATE_HZ <= declared.rate_hz <= HIGHEST_RATE_HZ:
            raise UnsupportedFormat(
                f"sample rate {declared.rate_hz} Hz is not supported; {LOWEST_RATE_HZ}..{HIGHEST_RATE_HZ} is",
                "sample_rate",
            )
        self._declared = declared
        self._head: bytes | None = b""
        """The first bytes, while it is not known what they are."""
        self._wav: WavReader | None = None
        self._pcm: PcmDecoder | None = None
        self.rate_hz = 0
        """0 until it is known."""

    def feed(self, data: bytes) -> Samples:
        if self._head is not None:
            data = self._head + data
            self._head = data if self._is_open(data) else None
            if self._head is not None:
                return _none()
            self._choose(data)
        return self._decode(data)

    def flush(self) -> Samples:
        """What was held back. Raises BadAudio when the stream ended inside a WAV header."""
        rest = _none()
        if self._head:
            self._choose(self._head)
            rest, self._head = self._decode(self._head), None
        if self._wav:
            self._wav.flush()
        return rest

    def _is_open(self, head: bytes) -> bool:
        """Whether more bytes are needed to tell what this is."""
        if head.startswith(b"RIFF"):
            return len(head) < HEAD_BYTES
        if head.startswith(b"\0") or not head:
            return len(head) < 8 and MP4.startswith(head[4:])
        return len(head) < 4 and any(magic.startswith(head) for magic in (b"RIFF", *OTHERS))

    def _choose(self, head: bytes) -> None:
        if other := "MP4 or M4A" if head[4:8] == MP4 else OTHERS.get(head[:4]):
            raise BadAudio(f"the audio is {other}, but was announced as {self._declared.encoding}", "format")
        if head.startswith(b"RIFF") and (head[8:12] == b"WAVE" or self._declared.encoding == "wav"):
            self._wav = WavReader()
            return
        self._pcm, self.rate_hz = PcmDecoder(RAW[self._declared.encoding]), self._declared.rate_hz

    def _decode(self, data: bytes) -> Samples:
        if self._wav:
            data = self._wav.feed(data)
            if self._pcm is None and self._wav.layout:
                self._pcm, self.rate_hz = PcmDecoder(self._wav.layout), self._wav.rate_hz
        return self._pcm.feed(data) if self._pcm else _none()


def _none() -> Samples:
    return np.empty(0, np.float32)
