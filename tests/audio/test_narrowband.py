"""The telephone's own band stays as it is; above it is faint noise, none where nothing is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stenowire.audio.frontend import FrontEnd
from stenowire.audio.narrowband import HighPass, NarrowBand, is_narrow, without_hum
from stenowire.audio.twofold import joined
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


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12_000), max_size=30))
@pytest.mark.parametrize("encoding", ["pcm", "mulaw", "alaw"])
def test_any_cutting_of_a_call_gives_the_same_samples(encoding: Encoding, cuts: list[int]) -> None:
    data = np.random.default_rng(7).integers(0, 255, 12_000).astype(np.uint8).tobytes()
    pieces = [data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)]
    parts, one = FrontEnd(AudioFormat(encoding, 8_000)), FrontEnd(AudioFormat(encoding, 8_000))
    heard = joined([*(parts.feed(piece) for piece in pieces), parts.flush()]).samples
    expected = joined([one.feed(data), one.flush()]).samples
    assert np.array_equal(heard, expected)
    assert len(heard) == 2 * len(data) // (2 if encoding == "pcm" else 1)


def test_narrow_sound_is_told_from_wide_with_and_without_its_fill() -> None:
    sound = hissing()
    wide = np.random.default_rng(6).normal(0, 0.1, 32_000).astype(np.float32)
    assert is_narrow(sound) and is_narrow(whole(sound))
    assert not is_narrow(wide)
    assert not is_narrow(sound[:100]) and not is_narrow(np.zeros(16_000, np.float32))


def test_hum_goes_and_a_voice_stays_where_it_was() -> None:
    t = np.arange(16_000) / 16_000
    voice, hum = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (220, 50))
    middle = slice(1_000, 15_000)
    assert np.allclose(without_hum(voice + hum)[middle], voice[middle], atol=0.01)
    assert np.array_equal(without_hum(hum[:300]), hum[:300])


def test_rumble_and_a_bias_are_taken_out_of_a_call_and_its_voices_stay_in_place() -> None:
    def level_db(hz: float) -> float:
        tone = np.cos(2 * np.pi * hz * np.arange(16_000) / 8_000).astype(np.float32)
        return float(10 * np.log10(np.square(HighPass().feed(tone)[8_000:]).mean() / np.square(tone).mean() + 1e-12))

    assert level_db(0) < -80 and level_db(10) < -25 and level_db(60) == pytest.approx(-3, abs=0.2)
    assert all(level_db(hz) == pytest.approx(0, abs=0.1) for hz in (200, 300, 1_000, 3_400))
    click = np.zeros(2_000, np.float32)
    click[1_000] = 1
    assert int(np.abs(HighPass().feed(click)).argmax()) == 1_000
