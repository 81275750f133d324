"""Recorded noises, moved and scaled, give no word: the real detector and engine behind a session."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Speech
from core.drive import Drive, opening
from stenowire.audio.vad import SpeechDetector
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.events import Final, Partial

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("file", ["noise1.flac", "noise5.flac"])
@pytest.mark.parametrize(("shift", "gain"), [(0, 1.0), (64, 0.5), (192, 2.0), (320, 0.1), (448, 1.0)])
def test_noise_gives_no_word(
    file: str, shift: int, gain: float, speech: Speech, moonshine_folder: Path, silero_folder: Path
) -> None:
    samples, _ = speech(file)
    drive = Drive(opening(), MoonshineEngine(moonshine_folder))  # type: ignore[arg-type]
    drive.detector = SpeechDetector(silero_folder)  # type: ignore[assignment]
    drive.ear = drive.detector.open()
    drive.audio(np.clip(np.concatenate([np.zeros(shift, np.float32), samples * np.float32(gain)]), -1.0, 0.999))
    drive.finish()
    assert [u.sentence.text for u in drive.updates if isinstance(u, Partial | Final)] == []
