"""Rates: time and pitch stay, and little is held back."""

import numpy as np
import pytest

from stenowire.audio.resample import Resampler
from stenowire.types import Samples

pytestmark = pytest.mark.unit

RATES = pytest.mark.parametrize("rate_hz", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])


def resample(samples: Samples, rate_hz: int, step: int) -> Samples:
    resampler = Resampler(rate_hz)
    pieces = [resampler.feed(samples[i : i + step]) for i in range(0, len(samples), step)]
    return np.concatenate([*pieces, resampler.flush()])


def tone(frequency_hz: float, rate_hz: int, seconds: float = 2) -> Samples:
    return np.sin(2 * np.pi * frequency_hz * np.arange(int(rate_hz * seconds)) / rate_hz).astype(np.float32) / 2


@RATES
def test_a_click_stays_at_its_time(rate_hz: int) -> None:
    samples = np.zeros(2 * rate_hz, np.float32)
    samples[rate_hz] = 1
    click = int(np.abs(resample(samples, rate_hz, rate_hz // 10)).argmax())
    assert abs(click - 16_000) <= 32, f"{(click - 16_000) / 16} ms off"


@RATES
def test_no_sample_is_lost_or_invented(rate_hz: int) -> None:
    for count in (0, 1, rate_hz // 100, rate_hz, 7 * rate_hz + 1):
        assert abs(len(resample(np.zeros(count, np.float32), rate_hz, 1000)) - count * 16_000 / rate_hz) <= 1


@RATES
@pytest.mark.parametrize("frequency_hz", [200, 1000, 3400])
def test_a_tone_keeps_its_pitch_and_loudness(rate_hz: int, frequency_hz: int) -> None:
    got = resample(tone(frequency_hz, rate_hz), rate_hz, 700)[8000:24_000]
    spectrum = np.abs(np.fft.rfft(got * np.hanning(16_000)))
    assert int(spectrum.argmax()) == frequency_hz
    assert np.sqrt(np.mean(got**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("rate_hz", [22_050, 24_000, 32_000, 44_100, 48_000])
def test_what_cannot_be_heard_at_16_khz_does_not_fold_back(rate_hz: int) -> None:
    got = resample(tone(9_000, rate_hz), rate_hz, 700)[4000:28_000]
    assert np.abs(got).max() < 0.5 * 1e-4


@RATES
def test_at_most_30_ms_are_held_back(rate_hz: int) -> None:
    resampler, made = Resampler(rate_hz), 0
    for fed in range(1, 201):
        made += len(resampler.feed(np.zeros(rate_hz // 100, np.float32)))
        assert fed * (rate_hz // 100) / rate_hz - made / 16_000 <= 0.0301


def test_time_does_not_drift_in_three_minutes() -> None:
    second = np.zeros(44_100, np.float32)
    second[22_050] = 1
    resampler, made, last = Resampler(44_100), 0, np.empty(0)
    for _ in range(180):
        made += len(last)
        last = resampler.feed(second)
    assert abs(made + int(np.abs(last).argmax()) - 179.5 * 16_000) <= 32


def test_session_rate_passes_through_untouched() -> None:
    samples = tone(440, 16_000)
    assert resample(samples, 16_000, 999).tolist() == samples.tolist()


def test_a_second_flush_is_empty() -> None:
    resampler = Resampler(8_000)
    resampler.feed(np.ones(800, np.float32))
    assert len(resampler.flush()) > 0
    assert len(resampler.flush()) == 0
