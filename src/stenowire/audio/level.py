"""Speech that is far too quiet or too loud, brought to where the detector and engines know it.

Input: float32 mono at 16 kHz, what a session heard. Output: for the detector the same, amplified as the stream goes on;
for an engine one gain for a whole clip, as a gain that moves costs more words than a wrong one (dev/LOG.md, "Level").
Must not know of sessions, nor what speech is: it goes by how much louder the loud moments are than the quiet ones.
"""

import math

import numpy as np
from numpy.typing import NDArray

from stenowire.types import SESSION_RATE_HZ, Samples

BLOCK = 128
"""Samples, 8 ms. A level is the rms of a block in dB below full scale."""
BLOCKS_PER_S = SESSION_RATE_HZ / BLOCK

FAINT_DB, QUIET_DB, LOUD_DB = -39.0, -22.0, -11.0
"""Levels of loud blocks: below the first, sound is amplified to the second; a detector hears well from there to the
third. Between the first two it is left alone, as a moving gain harms as much as it helps."""
FAINT_CLIP_DB, NORMAL_DB = -36.0, -18.0
"""An engine gets clips below the first amplified to the second, and clips above LOUD_DB attenuated to that."""
SILENT_DB = -75.0
"""Nothing is made of a clip below this."""
MOST_DB, LEAST_DB = 45.0, -12.0
"""Bounds of a gain."""
MOVED_DB = 6.0
KEPT_DB = 3.0
OVER_FLOOR_DB = 9.0
"""So far over the quiet moments a block counts as sound."""
FLOOR_DB = -85.0
"""No floor is lower: digital silence."""
FLOOR_RISE_DB = 2.0 / BLOCKS_PER_S
"""How fast the floor follows a room that grows louder: 2 dB/s."""
FIRST_BLOCKS = 25
"""200 ms of sound before anything is amplified."""
UP_DB, DOWN_DB = 60.0 / BLOCKS_PER_S, 6.0 / BLOCKS_PER_S
"""Steps of the level after a louder and a quieter block. Ten to one: it settles where a tenth of blocks is louder."""
RISE_DB = 4.0
"""Most by which a gain rises from block to block."""


class Leveller:
    """For the detector. Takes whole blocks; costs 0.4 ms of computing per second of audio."""

    def __init__(self, floor_db: float = 0.0, level_db: float = -100.0, gain_db: float = 0.0, heard: float = 0) -> None:
        self._floor_db = floor_db
        self._level_db = level_db
        """Of loud blocks."""
        self._gain_db = gain_db
        self._heard = heard
        """Blocks of sound so far, up to FIRST_BLOCKS."""

    @property
    def state(self) -> tuple[float, float, float, float]:
        """What makes another one that goes on from here."""
        return self._floor_db, self._level_db, self._gain_db, self._heard

    def feed(self, samples: Samples) -> Samples:
        """float32[n * BLOCK] to as many. The gain glides from block to block; the very same array where it is 0 dB."""
        before = self._gain_db
        gains = np.array([before, *(self._next(level) for level in levels_db(samples).tolist())])
        if not gains.any():
            return samples
        gains = 10 ** (gains / 20)
        glide = np.arange(1, BLOCK + 1) / BLOCK
        curves = gains[:-1, None] + (gains[1:] - gains[:-1])[:, None] * glide
        levelled: Samples = np.clip(samples * curves.reshape(-1), -1, 1).astype(np.float32)
        return levelled

    def _next(self, level_db: float) -> float:
        """The gain at the end of a block, in dB."""
        self._floor_db = max(FLOOR_DB, min(self._floor_db + FLOOR_RISE_DB, level_db))
        if level_db > self._floor_db + OVER_FLOOR_DB:
            self._learn(level_db)
        wanted_db = 0.0
        if self._heard >= FIRST_BLOCKS:
            wanted_db = self._wanted()
        self._gain_db = min(wanted_db, self._gain_db + RISE_DB)
        return self._gain_db

    def _wanted(self) -> float:
        if self._level_db > LOUD_DB:
            return max(LOUD_DB - self._level_db, LEAST_DB)
        # What is amplified stays so until it is well above: the level wavers by some dB.
        if self._level_db < FAINT_DB + (KEPT_DB if self._gain_db > 0 else 0.0):
            return min(QUIET_DB - self._level_db, MOST_DB)
        return 0.0

    def _learn(self, level_db: float) -> None:
        if self._heard < FIRST_BLOCKS:
            self._heard += 1
            self._level_db = max(self._level_db, level_db)
        else:
            self._level_db += UP_DB if level_db > self._level_db else -DOWN_DB


def levels_db(samples: Samples) -> NDArray[np.float64]:
    """float64[n] of float32[n * BLOCK]."""
    powers = np.square(samples.reshape(-1, BLOCK), dtype=np.float64).mean(axis=1)
    levels: NDArray[np.float64] = 10 * np.log10(powers + 1e-10)
    return levels


def clip_gain(clip: Samples) -> float:
    """What to multiply a clip by before an engine hears it: 1.0 for any but very quiet and very loud ones."""
    blocks = len(clip) // BLOCK
    if not blocks:
        return 1.0
    level_db, highest_db = np.percentile(levels_db(clip[: blocks * BLOCK]), (90, 99)).tolist()
    if level_db < SILENT_DB or FAINT_CLIP_DB <= level_db <= LOUD_DB:
        return 1.0
    if level_db > LOUD_DB:
        return float(10 ** (max(LEAST_DB, LOUD_DB - level_db) / 20))
    # A few loud words in a long silence are not quiet.
    wanted_db = min(NORMAL_DB - level_db, LOUD_DB - highest_db, MOST_DB)
    return float(10 ** (max(0.0, wanted_db) / 20))


def has_moved(gain: float, to: float) -> bool:
    """Whether two gains are so far apart (`MOVED_DB`) that what was computed with the one is not good any more."""
    return abs(20 * math.log10(to / gain)) > MOVED_DB


def amplified(clip: Samples, gain: float) -> Samples:
    """The clip itself where the gain is 1."""
    if gain == 1:
        return clip
    louder: Samples = np.clip(clip * np.float32(gain), -1, 1)
    return louder
