"""`speech_noise_threshold`, from the wire to the cuts, on real speech and real noise."""

import json
from pathlib import Path

import numpy as np
import pytest

from conftest import Speech
from stenowire.audio.vad import SpeechDetector
from stenowire.core.hearing import levels_db
from stenowire.core.segmenter import FRAME, Begin, End, Segmenter
from stenowire.dialects.task_open import read_open
from stenowire.dialects.task_wire import RunTask, decode
from stenowire.types import Limits, Samples, Segmentation

pytestmark = pytest.mark.engine

THRESHOLDS = [-1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0]


def segmentation(threshold: float) -> Segmentation:
    """As a client asks for it."""
    parameters = {"format": "pcm", "sample_rate": 16_000, "speech_noise_threshold": threshold}
    header = {"action": "run-task", "task_id": "T", "streaming": "duplex"}
    payload = {"task_group": "audio", "task": "asr", "function": "recognition", "model": "fun-asr-realtime"}
    message = decode(json.dumps({"header": header, "payload": {**payload, "parameters": parameters, "input": {}}}))
    assert isinstance(message, RunTask)
    return read_open(message, Limits()).segmentation


def spoken_s(detector: SpeechDetector, samples: Samples, threshold: float) -> float:
    """Seconds between the onsets and the ends of all that counts as speech."""
    samples = samples[: len(samples) // FRAME * FRAME]
    (probabilities,) = detector.hear([(detector.open(), samples)])
    segmenter = Segmenter(segmentation(threshold))
    boundaries = [*segmenter.feed(probabilities.tolist(), levels_db(samples)), *segmenter.flush()]
    onsets = [boundary.onset for boundary in boundaries if isinstance(boundary, Begin)]
    ends = [boundary.speech_end for boundary in boundaries if isinstance(boundary, End)]
    return sum(end - onset for onset, end in zip(onsets, ends, strict=True)) / 16_000


@pytest.mark.parametrize("file", ["noise1.flac", "noise5.flac", "mfa-acoustic_corpus.flac", "ls-7902-96591-0000.flac"])
def test_a_higher_threshold_never_counts_more_as_speech(silero_folder: Path, speech: Speech, file: str) -> None:
    detector = SpeechDetector(silero_folder)
    lengths = [spoken_s(detector, speech(file)[0], threshold) for threshold in THRESHOLDS]
    assert lengths == sorted(lengths, reverse=True)


def test_noise_is_speech_to_the_lowest_threshold_only_and_speech_to_all(silero_folder: Path, speech: Speech) -> None:
    detector = SpeechDetector(silero_folder)
    noise, talk = speech("noise1.flac")[0], speech("lj-LJ001-0001.flac")[0]
    assert spoken_s(detector, noise, -1.0) > 0.9 * len(noise) / 16_000
    assert spoken_s(detector, noise, 0.0) == 0.0
    assert all(spoken_s(detector, talk, threshold) > 0.8 * len(talk) / 16_000 for threshold in THRESHOLDS)


def test_in_noise_every_step_of_the_threshold_counts_less(silero_folder: Path, speech: Speech) -> None:
    talk, noise = speech("mfa-acoustic_corpus.flac")[0], speech("noise1.flac")[0]
    loud = talk + np.resize(noise, len(talk)) * (talk.std() / noise.std())
    lengths = [spoken_s(SpeechDetector(silero_folder), loud, threshold) for threshold in (-1.0, 0.0, 1.0)]
    assert lengths[0] > lengths[1] > lengths[2]
