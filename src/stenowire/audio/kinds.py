"""What a recording is, by how it begins.

Input: the first bytes of a file. Output: its encoding, or the error that says why it is not read. Must not decode.
"""

import re

from stenowire.audio import id3
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import Encoding

HEAD_BYTES = 64 << 10
"""Enough of any file to `identify` it, unless pictures stand before the audio."""

KINDS: tuple[tuple[bytes, Encoding], ...] = (
    (rb"RIFF....WAVE", "wav"),
    (rb"fLaC", "flac"),
    (rb"OggS.{24,300}?OpusHead", "opus"),
    (rb"OggS.{24,300}?Speex   ", "speex"),
    (rb"\x1aE\xdf\xa3", "opus"),
    (rb"#!AMR", "amr"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
    (rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "mp3"),
)
"""(how a file begins, behind its tag if that is at hand; what it holds); the first match counts. An MPEG frame begins
with eleven ones, its version, and its layer, which is 0 in ADTS and 3, written 01, in MP3 (ISO 11172-3, 2.4.1.3; ISO
13818-7, 6.2)."""
STRANGERS = (
    (rb"....ftyp", "MP4 or M4A"),
    (rb"OggS", "Ogg with neither Opus nor Speex in it"),
    (rb"RIFX|RF64|FORM|caff", "a relative of WAV that is not read here"),
)


def identify(head: bytes) -> Encoding:
    """Raises UnsupportedFormat, BadAudio."""
    if not head:
        raise BadAudio("the recording is empty")
    behind = head[id3.tag_bytes(head) :]
    for pattern, encoding in KINDS:
        if re.match(pattern, behind, re.DOTALL):
            return encoding
    if head.startswith(id3.MAGIC):
        # A cover of a megabyte hides what follows it, or rubbish does: it is nearly always this.
        return "mp3"
    what = next((name for pattern, name in STRANGERS if re.match(pattern, head, re.DOTALL)), "no audio known here")
    raise UnsupportedFormat(f"the recording is {what}; send WAV, MP3, AAC, FLAC, AMR, or Opus or Speex in Ogg")
