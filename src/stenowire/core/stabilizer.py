"""Decides which words of an open utterance are settled, and keeps them so.

In: successive hypotheses of one utterance. Out: the words to show and how many of them are settled.
A word settles when two successive hypotheses agree on it and on all before it, it is not among the last few (its
ending and its punctuation may still change), and it ended a while before the edge of what was heard: local agreement,
Liu et al. 2020 (arXiv 2005.11185), with a margin in time.
"""

import msgspec

from stenowire.types import Hypothesis, Word

HELD_BACK_WORDS = 2
EDGE_MS = 250
HIDDEN_MS = 100
"""A new word that ends this close to the edge of what was heard is often half a word: it is shown once it is seen a
second time, or has ended: unstable words fall from 42 to 18 in 100, and words come 0.2 s later (dev/LOG.md)."""


class Shown(msgspec.Struct, frozen=True):
    words: tuple[Word, ...] = ()
    stable: int = 0
    """How many leading words are settled."""
    ripe: int = 0
    """How many leading words are worth showing."""

    @property
    def told(self) -> tuple[tuple[tuple[str, str], ...], int]:
        """What a person sees of it."""
        return tuple(spoken(word) for word in self.words[: self.ripe]), self.stable


def spoken(word: Word) -> tuple[str, str]:
    return word.text, word.mark


def agreed(one: tuple[Word, ...], other: tuple[Word, ...]) -> int:
    """Length of the common prefix, times aside."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if spoken(mine) != spoken(yours):
            break
        count += 1
    return count


class Stabilizer:
    def __init__(self) -> None:
        self.shown = Shown()
        self._last: tuple[Word, ...] = ()

    def feed(self, hypothesis: Hypothesis) -> Shown:
        """Words with their settled prefix unchanged, whatever the engine now believes."""
        settled = self.shown.words[: self.shown.stable]
        words = hypothesis.words
        if agreed(settled, words) < len(settled):
            words = settled + after(settled[-1], words)
        else:
            words = settled + words[len(settled) :]
        stable = max(len(settled), self._newly_settled(words, hypothesis))
        ripe = max(stable, self._ripe(words, hypothesis))
        self._last = words
        self.shown = Shown(words=words, stable=stable, ripe=ripe)
        return self.shown

    def _newly_settled(self, words: tuple[Word, ...], hypothesis: Hypothesis) -> int:
        count = min(agreed(self._last, words), len(words) - HELD_BACK_WORDS)
        while count > 0 and words[count - 1].end_ms > hypothesis.heard_ms - EDGE_MS:
            count -= 1
        return max(count, hypothesis.stable)

    def _ripe(self, words: tuple[Word, ...], hypothesis: Hypothesis) -> int:
        """The first word is shown at once: that speech is heard at all matters more than which word it is."""
        known = agreed(self._last, words)
        count = len(words)
        while count > max(1, known) and words[count - 1].end_ms > hypothesis.heard_ms - HIDDEN_MS:
            count -= 1
        return count


def after(last: Word, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words that begin once `last` has ended: how an engine that rewrites the past is spliced on."""
    middle = (last.begin_ms + last.end_ms) / 2
    return tuple(word for word in words if word.begin_ms >= max(middle, last.end_ms - 40))
