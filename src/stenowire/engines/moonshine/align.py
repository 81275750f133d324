"""When each token and each word was said.

Input: attention over frames, one row per token; how surely each frame sounds. Output: spans of frames. Must not know
text.

Tokens: dynamic time warping after Giorgino's "Computing and Visualizing Dynamic Time Warping Alignments in R" (2009),
with the steps of a monotone alignment only: each frame belongs to one token, each token to at least one frame.

Words: the same with pauses between them. Paths that are as good as equal can lie far apart, and which is the best
changes with a codec; so a word begins in the middle of where all paths let it begin, each counted by its likelihood
(forward and backward sums as in Rabiner's "A Tutorial on Hidden Markov Models", 1989). Numbers from dev/LOG.md,
"Times of words, steadier".
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FLOOR = 1e-4
"""Attention below this is noise; it bounds the cost of a frame."""
QUIET_COST, LOUD_COST = 1.0, -math.log(FLOOR)
"""Nats for a frame of a pause, as -log(attention) for one of a token. No token pays more for a frame than a pause pays
for a loud one."""
PAUSE = -1
"""Among rows of tokens: a pause."""
REACH = 48
"""Frames, a good second, by which other paths may leave the best one. It bounds the computing for long clips."""


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


def word_spans(
    attention: NDArray[np.float32],
    spans: NDArray[np.int64],
    words: Sequence[tuple[int, int]],
    sounding: NDArray[np.float64],
) -> NDArray[np.float64]:
    """First frame and the one after the last of each word, in parts of a frame: float64[words, 2].

    `spans` of the tokens, as `token_spans` gives them; `words` are the first token of each and the one after its last;
    tokens of none, marks, count as pauses. `sounding` float64[frames] is how surely each frame of attention sounds.
    """
    tokens, frames = attention.shape
    if not words or tokens > frames:
        return np.array([(spans[begin, 0], spans[end - 1, 1]) for begin, end in words], np.float64).reshape(-1, 2)
    rows, starts = [PAUSE], [0]
    for begin, end in words:
        rows += [*range(begin, end), PAUSE]
        starts += [*spans[begin:end, 0].tolist(), int(spans[end - 1, 1])]
    of_tokens = -np.log(np.maximum(attention, FLOOR)).astype(np.float64)
    of_pauses = QUIET_COST + (LOUD_COST - QUIET_COST) * sounding
    sums = np.pad(np.cumsum(np.vstack([of_tokens, of_pauses])[rows], axis=1), ((0, 0), (1, 0)))
    stops = np.minimum(np.array([*starts[1:], frames]) + REACH, frames)
    within = np.stack([np.maximum(np.array(starts) - REACH, 0), stops], axis=1)
    before = _paths(sums, rows, within)
    # What lies behind a place is what lies before it when all is read backwards.
    after = _paths(sums[::-1, -1:] - sums[::-1, ::-1], rows[::-1], (frames - within)[::-1, ::-1])[::-1, ::-1]
    pauses = np.flatnonzero(np.array(rows) == PAUSE)
    edges = np.stack([pauses[:-1] + 1, pauses[1:]], axis=1)
    return _middles(before[edges] + after[edges])


def _paths(sums: NDArray[np.float64], rows: Sequence[int], within: NDArray[np.int64]) -> NDArray[np.float64]:
    """[rows + 1, frames + 1]: log-likelihood of all paths together by which so many rows take so many frames.

    `sums[row, j]` is what the first j frames cost in this row. Each row but a pause takes at least one frame, and none
    a frame outside its `within`.
    """
    paths = np.full((len(rows) + 1, sums.shape[1]), -np.inf)
    paths[0, 0] = 0.0
    for i, (row, (a, b)) in enumerate(zip(rows, within.tolist(), strict=True)):
        paths[i + 1, a + 1 : b + 1] = np.logaddexp.accumulate(paths[i, a:b] + sums[i, a:b]) - sums[i, a + 1 : b + 1]
        if row == PAUSE:
            np.logaddexp(paths[i + 1, a : b + 1], paths[i, a : b + 1], out=paths[i + 1, a : b + 1])
    return paths


def _middles(likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median place of each distribution along the last axis, given in logs; each place is as wide as a frame."""
    weights = np.exp(likelihoods - likelihoods.max(axis=-1, keepdims=True))
    filled = np.pad(np.cumsum(weights, axis=-1), ((0, 0), (0, 0), (1, 0)))
    edges = np.arange(filled.shape[-1]) - 0.5
    return np.array([[np.interp(place[-1] / 2, place, edges) for place in word] for word in filled])


def focus(attention: NDArray[np.float32], spans: NDArray[np.int64]) -> float:
    """The share of attention, 0..1, that lies within each token's own span, averaged over the tokens."""
    if not len(spans):
        return 0.0
    return float(np.mean([row[begin:end].sum() for row, (begin, end) in zip(attention, spans, strict=True)]))
