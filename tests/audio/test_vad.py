"""The speech detector on real weights and real speech."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from stenowire.audio.level import Leveller
from stenowire.audio.vad import MOST_FRAMES, WEIGHTS, Ear, SpeechDetector
from stenowire.errors import InternalError
from stenowire.types import Samples

pytestmark = pytest.mark.engine

FRAME = 512
ROUNDING = 1e-5
"""What sharing a call may change, in probability."""


@pytest.fixture(scope="module")
def detector(silero_folder: Path) -> SpeechDetector:
    return SpeechDetector(silero_folder)


@pytest.fixture(scope="module")
def voice(two_cities: Samples) -> Samples:
    """44 s of speech in whole frames."""
    return two_cities[: len(two_cities) // FRAME * FRAME]


def hear(detector: SpeechDetector, ear: Ear, samples: Samples, cuts: list[int]) -> Samples:
    """One speaker alone, in calls that end at the given frames."""
    pieces = np.split(samples, [cut * FRAME for cut in cuts])
    return np.concatenate([detector.hear([(ear, piece)])[0] for piece in pieces])


def shipped(folder: Path, samples: Samples) -> Samples:
    """Silero's own network, one frame a call, on the sound as the detector hears it."""
    samples = Leveller().feed(samples)
    network = onnxruntime.InferenceSession(folder / WEIGHTS, providers=["CPUExecutionProvider"])
    joined = np.concatenate((np.zeros(64, np.float32), samples))
    h = c = np.zeros((1, 1, 128), np.float32)
    heard = []
    for begin in range(0, len(samples), FRAME):
        frame = joined[None, begin : begin + 64 + FRAME]
        probability, h, c = network.run(None, {"input": frame, "h": h, "c": c})
        heard.append(probability[0])
    return np.array(heard, np.float32)


def test_the_rebuilt_network_hears_what_the_shipped_one_hears(
    detector: SpeechDetector, silero_folder: Path, voice: Samples
) -> None:
    noisy = voice + np.random.default_rng(1).normal(0, 0.02, len(voice)).astype(np.float32)
    for samples in (voice, noisy):
        heard = hear(detector, detector.open(), samples, list(range(3, len(samples) // FRAME, 3)))
        assert np.abs(heard - shipped(silero_folder, samples)).max() < 1e-3
        assert heard.min() < 0.1 < 0.9 < heard.max()


@pytest.mark.parametrize("file", ["noise1.flac", "osr-34-8k.flac", "zh-aishell.flac", "ps-goforward.flac"])
def test_it_agrees_with_the_shipped_one_on_noise_telephones_and_other_languages(
    detector: SpeechDetector, silero_folder: Path, speech: Callable[[str], tuple[Samples, dict[str, Any]]], file: str
) -> None:
    samples, _ = speech(file)
    samples = samples[: min(len(samples), 160_000) // FRAME * FRAME]
    heard = hear(detector, detector.open(), samples, [])
    assert np.abs(heard - shipped(silero_folder, samples)).max() < 1e-3


def test_how_audio_is_cut_into_calls_does_not_matter(detector: SpeechDetector, voice: Samples) -> None:
    samples = voice[: 300 * FRAME]
    whole = hear(detector, detector.open(), samples, [])
    for cuts in ([1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233], list(range(1, 300)), list(range(7, 300, 7))):
        assert np.abs(hear(detector, detector.open(), samples, cuts) - whole).max() < ROUNDING


def test_a_speaker_does_not_hear_who_shares_the_call(detector: SpeechDetector, voice: Samples) -> None:
    speakers = [voice[start * 20 * FRAME :][: 60 * FRAME] for start in range(32)]
    together = [detector.open() for _ in speakers]
    heard: list[list[Samples]] = [[] for _ in speakers]
    for begin in range(0, 60, 3):
        part = slice(begin * FRAME, (begin + 3) * FRAME)
        jobs = [(ear, samples[part]) for ear, samples in zip(together, speakers, strict=True)]
        for pieces, answer in zip(heard, detector.hear(jobs), strict=True):
            pieces.append(answer)
    for samples, pieces in zip(speakers, heard, strict=True):
        alone = hear(detector, detector.open(), samples, list(range(3, 60, 3)))
        assert np.abs(np.concatenate(pieces) - alone).max() < ROUNDING


def test_speakers_with_different_amounts_of_audio_share_a_call(detector: SpeechDetector, voice: Samples) -> None:
    frames = [3, 4, 0, 1, 3, 30, MOST_FRAMES + 9, 4]
    jobs = [(detector.open(), voice[i * FRAME : (i + count) * FRAME]) for i, count in enumerate(frames)]
    heard = detector.hear(jobs)
    assert [len(answer) for answer in heard] == frames
    for (ear, samples), answer in zip(jobs, heard, strict=True):
        alone = detector.open()
        assert np.abs(hear(detector, alone, samples, []) - answer).max(initial=0) < ROUNDING
        assert np.abs(alone.h - ear.h).max() < ROUNDING


def test_speech_is_speech_and_silence_is_not(detector: SpeechDetector, voice: Samples) -> None:
    silence, hum = np.zeros(100 * FRAME, np.float32), np.sin(np.arange(100 * FRAME) / 50).astype(np.float32) / 4
    spoken, silent, hummed = detector.hear([(detector.open(), x) for x in (voice[: 300 * FRAME], silence, hum)])
    assert np.mean(spoken > 0.5) > 0.6
    assert silent.max() < 0.1
    assert hummed[3:].max() < 0.5


def test_half_a_frame_is_refused(detector: SpeechDetector) -> None:
    with pytest.raises(ValueError, match="700 samples are not whole frames of 512"):
        detector.hear([(detector.open(), np.zeros(700, np.float32))])


def test_nobody_and_nothing_are_heard_without_fuss(detector: SpeechDetector) -> None:
    ear = detector.open()
    assert detector.hear([]) == []
    assert detector.hear([(ear, np.zeros(0, np.float32))])[0].shape == (0,)
    detector.close(ear)
    detector.close(ear)


@pytest.mark.parametrize("damage", ["missing", "truncated", "other"])
def test_damaged_weights_are_refused_with_a_clear_line(silero_folder: Path, tmp_path: Path, damage: str) -> None:
    weights = (silero_folder / WEIGHTS).read_bytes()
    if damage == "truncated":
        (tmp_path / WEIGHTS).write_bytes(weights[: len(weights) // 2])
    if damage == "other":
        (tmp_path / WEIGHTS).write_bytes(b"not a network at all")
    with pytest.raises(InternalError, match=r"the speech detector's weights in .* cannot be used"):
        SpeechDetector(tmp_path)
