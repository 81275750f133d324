"""Ordinary levels are left alone; speech far below and above them is brought there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stenowire.audio.declip import HIGHEST, Declipper
from stenowire.audio.level import BLOCK, Leveller, amplified, clip_gain
from stenowire.types import Samples

pytestmark = pytest.mark.unit


def talk(level_db: float, seconds: float = 6.0) -> Samples:
    """Syllables of a fifth of a second between silences, rms of the loud ones at `level_db`."""
    t = np.arange(int(seconds * 16_000) // BLOCK * BLOCK) / 16_000
    sound = np.sin(2 * np.pi * 180 * t) * np.sqrt(2) * (np.floor(t * 5) % 2)
    noise = np.random.default_rng(3).normal(0, 10 ** (-35 / 20), len(t))
    return ((sound + noise) * 10 ** (level_db / 20)).astype(np.float32)


def rms_db(samples: Samples) -> float:
    blocks = np.square(samples.reshape(-1, BLOCK)).mean(axis=1)
    return float(10 * np.log10(np.percentile(blocks, 90)))


@pytest.mark.parametrize("level_db", [-34, -21, -18, -14])
def test_ordinary_speech_is_the_very_same(level_db: float) -> None:
    sound = talk(level_db)
    assert np.array_equal(Leveller().feed(sound), sound)
    assert clip_gain(sound) == 1.0
    assert amplified(sound, 1.0) is sound


@pytest.mark.parametrize("level_db", [-60, -50, -42])
def test_quiet_speech_is_loud_for_the_detector_within_half_a_second(level_db: float) -> None:
    heard = Leveller().feed(talk(level_db))
    assert -26 < rms_db(heard[63 * BLOCK :]) < -18
    assert np.abs(heard).max() <= 1


def test_a_quiet_clip_gets_one_gain_for_all_of_it() -> None:
    sound = talk(-50)
    assert rms_db(amplified(sound, clip_gain(sound))) == pytest.approx(-18, abs=0.5)


@pytest.mark.parametrize("quiet", [np.zeros(16_000, np.float32), np.full(100, 0.001, np.float32)])
def test_silence_and_less_than_a_block_stay(quiet: Samples) -> None:
    assert clip_gain(quiet) == 1.0


def test_hiss_without_speech_is_not_amplified() -> None:
    hiss = np.random.default_rng(1).normal(0, 1e-3, 320_000 // BLOCK * BLOCK).astype(np.float32)
    assert np.array_equal(Leveller().feed(hiss), hiss)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_a_leveller_goes_on_from_its_state_whatever_the_cuts(cuts: list[int]) -> None:
    sound = talk(-45)
    one = Leveller()
    pieces = []
    for piece in np.split(sound, sorted(cut * BLOCK for cut in cuts)):
        pieces.append(one.feed(piece))
        one = Leveller(*one.state)
    assert np.array_equal(np.concatenate(pieces), Leveller().feed(sound))


def clipped(gain: float) -> tuple[Samples, Samples]:
    """A voice-like sound far over full scale, and what a converter makes of it."""
    t = np.arange(16_000) / 16_000
    sound = gain * (np.sin(2 * np.pi * 170 * t) + 0.5 * np.sin(2 * np.pi * 510 * t + 1)) * np.sin(2 * np.pi * 2 * t)
    return sound.astype(np.float32), np.clip(sound, -1, 1).astype(np.float32)


def test_peaks_that_were_cut_off_are_nearer_to_what_they_were() -> None:
    sound, cut = clipped(2.0)
    declipper = Declipper()
    drawn = np.concatenate((declipper.feed(cut), declipper.flush()))
    assert len(drawn) == len(cut)
    assert np.square(drawn - sound).sum() < 0.35 * np.square(cut - sound).sum()
    assert np.array_equal(drawn[np.abs(cut) < 0.999], cut[np.abs(cut) < 0.999])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 16_000), max_size=60))
def test_any_cutting_draws_the_same_peaks(cuts: list[int]) -> None:
    _, cut = clipped(3.0)
    cut[5_000:5_400] = 1.0
    whole, parts = Declipper(), Declipper()
    expected = np.concatenate((whole.feed(cut), whole.flush()))
    pieces = [parts.feed(piece) for piece in np.split(cut, sorted(cuts))]
    assert np.array_equal(np.concatenate([*pieces, parts.flush()]), expected)
    assert np.abs(expected).max() <= HIGHEST


def test_sound_below_full_scale_comes_at_once_and_untouched() -> None:
    sound = np.linspace(-0.99, 0.99, 999, dtype=np.float32)
    assert Declipper().feed(sound) is sound


def test_a_few_words_in_a_long_silence_are_not_made_louder_than_loud() -> None:
    sound = talk(-50, 60.0)
    words = slice(0, len(sound) // 20 // BLOCK * BLOCK)
    sound[words] = talk(-20, 60.0)[words]
    louder = amplified(sound, clip_gain(sound))
    assert rms_db(louder[words]) < -10
    assert rms_db(amplified(sound, 30.0)[words]) > -3
