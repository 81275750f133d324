"""An engine with a model at 8 kHz gets 8 kHz, and what came over the telephone reaches it as it was."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from core.drive import Drive, opening
from stenowire.audio.narrowband import HighPass
from stenowire.engines.at_rate import at_session_rate
from stenowire.engines.base import Job
from stenowire.engines.scripted import ScriptedEngine
from stenowire.serving.hub import Hub
from stenowire.types import AudioFormat, EngineInfo, Hypothesis, Samples, Segmentation, Word

pytestmark = pytest.mark.unit


class Telephone(ScriptedEngine):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.clips: list[Samples] = []

    @property
    def info(self) -> EngineInfo:
        return msgspec.structs.replace(super().info, rate_hz=8_000)

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        self.clips += [job.clip for job in jobs]
        self.again = jobs[-1].again
        return [Hypothesis((Word("heard", 0, 100),), heard_ms=len(job.clip) // 8, final=job.final) for job in jobs]


def call() -> tuple[Samples, bytes]:
    """Two seconds of sound below 3.4 kHz at 8 kHz, then a second of silence."""
    t = np.arange(16_000) / 8_000
    tones = sum(np.sin(2 * np.pi * hz * t) for hz in (300, 1_100, 3_300))
    sound = np.concatenate((0.1 * tones, np.zeros(8_000))).astype(np.float32)
    return sound, np.round(sound * 32_767).astype("<i2").tobytes()


def test_an_8_khz_model_hears_a_call_as_it_was_sent_but_for_rumble() -> None:
    sound, data = call()
    engine = Telephone()
    asked = opening(format=AudioFormat("pcm", 8_000), interims=False, segmentation=Segmentation(silence_ms=400))
    drive = Drive(asked, at_session_rate(engine))  # type: ignore[arg-type]
    drive.data(data, 800)
    drive.finish()
    heard = engine.clips[-1]
    assert 16_000 <= len(heard) <= 20_000
    middle = HighPass().feed(sound)[4_000:12_000]
    assert np.linalg.norm(heard[4_000:12_000] - middle) < 0.01 * np.linalg.norm(middle)


def test_the_hub_gives_every_engine_its_own_rate() -> None:
    telephone: Any = Hub(Telephone(), object()).engine
    silence = np.zeros(16_000, np.float32)
    telephone.step([Job(state=telephone.open(opening().hint), clip=silence, again=silence)])
    assert len(telephone.clips[0]) == len(telephone.again) == 8_000
    assert telephone.info.rate_hz == 16_000


def test_an_engine_at_16_khz_is_left_as_it_is() -> None:
    engine = ScriptedEngine()
    assert at_session_rate(engine) is engine
