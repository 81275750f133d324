"""Which candidates were really said: ranked by what is known without the audio, decided by what the audio says.

Input: an index, words, candidates, a function that scores texts on the audio. Output: decisions. Must not know engines.

    score = gain + base - 10 distance + 2 pieces + weight        accepted above 0, best first, none over another

`gain` is the log-likelihood of the altered text less that of the text as it stood. A term always costs likelihood,
since the engine would have written it itself otherwise, and more with each piece: `base` and `pieces` pay for that.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from stenowire.biasing.candidates import Candidate
from stenowire.biasing.index import Index
from stenowire.biasing.rewrite import replaced, text_of
from stenowire.types import Word

Score = Callable[[Sequence[str]], list[float]]
"""Log-probability of each text on the audio; the results of one call are comparable."""
Pieces = Callable[[str], int]

KEPT = 8
"""Candidates that are scored."""
BASES = ((30, 10.0), (300, 6.0), (math.inf, 5.0))
"""Up to so many terms, `base`: the more terms, the likelier an accident."""
DISTANCE_COST = 10.0
PIECE_WORTH = 2.0
WEIGHT_NATS = {1: -3.0, 2: -2.0, 3: -1.0, 4: 0.0, 5: 1.5, 50: 4.0}


class Decision(msgspec.Struct, frozen=True):
    candidate: Candidate
    gain: float
    """Nats."""
    score: float

    @property
    def accepted(self) -> bool:
        return self.score > 0


def rank(words: Sequence[Word], candidates: Sequence[Candidate], kept: int = KEPT) -> list[Candidate]:
    """Those worth scoring: near, long, and in the place of words that the engine was not sure of."""
    return sorted(candidates, key=lambda candidate: _doubt(words, candidate))[:kept]


def _doubt(words: Sequence[Word], candidate: Candidate) -> float:
    known = [word.confidence for word in words[candidate.begin : candidate.end] if word.confidence is not None]
    likely = sum(math.log(max(value, 1e-4)) for value in known)
    return candidate.distance + 0.04 * max(likely, -5.0) - 0.02 * min(candidate.phones, 12)


def decide(
    index: Index, words: Sequence[Word], candidates: Sequence[Candidate], score: Score, pieces: Pieces
) -> list[Decision]:
    """A decision for each candidate, best first."""
    if not candidates:
        return []
    texts = [altered(index, words, candidate) for candidate in candidates]
    before, *after = score([text_of(words), *texts])
    decided = [
        Decision(candidate, likely - before, worth(index, candidate, likely - before, pieces))
        for candidate, likely in zip(candidates, after, strict=True)
    ]
    return sorted(decided, key=lambda decision: -decision.score)


def altered(index: Index, words: Sequence[Word], candidate: Candidate) -> str:
    begin, end = candidate.begin, candidate.end
    new = replaced(words, begin, end, index.terms[candidate.term].text)
    return text_of([*words[:begin], *new, *words[end:]])


def worth(index: Index, candidate: Candidate, gain: float, pieces: Pieces) -> float:
    term = index.terms[candidate.term]
    base = next(base for most, base in BASES if len(index.terms) <= most)
    paid = PIECE_WORTH * pieces(term.text) + WEIGHT_NATS.get(term.weight, 0.0)
    return gain + base - DISTANCE_COST * candidate.distance + paid


def chosen(decisions: Sequence[Decision]) -> list[Decision]:
    """The accepted ones that do not overlap, in the order of the words."""
    taken: set[int] = set()
    kept = []
    for decision in decisions:
        span = range(decision.candidate.begin, decision.candidate.end)
        if decision.accepted and taken.isdisjoint(span):
            taken.update(span)
            kept.append(decision)
    return sorted(kept, key=lambda decision: decision.candidate.begin)
