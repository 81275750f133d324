"""Recorded noises, moved and scaled, give no word, nor by telephone: the real detector and engine behind a session."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soxr

from conftest import Speech
from core.drive import Drive, opening
from stenowire.audio.vad import SpeechDetector
from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.events import Final, Partial
from stenowire.types import AudioFormat, Hypothesis, Samples

pytestmark = pytest.mark.engine


Written = Callable[[Samples, int], list[str]]

NOISES = ["noise1.flac", "noise5.flac"]


class Careful(MoonshineEngine):
    """Finals by beam search, as a server that has time decodes them."""

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        return super().step([msgspec.structs.replace(job, effort="beam") for job in jobs])


@pytest.fixture
def written(moonshine_folder: Path, silero_folder: Path) -> Written:
    """What is written of sound at a rate, interims too."""

    def write(samples: Samples, rate_hz: int) -> list[str]:
        drive = Drive(opening(format=AudioFormat("pcm", rate_hz)), Careful(moonshine_folder))  # type: ignore[arg-type]
        drive.detector = SpeechDetector(silero_folder)  # type: ignore[assignment]
        drive.ear = drive.detector.open()
        drive.audio(np.clip(samples, -1.0, 0.999))
        drive.finish()
        return [u.sentence.text for u in drive.updates if isinstance(u, Partial | Final)]

    return write


@pytest.mark.parametrize("file", NOISES)
@pytest.mark.parametrize(("shift", "gain"), [(0, 1.0), (64, 0.5), (192, 2.0), (320, 0.1), (448, 1.0)])
def test_noise_gives_no_word(file: str, shift: int, gain: float, speech: Speech, written: Written) -> None:
    samples, _ = speech(file)
    assert written(np.concatenate([np.zeros(shift, np.float32), samples * np.float32(gain)]), 16_000) == []


@pytest.mark.parametrize("file", NOISES)
@pytest.mark.parametrize(("shift", "gain"), [(0, 1.0), (57, 0.1), (228, 2.0)])
def test_noise_gives_no_word_by_telephone(file: str, shift: int, gain: float, speech: Speech, written: Written) -> None:
    samples, _ = speech(file)
    narrow = soxr.resample(np.concatenate([np.zeros(2 * shift, np.float32), samples * np.float32(gain)]), 16_000, 8_000)
    assert written(narrow, 8_000) == []


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "on_s", "every_s"), [(350, 440, 20, 20), (480, 620, 0.5, 1), (440, 480, 2, 6)]
)
def test_dial_busy_and_ringing_tones_give_no_word(
    low_hz: int, high_hz: int, on_s: float, every_s: float, written: Written
) -> None:
    at_s = np.arange(20 * 8_000) / 8_000
    tones = np.sin(2 * np.pi * low_hz * at_s) + np.sin(2 * np.pi * high_hz * at_s)
    assert written((0.15 * tones * (at_s % every_s < on_s)).astype(np.float32), 8_000) == []


@pytest.mark.parametrize("later_ms", [0, 12])
def test_lone_digits_of_a_telephone_are_heard(later_ms: int, speech: Speech, written: Written) -> None:
    """The detector gives some of them odds so low that they once went unheard."""
    samples, _ = speech("fsdd-nicolas-0.flac")
    narrow = soxr.resample(np.concatenate([np.zeros(16 * later_ms, np.float32), samples]), 16_000, 8_000)
    said = re.findall("[a-z]+", " ".join(written(narrow, 8_000)[-1:]).lower())
    assert said == ["three", "nine", "five", "four", "eight", "six", "two", "zero"]
