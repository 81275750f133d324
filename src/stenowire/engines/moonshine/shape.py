"""The sizes of Moonshine tiny as its shipped graphs state them, and the tables that follow from them."""

import numpy as np
from numpy.typing import NDArray

LAYERS = 6
"""In the encoder and in the decoder."""
HEADS = 8
HEAD_SIZE = 36
WIDTH = HEADS * HEAD_SIZE
ROTARY_SIZE = 32
"""So many of the 36 numbers of a head turn with the position."""
ROTARY_BASE = 10_000.0
EPSILON = 1e-5
"""Of all layer norms and of the group norm."""
VOCABULARY = 32_768
START, END = 1, 2
"""Token ids that open and close every text."""

HOP = 64
"""Samples between frames of the first convolution; its kernel spans 127."""
ROW_HOPS = 3
"""Hops between rows of the second convolution."""
ROW_KERNEL = 7
"""Hops that a row of the second convolution sees."""
ROW_SAMPLES = HOP * ROW_HOPS
FRAME_SAMPLES = 384
"""Samples between frames of the encoder: 64 x 3 x 2, or 24 ms."""
MAX_FRAMES = 1_600
"""38 s: the longest clip that the encoder's position table covers."""
MAX_TOKENS = 512
"""The longest text that the decoder's position table covers."""


def rotary_tables(length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines and sines, float32[length, 16] each, of position times inverse frequency."""
    inverse = ROTARY_BASE ** (-np.arange(0, ROTARY_SIZE, 2) / ROTARY_SIZE)
    angles = np.arange(length)[:, None] * inverse.astype(np.float32)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
