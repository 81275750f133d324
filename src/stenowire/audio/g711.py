"""Telephone speech: one byte per sample, companded by the laws of ITU-T G.711 (11/88).

Input: bytes. Output: float32 in (-1, 1). Both laws are a sign, a segment of three bits and a step of four; the tables
hold the decoder outputs of tables 1a to 2b of the recommendation, 13 bits wide for A-law and 14 for mu-law with their
signs, over full scale. Must not know of containers or rates.
"""

import numpy as np

from stenowire.types import Samples

ALAW_FULL_SCALE = 4096
MULAW_FULL_SCALE = 8192
MULAW_BIAS = 33
"""What makes the segments of mu-law powers of two; it is taken off again."""


def _alaw_table() -> Samples:
    """Every other bit is sent inverted (0x55), and a set sign bit means positive."""
    codes = np.arange(256) ^ 0x55
    segments, steps = codes >> 4 & 7, codes & 15
    magnitudes = np.where(segments == 0, 2 * steps + 1, 2 * steps + 33 << np.maximum(segments - 1, 0))
    return _signed(magnitudes, codes & 0x80 != 0, ALAW_FULL_SCALE)


def _mulaw_table() -> Samples:
    """All bits are sent inverted; a sign bit that is sent as 1 means positive."""
    codes = np.arange(256) ^ 0xFF
    segments, steps = codes >> 4 & 7, codes & 15
    magnitudes = (2 * steps + MULAW_BIAS << segments) - MULAW_BIAS
    return _signed(magnitudes, codes & 0x80 == 0, MULAW_FULL_SCALE)


def _signed(magnitudes: np.ndarray, positive: np.ndarray, full_scale: int) -> Samples:
    return (np.where(positive, magnitudes, -magnitudes) / full_scale).astype(np.float32)


ALAW = _alaw_table()
MULAW = _mulaw_table()


def from_alaw(data: bytes) -> Samples:
    return _look_up(ALAW, data)


def from_mulaw(data: bytes) -> Samples:
    return _look_up(MULAW, data)


def _look_up(table: Samples, data: bytes) -> Samples:
    return table[np.frombuffer(data, np.uint8)]
