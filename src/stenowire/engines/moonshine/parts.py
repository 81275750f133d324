"""Clips that are longer than the model bears, in parts.

Input: a clip. Output: the samples at which to cut it. Must not know tokens or words.
"""

import numpy as np

from stenowire.engines.moonshine.shape import FRAME_SAMPLES
from stenowire.types import Samples

QUIET_FRAMES = 5
"""A cut lies in the middle of the quietest stretch of so many frames, 120 ms."""


def parts(clip: Samples, longest: int) -> list[tuple[int, int]]:
    """Spans (begin, end) of samples that cover `clip`, each at most `longest`, cut where it is quiet."""
    spans, begin = [], 0
    while len(clip) - begin > longest:
        earliest = begin + longest * 2 // 3
        end = earliest + _quietest(clip[earliest : begin + longest])
        spans.append((begin, end))
        begin = end
    return [*spans, (begin, len(clip))]


def _quietest(samples: Samples) -> int:
    frames = len(samples) // FRAME_SAMPLES
    power = np.square(samples[: frames * FRAME_SAMPLES]).reshape(frames, FRAME_SAMPLES).mean(axis=1)
    smooth = np.convolve(power, np.ones(QUIET_FRAMES), "valid")
    return (int(smooth.argmin()) + QUIET_FRAMES // 2) * FRAME_SAMPLES + FRAME_SAMPLES // 2
