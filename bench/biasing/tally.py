"""What biasing won and what it cost: terms found, terms invented, and the error rates in and outside the terms.

In: pairs of an utterance and what was written, with help and without. Out: counts. All text is compared as
`score.normal` leaves it, so case and punctuation do not count; spelling does.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from bench.biasing.sets import Utterance
from bench.score import normal, rate


@dataclass(frozen=True)
class Heard:
    """One utterance as it was written with a list, and without any help."""

    utterance: Utterance
    text: str
    bare: str
    listed: tuple[str, ...] = ()
    """Every term that was on the list."""

    @property
    def found(self) -> list[str]:
        """Terms said and written."""
        return [term for term in self.utterance.terms if term_count(self.text, term)]

    @property
    def missed(self) -> list[str]:
        """Terms said that are not written without help."""
        return [term for term in self.utterance.terms if not term_count(self.bare, term)]

    @property
    def won(self) -> list[str]:
        return [term for term in self.missed if term_count(self.text, term)]

    @property
    def invented(self) -> list[str]:
        """Terms written more often than said, and than without help."""
        reference, text, bare = (f" {normal_(part)} " for part in (self.utterance.reference, self.text, self.bare))
        found: list[str] = []
        for term in self.listed:
            key = f" {normal_(term)} "
            if key in text:
                due = max(reference.count(key), bare.count(key))
                found += [term] * max(0, text.count(key) - due)
        return found

    def errors(self, others: bool = False) -> tuple[int, int]:
        """(errors, words) over all words, or over those outside the spans of the terms said."""
        terms = tuple(self.utterance.terms) if others else ()
        return differences(normal_(self.utterance.reference), normal_(self.text), terms)

    def bare_errors(self, others: bool = False) -> tuple[int, int]:
        terms = tuple(self.utterance.terms) if others else ()
        return differences(normal_(self.utterance.reference), normal_(self.bare), terms)


@cache
def normal_(text: str) -> str:
    return normal(text)


def term_count(text: str, term: str) -> int:
    return f" {normal_(text)} ".count(f" {normal_(term)} ")


@cache
def differences(reference: str, text: str, terms: tuple[str, ...]) -> tuple[int, int]:
    """(errors, words of the reference) outside the terms. Words added right beside a term belong to the term."""
    from jiwer import process_words

    words = reference.split()
    inside = _inside(words, terms)
    counted = len(words) - sum(inside)
    errors = 0
    for chunk in process_words([reference], [text]).alignments[0]:
        if chunk.type == "insert":
            at = chunk.ref_start_idx
            beside = any(inside[max(0, at - 1) : at + 1])
            errors += 0 if beside else chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "equal":
            errors += inside[chunk.ref_start_idx : chunk.ref_end_idx].count(False)
    return errors, counted


def _inside(words: Sequence[str], terms: Iterable[str]) -> list[bool]:
    """For each word, whether it belongs to a term."""
    inside = [False] * len(words)
    for term in terms:
        parts = normal_(term).split()
        for at in range(len(words) - len(parts) + 1):
            if list(words[at : at + len(parts)]) == parts:
                inside[at : at + len(parts)] = [True] * len(parts)
    return inside


def recall(heard: Sequence[Heard], missed_only: bool) -> tuple[int, int]:
    """(terms written, terms said), of those missed without help or of all."""
    if missed_only:
        return sum(len(one.won) for one in heard), sum(len(one.missed) for one in heard)
    return sum(len(one.found) for one in heard), sum(len(one.utterance.terms) for one in heard)


def share(heard: Sequence[Heard], missed_only: bool) -> str:
    """Recall with its 95 % bootstrap interval, for people."""
    hits, said = recall(heard, missed_only)
    if not said:
        return "none said"
    low, high = spread(heard, lambda drawn: _percent(*recall(drawn, missed_only)))
    return f"{hits} of {said} ({_percent(hits, said):.0f} %) [{low:.0f}–{high:.0f}]"


def spread(
    heard: Sequence[Heard], figure: Callable[[Sequence[Heard]], float], repeats: int = 400
) -> tuple[float, float]:
    """95 % bootstrap interval of a figure, drawing utterances with replacement."""
    draw = random.Random(7)
    values = sorted(figure(draw.choices(heard, k=len(heard))) for _ in range(repeats))
    return values[int(0.025 * repeats)], values[int(0.975 * repeats)]


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def wer(heard: Sequence[Heard], others: bool = False) -> tuple[float, float]:
    """Word error rate in per cent (without help, with help)."""
    return rate([one.bare_errors(others) for one in heard]), rate([one.errors(others) for one in heard])
