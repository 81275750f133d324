"""All terms of a context, ready to be looked for by sound.

Input: terms, a lexicon; once per context. Output: an `Index`. Must not know hypotheses or audio.
"""

import re
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from stenowire.biasing.phones import COARSE, INDEL, codes, parted
from stenowire.biasing.pronounce import Lexicon
from stenowire.biasing.spoken import pronounce
from stenowire.biasing.terms import Term
from stenowire.types import HotWord

MOST_PROVEN = 1000
_UNSPOKEN = re.compile(r"[\W_]+")


class Index(msgspec.Struct, frozen=True):
    """`coarse`, `phones`, `lengths`, `weights` and `owners` have one row per pronunciation."""

    terms: tuple[Term, ...]
    lexicon: Lexicon
    spellings: dict[str, int]
    """Letters and digits of a term in lower case -> its place in `terms`."""
    coarse: list[str]
    phones: NDArray[np.uint8]
    """uint8[n, longest]: phone codes, 0 after the end."""
    lengths: NDArray[np.int64]
    """How many phones."""
    weights: NDArray[np.float32]
    """What it costs to lose all of them."""
    owners: NDArray[np.int64]
    """Places in `terms`."""
    hotwords: tuple[HotWord, ...]
    """The terms once more, in the words of a hint."""
    proven: dict[str, int] = {}
    """Letters of words in whose place the audio of a final proved a term -> its place. For interims only, which are
    corrected by their final; grows to MOST_PROVEN."""

    def prove(self, words: Sequence[str], term: int) -> None:
        if len(self.proven) < MOST_PROVEN:
            self.proven[letters("".join(words))] = term


def build(terms: Sequence[Term], lexicon: Lexicon) -> Index:
    """Of terms that differ in case or spacing only, the first counts."""
    spellings: dict[str, int] = {}
    kept: list[Term] = []
    for term in terms:
        key = letters(term.text)
        if key and key not in spellings:
            spellings[key] = len(kept)
            kept.append(term)
    said = pronounce(kept, lexicon)
    rows = [(owner, phones) for owner, each in enumerate(said) for phones in each]
    texts = [parted(phones) for _, phones in rows]
    table = padded(texts)
    lengths = np.array([len(text) for text in texts], np.int64)
    within = np.arange(table.shape[1]) < lengths[:, None]
    return Index(
        terms=tuple(kept),
        lexicon=lexicon,
        spellings=spellings,
        coarse=[text.translate(COARSE) for text in texts],
        phones=table,
        lengths=lengths,
        weights=(INDEL[table] * within).sum(1),
        owners=np.array([owner for owner, _ in rows], np.int64),
        hotwords=tuple(HotWord(term.text, term.weight) for term in kept),
    )


def padded(texts: Sequence[str]) -> NDArray[np.uint8]:
    """uint8[n, longest]: codes of strings of phones, 0 after the end."""
    width = max(map(len, texts), default=0)
    joined = "".join(text.ljust(width, "0") for text in texts)
    return codes(joined).reshape(len(texts), width)


def letters(text: str) -> str:
    """What is left of a text without case, blanks and marks."""
    return _UNSPOKEN.sub("", text.casefold())
