"""Fixtures that every folder shares: the real models, and real recordings with what is said in them."""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from stenowire.models.errors import ModelDamaged, ModelUnavailable
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.types import SESSION_RATE_HZ, Samples

Speech = Callable[[str], tuple[Samples, dict[str, Any]]]


@pytest.fixture(scope="session")
def models_root() -> Path:
    return default_root()


@cache
def model_folder(name: str) -> Path:
    """Damaged files fail the tests; only a model that nobody can fetch from here skips them."""
    try:
        return ensure(name, default_root())
    except ModelDamaged:
        raise
    except ModelUnavailable as error:
        pytest.skip(error.message)


@pytest.fixture(scope="session")
def moonshine_folder() -> Path:
    return model_folder("moonshine-tiny-en")


@pytest.fixture(scope="session")
def cmudict_folder() -> Path:
    return model_folder("cmudict")


@pytest.fixture(scope="session")
def silero_folder() -> Path:
    return model_folder("silero-vad")


def speech_folder() -> Path:
    return Path(os.environ.get("STENOWIRE_SPEECH") or Path(__file__).parents[2] / "shared" / "speech")


@cache
def speech_rows() -> dict[str, dict[str, Any]]:
    """File name -> its row: text, duration_s, native_rate, language, set. Empty where there are no recordings."""
    manifest = speech_folder() / "manifest.jsonl"
    if not manifest.exists():
        return {}
    rows = map(json.loads, manifest.read_text(encoding="utf-8").splitlines())
    return {row["file"]: row for row in rows}


@cache
def load_audio(path: Path) -> Samples:
    """float32 at 16 kHz, mono, read-only."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    resampled = soxr.resample(samples.mean(axis=1), rate_hz, SESSION_RATE_HZ).astype(np.float32)
    resampled.flags.writeable = False
    return resampled


@pytest.fixture(scope="session")
def speech() -> Speech:
    """`speech("lj-LJ001-0001.flac")` -> (samples at 16 kHz, the manifest's row)."""
    rows = speech_rows()
    if not rows:
        pytest.skip(
            f"no recordings: set STENOWIRE_SPEECH to a folder with a manifest.jsonl (looked in {speech_folder()})"
        )
    return lambda file: (load_audio(speech_folder() / file), rows[file])


@pytest.fixture(scope="session")
def two_cities(moonshine_folder: Path) -> Samples:
    """44 s of read English that come with the model; float32 at 16 kHz."""
    return load_audio(moonshine_folder / "two_cities.wav")
