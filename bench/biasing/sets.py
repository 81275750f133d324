"""What is said, and what stands on the list while it is said.

In: the tables of `tests/data/biasing`, the recordings, the voices. Out: `Utterance`s in groups that share one list.
Real speech is never used to tune anything; of the synthetic speech fold A may be, fold B judges.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench import corpus
from bench.biasing import distractors, voices
from bench.corpus import Samples
from bench.environment import ROOT

DATA = ROOT / "tests" / "data" / "biasing"
VOICES_PER_SENTENCE = 2
KNOWN_SHARE = 0.8
"""At most so much of a list is ever said; the rest are distractors, also in the shortest."""


@dataclass(frozen=True)
class Utterance:
    id: str
    set: str
    reference: str
    samples: Samples = field(repr=False)
    """float32[n] at 16 kHz."""
    terms: tuple[str, ...]
    """On the list and said here."""
    lures: tuple[str, ...] = ()
    """On the list and not said here, though it sounds like it."""

    @property
    def listed(self) -> tuple[str, ...]:
        return self.terms + self.lures


@dataclass(frozen=True)
class Group:
    """Utterances that are heard with the same list."""

    terms: tuple[str, ...]
    utterances: tuple[Utterance, ...]


def real() -> list[Utterance]:
    """All English recordings but the digit strings; `terms` is empty where nothing rare is said."""
    terms: dict[str, list[str]] = {}
    for row in _rows("real.tsv"):
        terms.setdefault(row["file"].rpartition(".")[0], []).append(row["term"])
    return [
        Utterance(r.id, "real", r.reference, r.samples, tuple(terms.get(r.id, ())))
        for r in corpus.load()
        if r.language == "en" and r.set != corpus.DIGITS
    ]


def spoken(fold: str, quick: bool = False) -> list[Utterance]:
    """Synthetic: the sentences with a term, each in several of the voices that can speak here."""
    rows = [row for row in _rows("spoken.tsv") if row["fold"] == fold]
    return list(_voiced("spoken", rows, quick, said=True))


def ordinary(fold: str, quick: bool = False) -> list[Utterance]:
    """Synthetic: the sentences in which something ordinary sounds like a term."""
    rows = [row for row in _rows("ordinary.tsv") if row["fold"] == fold]
    return list(_voiced("ordinary", rows, quick, said=False))


def _voiced(name: str, rows: list[dict[str, str]], quick: bool, said: bool) -> Iterator[Utterance]:
    able = [voice for voice, reason in voices.usable().items() if not reason]
    for number, row in enumerate(rows):
        step = len(able) // VOICES_PER_SENTENCE or 1
        chosen = [able[(number + turn * step) % len(able)] for turn in range(min(VOICES_PER_SENTENCE, len(able)))]
        for voice in able[:1] if quick else chosen:
            term = (row["term"],)
            yield Utterance(
                id=f"{name}-{row['fold']}{number}-{voice}",
                set=f"synthetic {name}, fold {row['fold']}",
                reference=row["sentence"],
                samples=voices.heard(voice, row["sentence"]),
                terms=term if said else (),
                lures=() if said else term,
            )


def groups(utterances: list[Utterance], size: int, seed: int) -> list[Group]:
    """Utterances in their order, in as few groups as lists of `size` terms allow; each list filled with distractors."""
    texts = [one.reference for one in utterances]
    listed = {term for one in utterances for term in one.listed}
    packed: list[tuple[dict[str, None], list[Utterance]]] = [({}, [])]
    for one in utterances:
        terms = packed[-1][0] | dict.fromkeys(one.listed)
        if len(terms) > KNOWN_SHARE * size:
            packed.append((dict.fromkeys(one.listed), [one]))
        else:
            packed[-1] = (terms, [*packed[-1][1], one])
    filling = [distractors.draw(size - len(known), seed + n, texts, listed) for n, (known, _) in enumerate(packed)]
    return [Group((*known, *fill), tuple(members)) for (known, members), fill in zip(packed, filling, strict=True)]


def irrelevant(utterances: list[Utterance], size: int, seed: int) -> Group:
    """One list of which nothing is ever said."""
    texts = [one.reference for one in utterances]
    return Group(tuple(distractors.draw(size, seed, texts)), tuple(utterances))


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def occurrences(utterances: Iterable[Utterance]) -> int:
    """How often terms are said, counted by utterance and term."""
    return sum(len(one.terms) for one in utterances)
