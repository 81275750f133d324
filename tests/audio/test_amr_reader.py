"""AMR of both bands, and pauses that are not sent."""

import numpy as np
import pytest

from audio.coded import DATA, decode, likeness, packets, voice
from audio.streams import AMR, parts
from stenowire.audio.codecs.amr import AmrReader
from stenowire.audio.codecs.parts import Packet
from stenowire.errors import StenowireError

pytestmark = pytest.mark.unit


def test_wide_band_amr_is_told_by_its_magic() -> None:
    decoded, rate_hz = decode("amr", (DATA / "voice.awb").read_bytes(), 1)
    assert (rate_hz, len(decoded)) == (16_000, 48_000)


def test_frames_without_sound_keep_their_time() -> None:
    """Type 15: the encoder had nothing to send."""
    frames = [part.data for part in parts(AmrReader(), AMR) if isinstance(part, Packet)]
    stream = b"#!AMR\n" + b"".join(frames[:50]) + b"\x7c" * 25 + b"".join(frames[50:])
    decoded, rate_hz = decode("amr", stream)
    assert len(decoded) / rate_hz == pytest.approx(len(frames) / 50 + 0.5)


def test_a_pause_that_a_phone_does_not_send_is_as_long_as_it_was() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.0005, 8_000 * 8).astype(np.float32)
    talk = np.concatenate([voice(8_000, 2), hiss, voice(8_000, 2)])
    frames = packets(talk, 8_000, "libopencore_amrnb", 12_200, {"dtx": "1"})
    assert sum(len(frame) < 10 for frame in frames) > 300
    decoded, rate_hz = decode("amr", b"#!AMR\n" + b"".join(frames))
    assert likeness(decoded[-16_000:], talk[-16_000:], rate_hz)[0] > 0.9
    assert len(decoded) == len(frames) * 160


@pytest.mark.parametrize(
    ("stream", "what"), [(b"#!AMR_MC1.0\n" + bytes(8), "several channels"), (b"\x3c" * 100, "not an AMR header")]
)
def test_what_is_not_amr_is_named(stream: bytes, what: str) -> None:
    with pytest.raises(StenowireError, match=what):
        decode("amr", stream)
