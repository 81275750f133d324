"""The recordings that everything is measured on, and talk without pause made from them.

In: `manifest.jsonl` in the folder named by STENOWIRE_SPEECH, else `../shared/speech` beside the checkout. Each line
has id, file, text, language, set, ref ("exact", or how the reference came about) and native_rate.
Out: `Recording`s with float32 samples at 16 kHz.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE_HZ = 16_000
DIGITS = "digits8k"
"""The set of isolated digits joined together: left out of the headline, as the engine's makers never meant it."""
JOIN_S = 0.15
"""Silence kept at either end of a recording when talk without pause is made: two of them make a breath."""


@dataclass(frozen=True)
class Recording:
    id: str
    set: str
    language: str
    exact: bool
    reference: str
    samples: Samples
    """float32[n] at 16 kHz in [-1, 1)."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ

    @property
    def headline(self) -> bool:
        """English with an exact reference and no digit strings."""
        return self.language == "en" and self.exact and self.set != DIGITS


def folder() -> Path:
    root = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("STENOWIRE_SPEECH") or root.parent / "shared" / "speech")


def missing() -> str | None:
    """Why nothing can be measured, or None."""
    manifest = folder() / "manifest.jsonl"
    return None if manifest.exists() else f"no recordings: {manifest} is absent (set STENOWIRE_SPEECH)"


def entries() -> list[dict[str, str]]:
    """The manifest."""
    lines = (folder() / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def load(quick: bool = False) -> list[Recording]:
    """All recordings in the manifest's order; `quick` takes every fifth of the headline and the non-speech files."""
    recordings = [_read(entry) for entry in entries()]
    if not quick:
        return recordings
    headline = [r for r in recordings if r.headline and r.seconds < 15]
    return headline[::5] + [r for r in recordings if r.language == "none"][-1:]


def _read(entry: dict[str, str]) -> Recording:
    samples, rate_hz = soundfile.read(folder() / entry["file"], dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    return Recording(
        id=entry["id"],
        set=entry["set"],
        language=entry["language"],
        exact=entry["ref"] == "exact",
        reference=entry["text"],
        samples=np.ascontiguousarray(mono, dtype=np.float32),
    )


def pcm(samples: Samples) -> bytes:
    """Signed 16-bit little-endian bytes."""
    return (np.clip(samples, -1, 1 - 2**-15) * 2**15).astype("<i2").tobytes()


def talk(recordings: list[Recording], first: int, seconds: float) -> Samples:
    """Talk without pause: headline recordings end to end, their outer silences trimmed, from the `first` one on."""
    pool = [r for r in recordings if r.headline]
    parts: list[Samples] = []
    length = 0
    index = first
    while length < seconds * RATE_HZ:
        part = trimmed(pool[index % len(pool)].samples)
        parts.append(part)
        length += len(part)
        index += 1
    return np.concatenate(parts)[: int(seconds * RATE_HZ)]


def trimmed(samples: Samples, keep_s: float = JOIN_S) -> Samples:
    """Cut outer silence (30 dB under the loud parts, by 20 ms) down to `keep_s` at either end."""
    hop = RATE_HZ // 50
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    level_db = 10 * np.log10((frames**2).mean(axis=1) + 1e-10)
    loud = np.flatnonzero(level_db > np.percentile(level_db, 95) - 30)
    keep = int(keep_s * RATE_HZ)
    return samples[max(0, loud[0] * hop - keep) : (loud[-1] + 1) * hop + keep]
