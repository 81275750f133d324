"""Noise reduction: true to time, the same however it is cut, and off where nothing is to be gained."""

from itertools import pairwise

import numpy as np
import pytest

from core.drive import NAME, Drive, opening
from stenowire.audio import rnnoise
from stenowire.audio.denoise import EAR_SHARE, Denoiser, noise_stage
from stenowire.audio.snr import SignalToNoise
from stenowire.audio.twofold import Sound, joined
from stenowire.errors import InvalidParameter
from stenowire.events import Finished, Reconfigure, Reconfigured, Refused
from stenowire.types import Samples

pytestmark = pytest.mark.engine

RANDOM = np.random.default_rng(3)


def hiss(seconds: float, level_db: float = -30.0) -> Samples:
    return (10 ** (level_db / 20) * RANDOM.standard_normal(int(16_000 * seconds))).astype(np.float32)


def buzz(seconds: float) -> Samples:
    """A voice for a machine: a train of pulses in bursts of 0.3 s, with silence between them."""
    at = np.arange(int(16_000 * seconds))
    return (0.3 * np.sin(2 * np.pi * 160 * at / 16_000) ** 15 * (at // 4800 % 2)).astype(np.float32)


def through(denoiser: Denoiser, samples: Samples, cuts: list[int]) -> Samples:
    return sound_through(denoiser, samples, cuts).samples


def sound_through(denoiser: Denoiser, samples: Samples, cuts: list[int]) -> Sound:
    edges = [0, *sorted(cuts), len(samples)]
    return joined([*(denoiser.feed(samples[a:b]) for a, b in pairwise(edges)), denoiser.flush()])


@pytest.mark.parametrize("always", [True, False])
def test_any_cutting_of_a_stream_is_reduced_to_the_same_samples(always: bool) -> None:
    noisy = buzz(1.5) + hiss(1.5)
    whole = sound_through(Denoiser(0.5, always), noisy, [])
    cut = sound_through(Denoiser(0.5, always), noisy, RANDOM.integers(0, len(noisy), 40).tolist())
    assert len(whole.samples) == len(whole.ear) == len(noisy)
    assert np.array_equal(cut.samples, whole.samples) and np.array_equal(cut.ear, whole.ear)


def test_the_detector_hears_less_of_the_noise_at_the_same_moments() -> None:
    noisy = buzz(1.5) + hiss(1.5)
    sound = sound_through(Denoiser(0.5, True), noisy, [])
    taken, taken_for_ear = noisy - sound.samples, noisy - sound.ear
    assert np.abs(taken).max() > 0.01
    assert taken_for_ear == pytest.approx(EAR_SHARE / 0.5 * taken, abs=1e-5)
    everything = sound_through(Denoiser(1.0, True), noisy, [])
    assert np.array_equal(everything.ear, everything.samples)


def test_a_click_stays_at_its_sample() -> None:
    """Through the mixture, and through the suppressor alone."""
    clicks = hiss(1.0, -60.0)
    clicks[8_000] = 0.9
    assert int(np.abs(through(Denoiser(0.5, True), clicks, [])).argmax()) == 8_000
    voice = buzz(2.0)
    clean = through(Denoiser(1.0, True), voice, [])
    shifts = range(-40, 41)
    assert max(shifts, key=lambda shift: float(np.dot(np.roll(clean, -shift), voice))) in (-1, 0, 1)


def test_hiss_becomes_quieter_and_a_stream_knows_nothing_of_another() -> None:
    noise = hiss(2.0)
    alone = through(Denoiser(1.0, True), noise, [])
    first, second = Denoiser(1.0, True), Denoiser(1.0, True)
    parts = [(first.feed(noise[at : at + 1600]), second.feed(buzz(0.1))) for at in range(0, len(noise), 1600)]
    assert np.array_equal(joined([*(part for part, _ in parts), first.flush()]).samples, alone)
    assert np.square(alone[16_000:]).mean() < 0.1 * np.square(noise[16_000:]).mean()


def test_auto_leaves_clear_speech_as_it_is_to_the_last_bit() -> None:
    voice = buzz(3.0) + hiss(3.0, -75.0)
    sound = sound_through(Denoiser(0.5, False), voice, [700, 9_000])
    assert np.array_equal(sound.samples, voice) and sound.same


def test_auto_wakes_in_noise_and_rests_again() -> None:
    """Only after the noise has been heard for a while, and only until it has been clear for longer."""
    sound = np.concatenate((buzz(2.0) + hiss(2.0, -25.0), buzz(8.0) + hiss(8.0, -75.0)))
    changed = through(Denoiser(0.5, False), sound, []) != sound
    assert not changed[:4_000].any() and changed[24_000:32_000].mean() > 0.9
    assert not changed[-32_000:].any()


def test_auto_knows_the_room_by_the_time_it_finds_noise() -> None:
    """From then on it gives, to the last bit, what a suppressor gives that has been heard from the start."""
    sound = buzz(4.0) + hiss(4.0, -25.0)
    auto, always = through(Denoiser(0.5, False), sound, []), through(Denoiser(0.5, True), sound, [])
    assert np.array_equal(auto[32_000:], always[32_000:])


def test_noise_is_told_from_clear_sound_and_silence_is_no_noise() -> None:
    def noisy(samples: Samples) -> bool:
        ear = SignalToNoise()
        return [ear.feed(samples[at : at + 160]) for at in range(0, len(samples), 160)][-1]

    assert noisy(buzz(3.0) + hiss(3.0, -25.0)) and noisy(hiss(3.0))
    assert not noisy(buzz(3.0) + hiss(3.0, -70.0)) and not noisy(np.zeros(48_000, np.float32))


def test_without_a_suppressor_auto_means_off_and_what_is_asked_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rnnoise, "_library", lambda: None)
    assert noise_stage("auto") is noise_stage("off") is noise_stage(None) is None
    with pytest.raises(InvalidParameter, match=r"noise_reduction.*`noise`") as refused:
        noise_stage("near_field")
    assert refused.value.param == "noise_reduction"


def test_a_session_may_change_its_mind_without_losing_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive(opening())
    for noise_reduction in ("near_field", "auto", "off"):
        drive.audio(hiss(1.0))
        answers = drive.send(Reconfigure(NAME, noise_reduction=noise_reduction))
        assert any(isinstance(answer, Reconfigured) for answer in answers)
    monkeypatch.setattr(rnnoise, "_library", lambda: None)
    refused = drive.send(Reconfigure(NAME, noise_reduction="far_field"))
    assert any(isinstance(answer, Refused) and answer.error.param == "noise_reduction" for answer in refused)
    drive.audio(hiss(0.5))
    assert [answer.audio_s for answer in drive.finish() if isinstance(answer, Finished)] == [3.5]
