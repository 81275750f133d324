"""A whole recording as a session takes it: what it is shows in its first bytes, and coded ones are decoded on the way.

In: the first bytes of a file, and then all of them in pieces. Out: pieces of WAV, and what is known of the recording.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from stenowire.audio.kinds import HEAD_BYTES as HEAD_BYTES
from stenowire.audio.kinds import identify as identify
from stenowire.audio.wav import WavReader
from stenowire.serving.decoding import CODED, Decoders
from stenowire.types import Encoding

Pieces = AsyncGenerator[bytes, None]


class Recording(msgspec.Struct):
    """`rate_hz` and `channels` are 0 until they are known, which they are from the first piece on."""

    encoding: Encoding
    rate_hz: int = 0
    channels: int = 0
    bytes_per_s: int = 0
    """Of the WAV stream."""


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
