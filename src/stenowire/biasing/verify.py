"""Which candidates were really said: ranked by what is known without the audio, decided by what the audio says.

Input: an index, words, candidates, a function that scores texts on the audio. Output: decisions. Must not know engines.

    score = gain + base - 15 distance + 2 pieces + 0.5 phones            of the term
                 - 20 distance if the dictionary has it and the list is long
                 + 0.5 pieces - 0.5 likelihood + 2 if one is no word - 2 if each is one piece
                                                                         of the words that would go
                 + weight + 5 if the engine proposes it   accepted above 0, best first, none over another

`gain` is the log-likelihood of the altered text less that of the text as it stood, up to the word after the term. A
term always costs likelihood, since the engine would have written it itself otherwise, and more with each piece. A long
term is hit by accident less often, and rare pieces or no words at all are what an engine writes when it does not know a
name. A term of the dictionary an engine mostly knows, and writes itself when it is said, unless something that sounds
the same stood in its way. The weights were fitted on synthetic speech, and near-equal ones chosen on real speech
(dev/LOG.md, "Which evidence for a term counts").
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from stenowire.biasing.candidates import Candidate, holds_no_word
from stenowire.biasing.index import Index
from stenowire.biasing.rewrite import replaced, text_of
from stenowire.biasing.terms import Term
from stenowire.types import Word

Score = Callable[[Sequence[str]], list[float]]
"""Log-probability of each text, which may go on, on the audio; the results of one call are comparable."""
Pieces = Callable[[str], int]

KEPT = 24
"""Candidates that are scored: twelve lose twice as many of the terms said (dev/LOG.md, "Terms out of long lists")."""
BASES = ((30, 4.0), (100, 2.0), (300, 1.0), (2000, 0.5), (math.inf, 0.0))
"""Up to so many terms, `base`: the more terms, the likelier an accident."""
DISTANCE_COST = 15.0
KNOWN_DISTANCE_COST = 20.0
"""Besides, for a single word of the dictionary in a long list."""
LONG_LIST = 100
PIECE_WORTH = 2.0
PHONE_WORTH = 0.5
MOST_PHONES = 14
OLD_PIECE_WORTH = 0.5
NO_WORD_WORTH = 2.0
COMMON_COST = 2.0
LIKELIHOOD_COST = 0.5
LEAST_LIKELIHOOD = -6.0
PROPOSED_WORTH = 5.0
"""For a term that the engine's own search came to (dev/LOG.md, "Terms along the tokens of a search")."""
WEIGHT_NATS = {1: -3.0, 2: -2.0, 3: -1.0, 4: 0.0, 5: 1.5, 50: 4.0}


class Decision(msgspec.Struct, frozen=True):
    candidate: Candidate
    gain: float
    """Nats."""
    score: float

    @property
    def accepted(self) -> bool:
        return self.score > 0


def rank(index: Index, words: Sequence[Word], candidates: Sequence[Candidate], kept: int = KEPT) -> list[Candidate]:
    """Those worth scoring: near, long, and in the place of words that the engine or the dictionary is not sure of."""
    return sorted(candidates, key=lambda candidate: _doubt(index, words, candidate))[:kept]


def _doubt(index: Index, words: Sequence[Word], candidate: Candidate) -> float:
    old = words[candidate.begin : candidate.end]
    least = min(1.0 if word.confidence is None else word.confidence for word in old)
    no_words = sum(holds_no_word(index, [word.text]) for word in old) / len(old)
    likely = 0.04 * max(_likelihood(words, candidate), LEAST_LIKELIHOOD) + 0.1 * least
    return candidate.distance + likely - 0.012 * min(candidate.phones, MOST_PHONES) - 0.155 * no_words


def _likelihood(words: Sequence[Word], candidate: Candidate) -> float:
    """Of the words that would go, as far as the engine tells: the sum of the logarithms of their confidences."""
    known = [word.confidence for word in words[candidate.begin : candidate.end] if word.confidence is not None]
    return sum(math.log(max(value, 1e-4)) for value in known)


def decide(
    index: Index, words: Sequence[Word], candidates: Sequence[Candidate], score: Score, pieces: Pieces
) -> list[Decision]:
    """A decision for each candidate, best first."""
    if not candidates:
        return []
    asked = [_openings(index, words, candidate) for candidate in candidates]
    answers = iter(score([text for texts in asked for text in texts]))
    decided = []
    for candidate, texts in zip(candidates, asked, strict=True):
        before, *after = [next(answers) for _ in texts]
        gain = max(after) - before
        decided.append(Decision(candidate, gain, worth(index, words, candidate, gain, pieces)))
    return sorted(decided, key=lambda decision: -decision.score)


def _openings(index: Index, words: Sequence[Word], candidate: Candidate) -> list[str]:
    """The text up to the word after the candidate: as it stands, then with the term in each way to write it."""
    begin, end = candidate.begin, candidate.end
    following = [Word(word.text, word.begin_ms, word.end_ms) for word in words[end : end + 1]]
    texts = [text_of([*words[:end], *following])]
    for rendering in renderings(index.terms[candidate.term]):
        new = replaced(words, begin, end, rendering + candidate.owner)
        texts.append(text_of([*words[:begin], *new, *following]))
    return texts


def renderings(term: Term) -> tuple[str, ...]:
    """How an engine that never saw the term may write it, the term itself first: capitals inside a word are rare in
    what it learnt from, and what a term sounds like it writes in plain words."""
    plain = " ".join(word if word.isupper() else word.capitalize() for word in term.text.split())
    shaped = [plain] if any(character.isupper() for word in term.text.split() for character in word[1:]) else []
    return tuple(dict.fromkeys([term.text, *shaped, *term.sounds_like[:2]]))


def worth(index: Index, words: Sequence[Word], candidate: Candidate, gain: float, pieces: Pieces) -> float:
    term = index.terms[candidate.term]
    old = [word.text for word in words[candidate.begin : candidate.end]]
    base = next(base for most, base in BASES if len(index.terms) <= most)
    new = PIECE_WORTH * pieces(term.text) + PHONE_WORTH * min(candidate.phones, MOST_PHONES)
    new += PROPOSED_WORTH * candidate.proposed
    gone = OLD_PIECE_WORTH * pieces(" ".join(old)) + NO_WORD_WORTH * holds_no_word(index, old)
    gone -= COMMON_COST * all(pieces(word) == 1 for word in old)
    gone -= LIKELIHOOD_COST * max(_likelihood(words, candidate), LEAST_LIKELIHOOD)
    is_known = len(index.terms) > LONG_LIST and " " not in term.text and not holds_no_word(index, [term.text])
    cost = DISTANCE_COST + KNOWN_DISTANCE_COST * is_known
    return gain + base - cost * candidate.distance + new + gone + WEIGHT_NATS.get(term.weight, 0.0)


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
