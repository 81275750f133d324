"""Terms that the audio bears while an utterance still grows.

Input: an index, the words of an interim, a function that scores texts on its audio. Output: where a term was proved.
Must not know engines or clocks.

Few questions are asked: of short lists only, about what sounds near, once about the same words, and after some new
sound. What a rewritten interim shows is corrected by its final.
"""

from collections.abc import Sequence

import msgspec

from stenowire.biasing.candidates import find
from stenowire.biasing.index import Index, letters
from stenowire.biasing.verify import Pieces, Score, chosen, decide, rank
from stenowire.types import Word

MOST_TERMS = 100
"""Of longer lists more is near by accident."""
BOUND = 0.4
"""Distance up to which it is asked: 0.55 finds no more (dev/LOG.md, "Terms in interims, proved on the audio")."""
SPACING_MS = 500
"""Of new sound between questions."""


class Ahead(msgspec.Struct):
    """One utterance's questions."""

    proven: dict[str, int] = msgspec.field(default_factory=dict)
    """Letters of words -> the term that was said there, as its place in the index."""
    asked: set[tuple[str, int]] = msgspec.field(default_factory=set)
    asked_ms: int = -SPACING_MS

    def ask(
        self, index: Index, words: Sequence[Word], settled: int, heard_ms: int, score: Score, pieces: Pieces
    ) -> None:
        """Ask about words after the `settled` ones. `score` may raise LookupError: then nothing is known."""
        if len(index.terms) > MOST_TERMS or heard_ms < self.asked_ms + SPACING_MS:
            return
        texts = [word.text for word in words]
        near = [one for one in find(index, texts, frozenset(range(settled)), BOUND) if not one.owner]
        keys = {one: (letters("".join(texts[one.begin : one.end])), one.term) for one in near}
        new = rank(index, words, [one for one in near if keys[one] not in self.asked])
        if not new:
            return
        self.asked_ms = heard_ms
        try:
            decisions = decide(index, words, new, score, pieces)
        except LookupError:
            return
        self.asked.update(keys[one] for one in new)
        for decision in chosen(decisions):
            stretch, term = keys[decision.candidate]
            self.proven[stretch] = term
