"""What the engine is asked for."""

import numpy as np
import pytest

from core.drive import opening, pcm
from stenowire.core.line_in import LineIn
from stenowire.core.steps import Steps
from stenowire.core.tape import Tape
from stenowire.core.utterance import OpenUtterance
from stenowire.engines.scripted import ScriptedEngine
from stenowire.events import Step
from stenowire.types import NoiseReduction

pytestmark = pytest.mark.engine


def asked(noise_reduction: NoiseReduction) -> tuple[Step, Step]:
    """An interim and a final, with this noise reduction."""
    started = opening(noise_reduction=noise_reduction)
    tape = Tape()
    line = LineIn(started, tape)
    line.feed(pcm(np.random.default_rng(4).normal(0, 0.05, 32_000).astype(np.float32)))
    line.flush()
    steps = Steps(started, ScriptedEngine().info, tape, line)
    utterance = OpenUtterance(1, 4_000, 4_000)
    interim = steps.partial(utterance, 20_000, 20_000, 0.0)[-1]
    final = steps.final(utterance, 24_000, 0.0)[-1]
    assert isinstance(interim, Step) and isinstance(final, Step)
    return interim, final


def test_a_final_in_noise_brings_what_the_detector_heard_and_an_interim_does_not() -> None:
    interim, final = asked("near_field")
    assert interim.again is None
    assert final.again is not None and len(final.again) == len(final.clip) == 20_000
    assert np.square(final.again).sum() < 0.7 * np.square(final.clip).sum(), "more of the noise is gone"


def test_without_noise_reduction_there_is_one_sound() -> None:
    assert [step.again for step in asked("off")] == [None, None]
