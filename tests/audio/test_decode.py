"""Telling pcm from wav, whatever was announced."""

import struct

import numpy as np
import pytest

from audio.wav_files import chunk, fmt, riff
from stenowire.audio.decode import Decoder
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import AudioFormat, Encoding

pytestmark = pytest.mark.unit

AUDIO = struct.pack("<100h", *range(-5000, 5000, 100))


def decode(encoding: Encoding, stream: bytes, step: int = 1 << 30) -> tuple[list[int], int]:
    decoder = Decoder(AudioFormat(encoding, 16_000))
    pieces = [decoder.feed(stream[i : i + step]) for i in range(0, len(stream), step)]
    samples = np.concatenate([*pieces, decoder.flush()])
    return (samples * 32768).astype(int).tolist(), decoder.rate_hz


BOTH = pytest.mark.parametrize("encoding", ["pcm", "wav"])
STEPS = pytest.mark.parametrize("step", [1, 5, 1000])


@BOTH
@STEPS
def test_a_wav_header_is_obeyed_whatever_was_announced(encoding: Encoding, step: int) -> None:
    samples, rate_hz = decode(encoding, riff(fmt(44_100, channels=2), chunk(b"data", AUDIO)), step)
    assert samples == list(range(-4950, 5000, 200))
    assert rate_hz == 44_100


@BOTH
@STEPS
def test_raw_samples_are_taken_at_the_declared_rate_whatever_was_announced(encoding: Encoding, step: int) -> None:
    assert decode(encoding, AUDIO, step) == (list(range(-5000, 5000, 100)), 16_000)


@BOTH
@pytest.mark.parametrize("start", [b"R", b"RI", b"RIF?", b"fL", b"\x1aE", b"\0", bytes(5), b"\0\0\0\0fty"])
def test_samples_that_begin_like_a_header_are_not_lost(encoding: Encoding, start: bytes) -> None:
    samples, _ = decode(encoding, start + AUDIO, 1)
    assert len(samples) == (len(start) + len(AUDIO)) // 2
    assert decode(encoding, start)[0] == np.frombuffer(start[: len(start) // 2 * 2], "<i2").tolist()


def test_a_riff_that_is_no_wave_is_samples_in_pcm_and_refused_in_wav() -> None:
    stream = b"RIFF\0\0\0\0WEBP" + AUDIO
    assert len(decode("pcm", stream)[0]) == len(stream) // 2
    with pytest.raises(BadAudio, match="not a WAV header"):
        decode("wav", stream)


@BOTH
@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"fLaC", "FLAC"),
        (b"OggS", "Ogg"),
        (b"ID3\x04", "MP3"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
        (b"#EXTM3U\n", "a playlist"),
        (b"ffconcat version 1.0", "a playlist"),
        (b"v=0\no=- 0", "SDP"),
        (b"<?xml version", "XML"),
        (b"<svg xmlns", "SVG"),
        (b"PK\x03\x04", "a zip archive"),
    ],
)
def test_other_containers_are_refused_by_name_and_not_played_as_noise(
    encoding: Encoding, magic: bytes, name: str
) -> None:
    with pytest.raises(BadAudio, match=f"the audio is {name}.*, but was announced as {encoding}"):
        decode(encoding, magic + bytes(100), 1)


@BOTH
def test_no_audio_at_all_is_no_error(encoding: Encoding) -> None:
    assert decode(encoding, b"") == ([], 0)


def test_a_wav_that_ends_inside_its_header_is_refused() -> None:
    for length in (4, 11, 20, 40):
        with pytest.raises(BadAudio):
            decode("wav", riff(fmt(), chunk(b"data", AUDIO))[:length])


@pytest.mark.parametrize("rate_hz", [0, 7_999, 48_001, -16_000])
def test_rates_beyond_reach_are_refused_at_once(rate_hz: int) -> None:
    with pytest.raises(UnsupportedFormat, match=f"sample rate {rate_hz} Hz") as error:
        Decoder(AudioFormat("pcm", rate_hz))
    assert error.value.param == "sample_rate"


def test_formats_that_are_not_decoded_are_refused_at_once() -> None:
    with pytest.raises(UnsupportedFormat, match="format 'mp3' is not supported; pcm, wav, mulaw, alaw are") as error:
        Decoder(AudioFormat("mp3", 16_000))  # type: ignore[arg-type]
    assert error.value.param == "format"
