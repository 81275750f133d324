"""When each token was said.

Input: attention over frames, one row per token. Output: a span of frames per token. Must not know text.

Dynamic time warping after Giorgino's "Computing and Visualizing Dynamic Time Warping Alignments in R" (2009), with the
steps of a monotone alignment only: each frame belongs to one token, each token to at least one frame.
"""

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-4
"""Attention below this is noise; it bounds the cost of a frame."""


def token_spans(attention: NDArray[np.float32]) -> NDArray[np.int64]:
    """`attention` float32[tokens, frames] -> int64[tokens, 2]: first frame and the frame after the last of each token.

    With fewer frames than tokens, the frames are dealt out evenly.
    """
    tokens, frames = attention.shape
    if tokens == 0 or tokens > frames:
        edges = np.linspace(0, frames, tokens + 1).astype(np.int64)
        return np.stack([edges[:-1], edges[1:]], axis=1)
    cost = -np.log(np.maximum(attention, FLOOR)).astype(np.float64)
    sums = np.concatenate([np.zeros((tokens, 1)), np.cumsum(cost, axis=1)], axis=1)
    starts = np.zeros((tokens, frames + 1), np.int64)
    # best[j]: least cost of the tokens so far over the first j frames.
    best = np.full(frames + 1, np.inf)
    best[0] = 0.0
    for token in range(tokens):
        entered = best - sums[token]
        least = np.minimum.accumulate(entered)
        # A token takes at least one frame: it ends at j, having begun at the best place before j.
        first = np.maximum.accumulate(np.where(entered <= least, np.arange(frames + 1), 0))
        best = np.full(frames + 1, np.inf)
        best[1:] = least[:-1] + sums[token][1:]
        starts[token, 1:] = first[:-1]
    spans = np.zeros((tokens, 2), np.int64)
    end = frames
    for token in reversed(range(tokens)):
        spans[token] = starts[token, end], end
        end = int(starts[token, end])
    return spans


def focus(attention: NDArray[np.float32], spans: NDArray[np.int64]) -> float:
    """The share of attention, 0..1, that lies within each token's own span, averaged over the tokens."""
    if not len(spans):
        return 0.0
    return float(np.mean([row[begin:end].sum() for row, (begin, end) in zip(attention, spans, strict=True)]))
