"""Hot words as a search along tokens wants them.

Input: hot words, the tokenizer. Output: an `Automaton`, built once per list. Must not know audio or scores.

A term is looked for as it is spelled, and with a capital where it may open a sentence; there is one way to write each.
"""

from collections.abc import Iterator
from functools import lru_cache

from stenowire.biasing.automaton import RATIOS, Automaton, Phrase
from stenowire.engines.moonshine.tokenizer import MARKERS, SPECIAL, Tokenizer
from stenowire.types import HotWord

BOOST = 2.0
"""Nats for the first token of a term of middling weight (dev/LOG.md, "Terms along the tokens of a search")."""
MOST_TERMS = 100
"""Longer lists are not leant towards: among 1,000 terms as many are proposed wrongly as rightly."""
LISTS = 16
"""Automata that are kept; one of 100 terms is some 800 nodes."""


class Lists:
    """Automata of the lists in use: an utterance mostly comes with the list of the one before it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._continuing = frozenset(_continuing(tokenizer))
        self._built = lru_cache(maxsize=LISTS)(self._build)

    def automaton(self, hotwords: tuple[HotWord, ...]) -> Automaton | None:
        """None where there is nothing to lean towards, or too much. Terms are numbered by their places."""
        return self._built(hotwords) if 0 < len(hotwords) <= MOST_TERMS else None

    def _build(self, hotwords: tuple[HotWord, ...]) -> Automaton | None:
        automaton = Automaton(
            (phrase for pair in enumerate(hotwords) for phrase in self._phrases(*pair)), self._continuing
        )
        return automaton if automaton.first else None

    def _phrases(self, number: int, word: HotWord) -> Iterator[Phrase]:
        text = " ".join(word.text.split())
        for spelling in dict.fromkeys((text, text[:1].upper() + text[1:])):
            if tokens := tuple(self._tokenizer.encode(spelling)):
                yield Phrase(tokens, BOOST * RATIOS.get(word.weight, 1.0), number)


def _continuing(tokenizer: Tokenizer) -> Iterator[int]:
    """Tokens that lengthen the word before them: those that begin with a letter or a digit."""
    for id in range(SPECIAL, MARKERS):
        if tokenizer.piece(id).decode(errors="ignore")[:1].isalnum():
            yield id
