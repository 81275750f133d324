"""What a client sends, on the tape for the recogniser and beside it for the speech detector."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from core.drive import NAME, opening, pcm
from stenowire.audio.narrowband import EAR_GAIN
from stenowire.core.line_in import DOUBT, LineIn
from stenowire.core.tape import Tape
from stenowire.events import Reconfigure
from stenowire.types import AudioFormat, NoiseReduction, Samples


def hiss(seconds: float, rate_hz: int = 16_000) -> Samples:
    return np.random.default_rng(4).normal(0, 0.05, int(rate_hz * seconds)).astype(np.float32)


def line(noise_reduction: NoiseReduction = "off", rate_hz: int = 16_000) -> tuple[LineIn, Tape]:
    tape = Tape()
    return LineIn(opening(noise_reduction=noise_reduction, format=AudioFormat("pcm", rate_hz)), tape), tape


def send(line: LineIn, samples: Samples, size: int = 1600) -> None:
    for at in range(0, len(samples), size):
        line.feed(pcm(samples[at : at + size]))


def change(line: LineIn, noise_reduction: NoiseReduction) -> None:
    line.change(Reconfigure(NAME, noise_reduction=noise_reduction))


def heard(line: LineIn, tape: Tape, step: int = 4096) -> Samples:
    """All of it, asked for bit by bit."""
    edges = [*range(0, tape.end, step), tape.end]
    return np.concatenate([line.for_ear(begin, end) for begin, end in pairwise(edges)])


def loudness(samples: Samples, edges: Sequence[int]) -> list[float]:
    return [float(np.square(part).mean()) for part in np.split(samples, edges)]


@pytest.mark.unit
def test_the_detector_hears_what_is_recognised() -> None:
    one, tape = line()
    send(one, hiss(1.0))
    one.fill(2)
    assert np.array_equal(heard(one, tape), tape.view(0, tape.end))


@pytest.mark.unit
def test_a_telephone_is_louder_for_the_detector_which_is_doubted() -> None:
    one, tape = line(rate_hz=8_000)
    send(one, hiss(1.0, 8_000))
    one.flush()
    assert heard(one, tape) == pytest.approx(EAR_GAIN * tape.view(0, tape.end))
    assert one.ear_doubts(0, 10 * 512) == [DOUBT] * 10
    assert one.again(0, 10 * 512) is None, "louder is not another sound"


@pytest.mark.engine
@pytest.mark.parametrize("rate_hz", [8_000, 16_000])
def test_noise_reduction_goes_on_and_off_for_the_detector_too(rate_hz: int) -> None:
    """A second without, two with, one without: nothing is lost, and without it both hear the same."""
    one, tape = line(rate_hz=rate_hz)
    send(one, hiss(1.0, rate_hz))
    change(one, "near_field")
    send(one, hiss(2.0, rate_hz))
    change(one, "off")
    send(one, hiss(1.0, rate_hz))
    one.flush()
    one.fill(2)
    sound = tape.view(0, tape.end)
    ear = heard(one, tape) / (EAR_GAIN if rate_hz == 8_000 else 1)
    assert len(ear) == len(sound) >= 64_000
    assert ear[:15_000] == pytest.approx(sound[:15_000], abs=1e-6)
    assert ear[50_000:] == pytest.approx(sound[50_000:], abs=1e-6)
    _, recognised, _ = loudness(sound, [24_000, 46_000])
    before, for_ear, after = loudness(ear, [24_000, 46_000])
    assert for_ear < 0.5 * recognised < 0.5 * min(before, after)


@pytest.mark.engine
def test_the_detector_is_doubted_where_it_hears_another_sound() -> None:
    one, _ = line()
    send(one, hiss(1.0))
    change(one, "near_field")
    send(one, hiss(1.0))
    one.flush()
    doubts = []
    for begin, end in pairwise((0, 20 * 512, 40 * 512, 62 * 512)):
        one.for_ear(begin, end)
        doubts += one.ear_doubts(begin, end)
    assert len(doubts) == 62 and set(doubts[:31]) == {1.0} and set(doubts[35:]) == {DOUBT}


@pytest.mark.engine
def test_what_the_detector_hears_is_kept_as_long_as_what_is_recognised() -> None:
    one, tape = line("near_field")
    send(one, hiss(20.0))
    for begin in range(0, 300_000, 4096):
        one.for_ear(begin, begin + 4096)
    assert len(one.for_ear(0, 4096)) == 4096
    tape.forget(290_000)
    one.for_ear(300_000, 304_096)
    assert tape.begin > 280_000
    with pytest.raises(ValueError, match="outside"):
        one.for_ear(0, 4096)


@pytest.mark.engine
def test_there_is_another_sound_to_listen_to_only_where_noise_is_reduced() -> None:
    one, tape = line()
    send(one, hiss(1.0))
    assert one.again(0, 16_000) is None
    change(one, "near_field")
    send(one, hiss(1.0))
    one.flush()
    again = one.again(0, 32_000)
    assert again is not None and np.array_equal(again, one.for_ear(0, 32_000))
    assert not np.array_equal(again, tape.view(0, 32_000))
    assert one.again(0, 15_000) is None, "where it was not reduced yet"


@pytest.mark.engine
def test_the_detector_hears_the_reduced_sound_at_the_moment_it_was_spoken() -> None:
    clicks = 0.01 * hiss(1.0)
    clicks[8_000] = 0.9
    one, tape = line("near_field")
    send(one, clicks)
    one.flush()
    assert int(np.abs(heard(one, tape)).argmax()) == int(np.abs(tape.view(0, tape.end)).argmax()) == 8_000
