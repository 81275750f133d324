"""Search for the text of one clip.

Input: a `Network`, what it heard, limits. Output: tokens with their log-probabilities and with where each one listened.
Must not know words, times or sessions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.guards import loop_start
from stenowire.engines.moonshine.network import Heard, Layers, Network
from stenowire.engines.moonshine.shape import END, START


class Decoded(NamedTuple):
    tokens: list[int]
    """Without the opening and the closing token."""
    scores: list[float]
    """The log-probability of each token, given the ones before it; 0 for forced ones."""
    attention: NDArray[np.float32]
    """[tokens, frames]: where the model listened when it wrote each token."""


def greedy(network: Network, heard: Heard, cap: int, forced: Sequence[int] = (), draft: Sequence[int] = ()) -> Decoded:
    """The likeliest token at each turn.

    The text opens with `forced`. `draft` is a guess at what follows: one call reads all of it, and what the model would
    have written itself is kept. A wrong guess costs time, never a word.
    """
    guess = [*forced, *draft]
    step = network.decode(heard, np.array([[START, *guess]]), None)
    chosen, scores = step.candidates[0, :, 0], step.scores[0, :, 0]
    agreed = len(forced)
    while agreed < len(guess) and chosen[agreed] == guess[agreed]:
        agreed += 1
    tokens = guess[:agreed]
    found = [0.0] * len(forced) + [float(score) for score in scores[len(forced) : agreed]]
    attention = [step.attention[0, : agreed + 1]]
    kept: Layers = step.kept
    if agreed < len(guess):
        kept = [np.ascontiguousarray(values[:, :, : agreed + 1]) for values in kept]
    following, score = int(chosen[agreed]), float(scores[agreed])
    while following != END and len(tokens) < cap:
        tokens.append(following)
        found.append(score)
        if (loop := loop_start(tokens)) is not None:
            tokens, found = tokens[:loop], found[:loop]
            break
        step = network.decode(heard, np.array([[following]]), kept)
        attention.append(step.attention[0])
        kept = step.kept
        following, score = int(step.candidates[0, 0, 0]), float(step.scores[0, 0, 0])
    return Decoded(tokens, found, np.concatenate(attention)[: len(tokens)])
