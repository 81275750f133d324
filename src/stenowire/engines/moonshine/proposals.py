"""Where a text that leans towards terms has one, and what stands there in the likeliest text.

Input: both texts' words, the tokens of the leaning one. Output: `Proposal`s. Must not know scores.

The texts are laid side by side by time: a term takes the place of the words whose middle lies within it.
"""

from collections.abc import Sequence

from stenowire.biasing.automaton import Automaton
from stenowire.engines.base import Proposal
from stenowire.engines.moonshine.words import Piece
from stenowire.types import HotWord, Word

SLACK_MS = 40
"""By which two alignments of the same sound may differ."""


def proposals(
    terms: Automaton,
    hotwords: Sequence[HotWord],
    tokens: Sequence[int],
    leaning: Sequence[Piece],
    words: Sequence[Word],
) -> list[Proposal]:
    """Terms of the leaning text, without those that already stand in `words`."""
    found = []
    for term, begin, end in terms.find(tokens):
        parts = [piece.word for piece in leaning if piece.begin < end and piece.end > begin]
        places = [place for place, word in enumerate(words) if parts and _within(word, parts)]
        if not places:
            continue
        proposal = Proposal(places[0], places[-1] + 1, hotwords[term].text)
        if " ".join(word.text for word in words[proposal.begin : proposal.end]) != proposal.term:
            found.append(proposal)
    return found


def _within(word: Word, parts: Sequence[Word]) -> bool:
    return parts[0].begin_ms - SLACK_MS <= (word.begin_ms + word.end_ms) / 2 <= parts[-1].end_ms + SLACK_MS
