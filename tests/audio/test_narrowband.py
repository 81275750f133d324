"""The telephone's own band stays as it is; above it is faint noise, none where nothing is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stenowire.audio.frontend import FrontEnd
from stenowire.audio.narrowband import NarrowBand
from stenowire.types import AudioFormat, Encoding, Samples

pytestmark = pytest.mark.unit


def hissing(seconds: float = 2.0) -> Samples:
    """Noise below 3.8 kHz at 16 kHz, silent in its second half."""
    spectrum = np.fft.rfft(np.random.default_rng(5).normal(0, 0.1, int(16_000 * seconds)))
    spectrum[int(len(spectrum) * 3_800 / 8_000) :] = 0
    sound = np.fft.irfft(spectrum)
    sound[len(sound) // 2 :] = 0
    return sound.astype(np.float32)


def whole(sound: Samples) -> Samples:
    stage = NarrowBand()
    return np.concatenate((stage.feed(sound), stage.flush()))


def band_db(sound: Samples, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / 16_000)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum() + 1e-9))


def test_nothing_is_late_and_the_own_band_is_as_it_was() -> None:
    sound = hissing()
    heard = whole(sound)
    assert len(heard) == len(sound)
    assert band_db(heard - sound, 0, 4_000) < band_db(sound, 0, 4_000) - 45


def test_the_empty_band_is_filled_thirty_db_below_its_neighbour() -> None:
    heard = whole(hissing())[:16_000]
    assert -33 < band_db(heard, 4_500, 8_000) - band_db(heard, 2_000, 4_000) < -27


def test_silence_stays_silence() -> None:
    assert not whole(hissing())[16_300:].any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12_000), max_size=30))
@pytest.mark.parametrize("encoding", ["pcm", "mulaw", "alaw"])
def test_any_cutting_of_a_call_gives_the_same_samples(encoding: Encoding, cuts: list[int]) -> None:
    data = np.random.default_rng(7).integers(0, 255, 12_000).astype(np.uint8).tobytes()
    pieces = [data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)]
    parts, one = FrontEnd(AudioFormat(encoding, 8_000)), FrontEnd(AudioFormat(encoding, 8_000))
    heard = np.concatenate([*(parts.feed(piece) for piece in pieces), parts.flush()])
    expected = np.concatenate((one.feed(data), one.flush()))
    assert np.array_equal(heard, expected)
    assert len(heard) == 2 * len(data) // (2 if encoding == "pcm" else 1)
