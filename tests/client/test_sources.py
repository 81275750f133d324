"""Whatever a program has becomes audio that can be sent, and sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stenowire.client.recording import Unreadable
from stenowire.client.sources import Audio, kind_of, of_bytes, of_file, of_pieces
from stenowire.types import AudioFormat

pytestmark = pytest.mark.unit

PCM = AudioFormat("pcm", 16_000)
TONE = (np.sin(np.linspace(0, 500, 22_050)) * 20_000).astype(np.int16)


async def whole(audio: Audio) -> bytes:
    return b"".join([piece async for piece in audio.pieces])


async def test_a_wav_file_becomes_its_own_samples_at_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 22_050)
    audio = of_file(path)
    assert audio.format == AudioFormat("pcm", 22_050)
    assert await whole(audio) == TONE.tobytes()


async def test_a_rate_that_no_server_takes_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, 96_000)
    audio = of_file(path)
    assert audio.format == PCM
    assert len(await whole(audio)) == pytest.approx(2 * len(TONE) / 6, abs=4)


async def test_coded_files_go_out_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, TONE, 16_000)
    audio = of_file(path)
    assert audio.format.encoding == "flac"
    assert await whole(audio) == path.read_bytes()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"ID3\x04abc", "mp3"),
        (b"\xff\xf1abc", "aac"),
        (b"#!AMR\n", "amr"),
        (b"\x1aE\xdf\xa3", "opus"),
        (b"OggS" + bytes(24) + b"OpusHead", "opus"),
        (b"OggS" + bytes(24) + b"Speex   ", "speex"),
        (b"RIFF\x00\x00\x00\x00AVI ", None),
        (b"hello", None),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind


@pytest.mark.parametrize(("content", "reason"), [(b"hello", "no"), (None, "No such file")])
def test_what_is_no_audio_is_refused_by_name(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Unreadable, match=f"a.wav.*{reason}|not audio"):
        of_file(path)


async def test_bytes_and_iterators_of_both_kinds_are_the_same_audio() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    assert await whole(of_bytes(b"abcd", PCM)) == b"abcd"
    assert await whole(of_pieces([b"ab", b"cd"], PCM)) == b"abcd"
    assert await whole(of_pieces(pieces(), PCM)) == b"abcd"
