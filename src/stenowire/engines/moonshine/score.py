"""How likely given texts are on one clip.

Input: a `Network`, what it heard, texts as tokens. Output: a log-probability per text. Must not know words or search.

The texts grow from one root like branches of a tree: a beginning that several share is computed once. All tokens stand
in one row of the decoder, in an order in which each follows the one before it in its text; a mask lets it look at its
own text only, and its position is its depth in the tree.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.network import Heard, Layers, Network, Places
from stenowire.engines.moonshine.shape import END, MAX_TOKENS, START

TOKENS_PER_CALL = 64
"""More at once save no time, and their scores over the whole vocabulary take memory: 64 take 17 MB."""
BARRED = -10_000.0
"""Added to a match that must not count."""


class Tree:
    """Tokens as nodes; node 0 opens every text."""

    def __init__(self) -> None:
        self.tokens = [START]
        self.lines: list[list[int]] = [[0]]
        """Per node, the nodes from the root to itself."""
        self.following: list[dict[int, int]] = [{}]
        """Per node, the tokens that follow it, and their nodes."""

    def add(self, tokens: Sequence[int]) -> int:
        """The node of the last token."""
        node = 0
        for token in tokens:
            node = self.following[node].get(token) or self._grow(node, token)
        return node

    def _grow(self, node: int, token: int) -> int:
        new = len(self.tokens)
        self.following[node][token] = new
        self.tokens.append(token)
        self.lines.append([*self.lines[node], new])
        self.following.append({})
        return new


def score(network: Network, heard: Heard, texts: Sequence[Sequence[int]]) -> list[float]:
    """Log-probability of each text with its end, in nats; -inf for one that is longer than the model's table.

    Compare the results of one call only: eight-bit rounding makes the same text differ by up to 0.5 in other company.
    """
    return [total + end for total, end in _likelihoods(network, heard, texts)]


def score_openings(network: Network, heard: Heard, texts: Sequence[Sequence[int]]) -> list[float]:
    """The same for texts that may go on: their end is not counted."""
    return [total for total, _ in _likelihoods(network, heard, texts)]


def _likelihoods(network: Network, heard: Heard, texts: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """Log-probability of each text, and of its end there."""
    tree = Tree()
    fits = [len(text) < MAX_TOKENS for text in texts]
    ends = [tree.add(text) if fit else 0 for text, fit in zip(texts, fits, strict=True)]
    likely = _followers(network, heard, tree)
    totals = np.zeros(len(tree.tokens))
    for node, following in enumerate(tree.following):
        for place, child in enumerate(following.values()):
            totals[child] = totals[node] + likely[node, place]
    # The end is the last thing that is asked for after each token.
    return [
        (float(totals[end]), float(likely[end, -1])) if fit else (-np.inf, 0.0)
        for end, fit in zip(ends, fits, strict=True)
    ]


def _followers(network: Network, heard: Heard, tree: Tree) -> NDArray[np.float32]:
    """float32[nodes, most followers + 1]: log-probabilities of what follows each node, and of an end there."""
    most = max(map(len, tree.following))
    wanted = np.full((1, len(tree.tokens), most + 1), END)
    for node, following in enumerate(tree.following):
        wanted[0, node, : len(following)] = list(following)
    kept: Layers | None = None
    found = []
    for begin in range(0, len(tree.tokens), TOKENS_PER_CALL):
        end = min(begin + TOKENS_PER_CALL, len(tree.tokens))
        tokens = np.array([tree.tokens[begin:end]])
        places = _places(tree.lines[begin:end], end)
        step = network.decode(heard, tokens, kept, best=0, wanted=wanted[:, begin:end], places=places)
        kept = step.kept
        found.append(step.wanted[0])
    return np.concatenate(found)


def _places(lines: Sequence[Sequence[int]], nodes: int) -> Places:
    barred = np.full((1, 1, len(lines), nodes), BARRED, np.float32)
    for row, line in enumerate(lines):
        barred[0, 0, row, line] = 0.0
    return Places(np.array([[len(line) - 1 for line in lines]]), barred)
