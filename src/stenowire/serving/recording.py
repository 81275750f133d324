"""A whole recording as a session takes it: what it is shows in its first bytes, and coded ones are decoded on the way.

In: the first bytes of a file, and then all of them in pieces. Out: pieces of WAV, and what is known of the recording.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from stenowire.audio.wav import WavReader
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving.decoding import CODED, Decoders
from stenowire.types import Encoding

Pieces = AsyncGenerator[bytes, None]

HEAD_BYTES = 64 << 10
"""Enough of any file to `identify` it, unless pictures stand before the audio."""

KINDS: tuple[tuple[bytes, Encoding], ...] = (
    (rb"RIFF....WAVE", "wav"),
    (rb"fLaC", "flac"),
    (rb"OggS.{24,300}?OpusHead", "opus"),
    (rb"OggS.{24,300}?Speex   ", "speex"),
    (rb"\x1aE\xdf\xa3", "opus"),
    (rb"#!AMR", "amr"),
    (rb"ID3", "mp3"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "mp3"),
)
"""(how a file begins, what it holds); the first match counts. An MPEG frame begins with eleven ones, its version, and
its layer, which is 0 in ADTS and 3, written 01, in MP3 (ISO 11172-3, 2.4.1.3; ISO 13818-7, 6.2)."""
STRANGERS = (
    (rb"....ftyp", "MP4 or M4A"),
    (rb"OggS", "Ogg with neither Opus nor Speex in it"),
    (rb"RIFX|RF64|FORM|caff", "a relative of WAV that is not read here"),
)


class Recording(msgspec.Struct):
    """`rate_hz` and `channels` are 0 until they are known, which they are from the first piece on."""

    encoding: Encoding
    rate_hz: int = 0
    channels: int = 0
    bytes_per_s: int = 0
    """Of the WAV stream."""


def identify(head: bytes) -> Encoding:
    """Raises UnsupportedFormat, BadAudio."""
    if not head:
        raise BadAudio("the recording is empty")
    for pattern, encoding in KINDS:
        if re.match(pattern, head, re.DOTALL):
            return encoding
    what = next((name for pattern, name in STRANGERS if re.match(pattern, head, re.DOTALL)), "no audio known here")
    raise UnsupportedFormat(f"the recording is {what}; send WAV, MP3, AAC, FLAC, AMR, or Opus or Speex in Ogg")


async def as_wav(recording: Recording, pieces: Pieces, decoders: Decoders) -> Pieces:
    """The recording as pieces of one WAV stream, and what its header says. Raises UnsupportedFormat, BadAudio."""
    reader = WavReader()
    stream = decoders.wav(recording.encoding, pieces) if recording.encoding in CODED else pieces
    async with aclosing(stream):
        async for piece in stream:
            if reader.layout is None:
                reader.feed(piece)
                _note(recording, reader)
            yield piece


def _note(recording: Recording, reader: WavReader) -> None:
    if reader.layout is not None:
        recording.rate_hz, recording.channels = reader.rate_hz, reader.layout.channels
        recording.bytes_per_s = reader.layout.block_bytes * reader.rate_hz
