"""One search for two texts of a clip: the likeliest, and the likeliest that leans towards terms.

Input: a `Network`, what it heard, an automaton of terms. Output: both texts. Must not know words or times.

Beside the texts of a plain beam grow a few that hold terms, ranked with what the automaton gives. Tokens that go on
with a term, or begin one, are scored wherever they rank among all. Both kinds share each call of the decoder, so the
second text costs about a tenth of the search.
"""

import numpy as np
from numpy.typing import NDArray

from stenowire.biasing.automaton import ROOT, Automaton, Node
from stenowire.engines.moonshine.decode import BEAM_MARGIN, BEAM_WIDTH, Decoded, Listened, Text, apart, decoded
from stenowire.engines.moonshine.network import Heard, Layers, Network, Step
from stenowire.engines.moonshine.shape import END, START

EXTRA = 4
"""Leaning texts that grow beside the plain ones: 8 gain nothing (dev/LOG.md, "Terms along the tokens of a search")."""
RANKS = 3 * BEAM_WIDTH
"""Places among which leaning texts are looked for."""
FAR = 12.0
"""Nats below the likeliest token at which even a term is not gone on with."""
NEAR = BEAM_MARGIN + 2.0
"""The same for beginning one."""


class Leaning(Text):
    """A text with what terms add to it."""

    def __init__(
        self,
        before: "Leaning | None",
        row: int,
        token: int,
        score: float,
        listened: Listened | None,
        node: Node = ROOT,
        bonus: float = 0.0,
    ) -> None:
        super().__init__(before, row, token, score, listened)
        self.node = node
        self.bonus: float = before.bonus + bonus if before else 0.0

    @property
    def worth(self) -> float:
        return self.total + self.bonus


def beams(network: Network, heard: Heard, cap: int, terms: Automaton) -> tuple[Decoded, Decoded]:
    """(the likeliest text as `beam` finds it, the one of most worth), each at most `cap` tokens."""
    growing = [Leaning(None, 0, START, 0.0, None)]
    kept: Layers | None = None
    first = np.array(terms.first)
    plain, leaning = _Best(growing[0]), _Best(growing[0])
    while growing and growing[0].length <= cap:
        wanted = _wanted(growing, terms, first)
        tokens = np.array([[text.token] for text in growing])
        step = network.decode(heard, tokens, kept, best=2 * BEAM_WIDTH, wanted=wanted)
        grown = _grown(growing, step, wanted, len(first), terms)
        growing = _likely(grown, plain)
        growing += _leaning(grown, leaning, growing)
        kept = [values[[text.row for text in growing]] for values in step.kept] if growing else None
    if plain.worth == -np.inf:
        plain.text = plain.circling or (growing[0] if growing else plain.text)
    if leaning.worth == -np.inf:
        leaning.text = plain.text
    return decoded(plain.text.line()[:cap], heard.frames), decoded(leaning.text.line()[:cap], heard.frames)


class _Best:
    """The best finished text so far."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.worth = -np.inf
        self.circling: Text | None = None
        """The first that ran in circles, up to its second turn: for want of anything better."""


def _likely(grown: list[Leaning], best: _Best) -> list[Leaning]:
    """The texts that a plain beam would keep, and whether one has ended."""
    grown.sort(key=lambda text: -text.total)
    floor = grown[0].total - BEAM_MARGIN
    straight, circling = apart([text for text in grown[: 2 * BEAM_WIDTH] if text.total >= floor])
    best.circling = best.circling or next(iter(circling), None)
    kept: list[Leaning] = []
    for place, text in enumerate(straight):
        if text.token != END and text.total > max(best.worth, floor) and len(kept) < BEAM_WIDTH:
            kept.append(text)
        elif text.token == END and text.total > best.worth and place < BEAM_WIDTH:
            best.text, best.worth = text, text.total
    return kept


def _leaning(grown: list[Leaning], best: _Best, known: list[Leaning]) -> list[Leaning]:
    """Texts with a term in them or under way that are worth more with it."""
    grown.sort(key=lambda text: -text.worth)
    floor = grown[0].worth - BEAM_MARGIN
    straight, _ = apart(grown[:RANKS])
    taken = set(map(id, known))
    kept: list[Leaning] = []
    for text in straight:
        if text.worth < floor or len(kept) == EXTRA:
            break
        if text.token == END and text.worth > best.worth:
            best.text, best.worth = text, text.worth
        elif text.token != END and text.bonus > 0 and text.worth > best.worth and id(text) not in taken:
            kept.append(text)
    return kept


def _wanted(growing: list[Leaning], terms: Automaton, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[rows, 1, w]: tokens that go on with a term, filled up with ends, then those that begin one."""
    rows = [terms.wanted(text.node) for text in growing]
    most = max(map(len, rows))
    wanted = np.full((len(rows), 1, most + len(first)), END)
    for row, tokens in enumerate(rows):
        wanted[row, 0, : len(tokens)] = tokens
    wanted[:, 0, most:] = first
    return wanted


def _grown(
    growing: list[Leaning], step: Step, wanted: NDArray[np.int64], first: int, terms: Automaton
) -> list[Leaning]:
    """Every text with every likely or wanted token after it."""
    grown = []
    reach = np.full(wanted.shape[2], FAR)
    reach[len(reach) - first :] = NEAR
    for row, text in enumerate(growing):
        likely = step.scores[row, 0]
        asked = step.wanted[row, 0]
        # Those that rank as high as the likely ones are among them.
        far = np.flatnonzero((asked < likely[-1]) & (asked > likely[0] - reach))
        scores = dict(zip(step.candidates[row, 0].tolist(), likely.tolist(), strict=True))
        scores |= dict(zip(wanted[row, 0, far].tolist(), asked[far].tolist(), strict=True))
        for token, score in scores.items():
            node, bonus = (ROOT, terms.end(text.node)) if token == END else terms.step(text.node, token)
            grown.append(Leaning(text, row, token, score, step.attention[row, 0], node, bonus))
    return grown
