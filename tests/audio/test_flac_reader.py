"""FLAC frames, the tables before them, and lost ones."""

import numpy as np
import pytest

from audio.coded import cut, decode, wavs
from audio.streams import FLAC, VOICE, parts
from stenowire.audio.codecs.flac import FlacReader
from stenowire.audio.codecs.parts import Head, Packet
from stenowire.errors import BadAudio

pytestmark = pytest.mark.unit


def flac_frames() -> tuple[bytes, list[bytes]]:
    """(header with STREAMINFO only, frames)"""
    found = parts(FlacReader(), FLAC)
    head = next(part for part in found if isinstance(part, Head))
    return b"fLaC" + b"\0\0\0\x22" + head.extradata, [part.data for part in found if isinstance(part, Packet)]


def test_flac_frames_are_the_files_own() -> None:
    _, frames = flac_frames()
    assert FLAC.endswith(b"".join(frames))
    assert len(frames) == -(-len(VOICE) // 1152)


@pytest.mark.parametrize("step", [1, 999, 1 << 20])
def test_pictures_and_tables_before_the_sound_are_passed_over(step: int) -> None:
    header, frames = flac_frames()
    picture = b"\x06" + (100_000).to_bytes(3, "big") + b"\xff\xf8" * 50_000
    last = b"\x81" + (64).to_bytes(3, "big") + bytes(64)
    stream = header + picture + last + b"".join(frames)
    assert wavs("flac", cut(stream, step)) == wavs("flac", [FLAC])


def test_a_lost_frame_is_silence() -> None:
    header, frames = flac_frames()
    last = b"\x81" + bytes(3)
    whole, _ = decode("flac", FLAC)
    decoded, _ = decode("flac", header + last + b"".join(frames[:2] + frames[3:]))
    assert len(decoded) == len(whole)
    assert np.array_equal(decoded[:2304], whole[:2304])
    assert not decoded[2304 : 2304 + 1152].any()
    assert np.array_equal(decoded[3 * 1152 :], whole[3 * 1152 :])


def test_flac_of_zero_hertz_is_refused() -> None:
    stream = bytearray(FLAC)
    stream[18:21] = b"\0\0" + bytes([stream[20] & 15])
    with pytest.raises(BadAudio, match="0 Hz"):
        decode("flac", bytes(stream))
