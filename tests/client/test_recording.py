"""A recording is sent as it is, and what cannot be used is named before anything is sent."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stenowire.client.recording import Unreadable, open_file, open_stream

pytestmark = pytest.mark.unit

TONE = 0.2 * np.sin(np.linspace(0, 2000, 44_100 * 3)).astype(np.float32)


def wav(path: Path, rate_hz: int = 44_100, **options: str) -> Path:
    soundfile.write(path, TONE, rate_hz, **options)
    return path


@pytest.mark.parametrize("options", [{}, {"subtype": "PCM_24"}, {"subtype": "FLOAT"}, {"format": "WAVEX"}])
def test_every_kind_of_wav_goes_out_byte_for_byte(tmp_path: Path, options: dict[str, str]) -> None:
    path = wav(tmp_path / "a.wav", **options)
    recording = open_file(path)
    pieces = list(recording.pieces())
    assert b"".join(pieces) == path.read_bytes()
    assert recording.length_s == pytest.approx(3.0)
    assert (recording.format.encoding, recording.format.rate_hz) == ("wav", 44_100)
    assert all(len(piece) <= recording.bytes_per_s // 10 for piece in pieces[1:])


def test_the_declared_rate_stays_in_range_when_the_header_does_not(tmp_path: Path) -> None:
    assert open_file(wav(tmp_path / "a.wav", 96_000)).format.rate_hz == 48_000


def test_a_stream_whose_end_nobody_knows_has_no_length(tmp_path: Path) -> None:
    data = bytearray(wav(tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    reading, writing = os.pipe()
    os.write(writing, data[:60_000])
    os.close(writing)
    recording = open_stream(reading)
    assert recording.length_s is None
    assert b"".join(recording.pieces()) == data[:60_000]
    os.close(reading)


def test_texts_in_front_of_the_audio_are_sent_along(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    plain = path.read_bytes()
    title = b"LIST\x0b\x00\x00\x00INFOabcdefg\x00"
    path.write_bytes(plain[:12] + title + plain[12:])
    recording = open_file(path)
    assert recording.length_s == pytest.approx(3.0)
    assert b"".join(recording.pieces()) == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"OggS" + bytes(40), "is Ogg with neither Opus nor Speex in it"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(40), "is MP4 or M4A; send WAV, MP3"),
        (b"hello, this is a text and no sound at all", "is no audio known here; send WAV, MP3"),
        (b"RIFF\x24\x00\x00\x00WAVE", "is a wav file without audio"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00", "is a wav file without audio"),
        (b"RIFF\x24\x00\x00\x00WAVEdata\x10\x00\x00\x00" + bytes(16), "does not say how its audio is laid out"),
    ],
)
def test_what_is_no_usable_recording_is_refused_with_its_kind(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=f"^talk.wav.*{reason}"):
        open_file(path)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"fLaC", "flac"),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"\xff\xf1", "aac"),
        (b"#!AMR\n", "amr"),
        (b"OggS" + bytes(24) + b"OpusHead", "opus"),
        (b"OggS" + bytes(24) + b"Speex   ", "speex"),
    ],
)
def test_a_coded_file_goes_out_byte_for_byte_in_its_own_format(tmp_path: Path, head: bytes, encoding: str) -> None:
    path = tmp_path / "talk"
    path.write_bytes(head + np.random.default_rng(1).bytes(10_000))
    recording = open_file(path)
    assert recording.format.encoding == encoding
    assert recording.length_s is None
    assert b"".join(recording.pieces()) == path.read_bytes()


def test_a_header_that_never_ends_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(b"RIFF\x24\x00\x00\x00WAVE" + b"JUNK\x00\x00\x10\x00" + bytes(1 << 20) * 3)
    with pytest.raises(Unreadable, match="without audio"):
        open_file(path)


@pytest.mark.parametrize(("name", "reason"), [("none.wav", "No such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        open_file(tmp_path / name)
