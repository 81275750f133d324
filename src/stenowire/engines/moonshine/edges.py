"""How surely each frame of a clip sounds, so that an alignment need not hand pauses to words.

Input: a clip. Output: a number from 0 to 1 for each encoder frame. Must not know tokens or text.

A threshold would not do: frames near it change sides from codec to codec, and words with them. Numbers from
dev/LOG.md, "Times of words, steadier".
"""

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.shape import FRAME_SAMPLES
from stenowire.types import Samples

QUIET_SHARE, LOUD_SHARE = 10, 95
"""Percentiles of the levels of a clip: its quiet and its loud parts."""
HALFWAY = 0.4
"""This share of the way from the one to the other, in dB, a frame sounds as likely as not."""
SURE_DB = 15.0
"""So far above that it surely sounds, so far below surely not."""


def sounding(clip: Samples, frames: int, first: int = 0) -> NDArray[np.float64]:
    """`clip` float32[n] at 16 kHz -> float64[frames], from its frame `first` on. Behind its end nothing sounds.

    Words fade in and out: a frame sounds as surely as the surest of itself and its neighbours.
    """
    levels_db = _levels_db(clip)
    quiet_db, loud_db = np.percentile(levels_db, (QUIET_SHARE, LOUD_SHARE)) if len(levels_db) else (0.0, 0.0)
    halfway_db = quiet_db + HALFWAY * (loud_db - quiet_db)
    sure = np.zeros(max(first + frames, len(levels_db)) + 2)
    sure[1 : len(levels_db) + 1] = np.clip(0.5 + (levels_db - halfway_db) / (2 * SURE_DB), 0, 1)
    widened = np.maximum(np.maximum(sure[:-2], sure[1:-1]), sure[2:])
    return widened[first : first + frames]


def _levels_db(clip: Samples) -> NDArray[np.float64]:
    """Of whole frames, and of the steps between samples: hum hardly counts, and s as much as a vowel."""
    frames = len(clip) // FRAME_SAMPLES
    steps = np.diff(clip[: frames * FRAME_SAMPLES].reshape(frames, FRAME_SAMPLES), axis=1)
    return np.asarray(10 * np.log10(np.square(steps).mean(axis=1, dtype=np.float64) + 1e-9))
