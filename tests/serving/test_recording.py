"""What a file is, told from its first bytes."""

import io
from collections.abc import AsyncGenerator

import numpy as np
import pytest
import soundfile

from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving.decoding import Decoders
from stenowire.serving.recording import HEAD_BYTES, Recording, as_wav, identify

pytestmark = pytest.mark.unit


def file(format: str, subtype: str, rate_hz: int = 16_000, channels: int = 1) -> bytes:
    """A second of a tone."""
    made = io.BytesIO()
    tone = 0.3 * np.sin(np.arange(rate_hz) * 2 * np.pi * 440 / rate_hz)
    soundfile.write(made, np.tile(tone[:, None], channels), rate_hz, format=format, subtype=subtype)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (file("WAV", "PCM_16"), "wav"),
        (file("WAV", "FLOAT"), "wav"),
        (file("FLAC", "PCM_16"), "flac"),
        (file("MP3", "MPEG_LAYER_III"), "mp3"),
        (b"ID3\x04\0\0\0\0\0\0" + file("MP3", "MPEG_LAYER_III"), "mp3"),
        (b"ID3\x04\0\0\0\0\0\1\0\xff\xf1\x50\x80", "aac"),
        (b"ID3\x04\0\0\0\0\0\1\0fLaC", "flac"),
        (b"ID3\x04\0\0\0\1\0\0" + bytes(100), "mp3"),
        (file("OGG", "OPUS"), "opus"),
        (b"OggS" + bytes(24) + b"Speex   1.2", "speex"),
        (b"#!AMR\n", "amr"),
        (b"#!AMR-WB\n", "amr"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"\xff\xf9\x50\x80", "aac"),
        (b"\x1aE\xdf\xa3\x01", "opus"),
    ],
)
def test_a_recording_shows_what_it_is(data: bytes, encoding: str) -> None:
    assert identify(data[:HEAD_BYTES]) == encoding


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (file("OGG", "VORBIS"), "Opus nor Speex"),
        (b"\0\0\0\x1cftypM4A ", "MP4"),
        (file("AIFF", "PCM_16"), "relative of WAV"),
        (b"%PDF-1.7", "no audio"),
        (b"<!doctype html>", "no audio"),
        (b"#EXTM3U\n", "no audio"),
        (b"\xff\xff\xff\xff", "no audio"),
        (b"R", "no audio"),
        (bytes(1000), "no audio"),
    ],
)
def test_what_is_none_is_told(data: bytes, says: str) -> None:
    with pytest.raises(UnsupportedFormat, match=says):
        identify(data)


def test_an_empty_file_is_bad_audio() -> None:
    with pytest.raises(BadAudio, match="empty"):
        identify(b"")


async def pieces(data: bytes, size: int = 1000) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (file("WAV", "PCM_16", 44_100, 2), (44_100, 2, 176_400)),
        (file("WAV", "PCM_U8", 8_000), (8_000, 1, 8_000)),
        (file("FLAC", "PCM_16", 44_100, 2), (44_100, 1, 88_200)),
        (file("MP3", "MPEG_LAYER_III", 24_000), (24_000, 1, 48_000)),
        (file("OGG", "OPUS", 48_000), (48_000, 1, 96_000)),
    ],
)
async def test_rate_and_channels_are_known_once_it_is_heard(data: bytes, facts: tuple[int, int, int]) -> None:
    decoders = Decoders()
    recording = Recording(identify(data))
    try:
        wav = b"".join([piece async for piece in as_wav(recording, pieces(data), decoders)])
    finally:
        await decoders.stop()
    assert wav.startswith(b"RIFF")
    assert (recording.rate_hz, recording.channels, recording.bytes_per_s) == facts
    assert len(wav) == pytest.approx(recording.bytes_per_s, rel=0.15)
