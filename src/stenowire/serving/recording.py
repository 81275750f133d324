"""What a whole recording is, told from its first bytes.

In: the head of a file. Out: how to declare it to a session, and what people want to know about it. The rest of the file
is not looked at: what it holds is found while it is heard.
"""

import msgspec

from stenowire.audio.decode import OTHERS
from stenowire.audio.wav import WavReader
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import SESSION_RATE_HZ, AudioFormat

HEAD_BYTES = 64 << 10
"""Enough of any file to `identify` it, unless pictures stand before the audio."""


class Recording(msgspec.Struct, frozen=True):
    container: str
    format: AudioFormat
    rate_hz: int
    channels: int
    bytes_per_s: int | None = None
    """None where that is not the same all along."""


def identify(head: bytes) -> Recording:
    """Raises UnsupportedFormat for what is not decoded here, BadAudio for a damaged header."""
    if not head:
        raise BadAudio("the recording is empty")
    if not head.startswith(b"RIFF"):
        what = OTHERS.get(head[:4], "not an audio file that is known here")
        raise UnsupportedFormat(f"the recording is {what}; send WAV")
    reader = WavReader()
    reader.feed(head)
    if reader.layout is None:
        raise BadAudio("the WAV header names no format")
    layout = reader.layout
    return Recording(
        container="wav",
        # The header's own rate counts.
        format=AudioFormat("wav", SESSION_RATE_HZ),
        rate_hz=reader.rate_hz,
        channels=layout.channels,
        bytes_per_s=layout.block_bytes * reader.rate_hz,
    )
