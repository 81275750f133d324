"""Real recordings of ordinary level are heard as they are; loud and soft, they say the same."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stenowire.audio.declip import Declipper
from stenowire.audio.level import amplified, clip_gain
from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.types import SESSION_RATE_HZ, Hint, Samples

pytestmark = pytest.mark.engine

Speech = Callable[[str], tuple[Samples, dict[str, Any]]]

ORDINARY = ["ls-quilter", "ls-84-121550-0000", "lj-LJ001-0001", "lj-LJ001-0013", "mfa-acoustic_corpus", "ps-goforward"]
SPONTANEOUS = 7.2
"""Seconds of the beginning of a recording that a search once gave up after its first word."""


@pytest.fixture(scope="module")
def engine(moonshine_folder: Path) -> MoonshineEngine:
    return MoonshineEngine(moonshine_folder)


def heard(engine: MoonshineEngine, clip: Samples) -> list[str]:
    (hypothesis,) = engine.step([Job(state=engine.open(Hint()), clip=clip, final=True, effort="beam")])
    return [re.sub(r"[^a-z']", "", word.text.lower()) for word in hypothesis.words]


@pytest.mark.parametrize("name", ORDINARY)
def test_a_recording_of_ordinary_level_passes_to_the_last_bit(name: str, speech: Speech) -> None:
    clip, _ = speech(f"{name}.flac")
    assert clip_gain(clip) == 1.0
    assert np.array_equal(Declipper().feed(clip), clip)


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.0, 1.3, 2.0])
def test_a_spontaneous_talker_is_not_given_up_after_a_word_at_any_level(
    engine: MoonshineEngine, speech: Speech, gain: float
) -> None:
    clip, _ = speech("mfa-acoustic_corpus.flac")
    assert len(heard(engine, clip[: int(SPONTANEOUS * SESSION_RATE_HZ)] * np.float32(gain))) > 15


def test_speech_a_hundredth_as_loud_says_the_same(engine: MoonshineEngine, speech: Speech) -> None:
    clip, _ = speech("lj-LJ001-0013.flac")
    faint = (np.round(clip * 0.01 * 32_768) / 32_768).astype(np.float32)
    assert clip_gain(faint) > 5
    assert heard(engine, faint) == heard(engine, clip)
    assert np.abs(amplified(faint, clip_gain(faint))).max() <= 1


def test_a_breath_before_the_first_word_does_not_set_the_level(engine: MoonshineEngine, two_cities: Samples) -> None:
    """The first second is so faint that it alone would be amplified 70 times."""
    clip = two_cities[: 5 * SESSION_RATE_HZ]
    assert clip_gain(clip[:SESSION_RATE_HZ]) > 10
    state = engine.open(Hint())
    for end in (SESSION_RATE_HZ, 2 * SESSION_RATE_HZ, len(clip)):
        (hypothesis,) = engine.step([Job(state=state, clip=clip[:end])])
    assert state.gain == 1.0
    assert [word.text.lower() for word in hypothesis.words[:6]] == ["it", "was", "the", "best", "of", "times"]
