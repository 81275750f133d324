"""The whole way from bytes to samples: the same whatever the cuts."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.wav_files import chunk, extensible, fmt, riff
from stenowire.audio.frontend import FrontEnd
from stenowire.audio.twofold import joined
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.types import AudioFormat, Encoding, Samples

pytestmark = pytest.mark.unit

NOISE = np.random.default_rng(7).integers(-20_000, 20_000, 6_000).astype("<i2").tobytes()


def hear(format: AudioFormat, stream: bytes, cuts: list[int]) -> Samples:
    front = FrontEnd(format)
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [front.feed(stream[begin:end]) for begin, end in pairwise(edges)]
    return joined([*pieces, front.flush()]).samples


STREAMS = {
    "raw": NOISE,
    "odd": NOISE + b"\x01",
    "wav": riff(fmt(44_100), chunk(b"data", NOISE)),
    "stereo": riff(
        chunk(b"LIST", b"x" * 31), extensible(48_000, 2, 24), chunk(b"data", NOISE), chunk(b"LIST", b"INFO")
    ),
    "float": riff(fmt(11_025, 1, 32, tag=3), chunk(b"data", NOISE, size=0)),
}


@settings(max_examples=12, deadline=None)
@given(st.data())
@pytest.mark.parametrize("stream", list(STREAMS))
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_any_cutting_of_the_same_bytes_gives_the_same_samples(stream: str, rate_hz: int, data: st.DataObject) -> None:
    encoding: Encoding = data.draw(st.sampled_from(["pcm", "wav"]))
    cuts = data.draw(st.lists(st.integers(0, len(STREAMS[stream])), max_size=40))
    whole = hear(AudioFormat(encoding, rate_hz), STREAMS[stream], [])
    assert np.array_equal(hear(AudioFormat(encoding, rate_hz), STREAMS[stream], cuts), whole)


@pytest.mark.parametrize("stream", list(STREAMS))
def test_one_byte_at_a_time_is_only_slower(stream: str) -> None:
    data = STREAMS[stream]
    whole = hear(AudioFormat("pcm", 24_000), data, [])
    assert np.array_equal(hear(AudioFormat("pcm", 24_000), data, list(range(1, len(data)))), whole)
    assert len(whole) > 500


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_a_tone_keeps_its_frequency_at_every_rate(rate_hz: int) -> None:
    tone = 10_000 * np.sin(2 * np.pi * 1000 * np.arange(2 * rate_hz) / rate_hz)
    heard = hear(AudioFormat("pcm", rate_hz), tone.astype("<i2").tobytes(), [3, 100, 10_001])
    assert len(heard) == 32_000
    assert int(np.abs(np.fft.rfft(heard[8_000:24_000])).argmax()) == 1000


def test_samples_are_single_precision_mono_within_one() -> None:
    heard = hear(AudioFormat("wav", 16_000), STREAMS["stereo"], [])
    assert heard.dtype == np.float32
    assert heard.ndim == 1
    assert np.abs(heard).max() <= 1


def test_the_last_samples_come_with_the_flush() -> None:
    front = FrontEnd(AudioFormat("pcm", 8_000))
    early = front.feed(np.full(800, 8_000, "<i2").tobytes()).samples
    late = front.flush().samples
    assert len(late) > 0
    assert len(early) + len(late) == 1_600
    front = FrontEnd(AudioFormat("pcm", 48_000))
    front.feed(np.full(4_800, 8_000, "<i2").tobytes())
    assert front.flush().samples[:-100] == pytest.approx(8_000 / 32_768, abs=0.01)


def test_the_headers_rate_wins() -> None:
    stream = riff(fmt(8_000), chunk(b"data", bytes(16_000)))
    assert len(hear(AudioFormat("wav", 48_000), stream, [])) == 16_000


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["pcm", "wav"]), st.integers(1, 64))
def test_no_bytes_whatever_raise_anything_but_an_audio_error(data: bytes, encoding: Encoding, step: int) -> None:
    try:
        heard = hear(AudioFormat(encoding, 48_000), data, list(range(step, len(data), step)))
    except (BadAudio, UnsupportedFormat) as error:
        assert error.message
    else:
        assert np.isfinite(heard).all()


@pytest.mark.engine
def test_a_real_recording_comes_through_whole(moonshine_folder: Path, two_cities: Samples) -> None:
    data = (moonshine_folder / "two_cities.wav").read_bytes()
    heard = hear(AudioFormat("wav", 16_000), data, list(range(0, len(data), 3200)))
    assert abs(len(heard) - len(two_cities)) <= 1
    got, expected = spectrum(heard), spectrum(two_cities)
    assert np.linalg.norm(got - expected) < 0.01 * np.linalg.norm(expected)


def spectrum(samples: Samples) -> Samples:
    """Magnitudes below 7.5 kHz of windows of a second."""
    windows = samples[: len(samples) // 16_000 * 16_000].reshape(-1, 16_000) * np.hanning(16_000)
    return np.abs(np.fft.rfft(windows))[:, :7_500]
