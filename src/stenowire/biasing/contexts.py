"""Indices by what they were made of: made once, used by every utterance with the same hint.

Input: hints. Output: indices, or None where a hint names no term. Must not know engines or audio. Safe to call from
several threads; two that ask for the same new hint at once may both build it.
"""

from collections import OrderedDict
from collections.abc import Callable

from stenowire.biasing.index import Index, build
from stenowire.biasing.pronounce import Lexicon
from stenowire.biasing.terms import from_hotwords, mine
from stenowire.types import Hint, HotWord

KEPT = 32
Key = tuple[tuple[HotWord, ...], str, str | None]


class Contexts:
    def __init__(self, lexicon: Lexicon, pieces: Callable[[str], int]) -> None:
        """`pieces` counts the engine's tokens of a word."""
        self._lexicon = lexicon
        self._pieces = pieces
        self._built: OrderedDict[Key, Index | None] = OrderedDict()

    def index(self, hint: Hint) -> Index | None:
        if not hint.hotwords and not hint.context.strip():
            return None
        key = (hint.hotwords, hint.context, hint.language)
        try:
            self._built.move_to_end(key)
            return self._built[key]
        except KeyError:
            pass
        index = self._build(hint)
        self._built[key] = index
        while len(self._built) > KEPT:
            self._built.popitem(last=False)
        return index

    def _build(self, hint: Hint) -> Index | None:
        terms = from_hotwords(hint.hotwords, hint.language)
        terms += mine(hint.context, self._pieces, self._lexicon.__contains__)
        index = build(terms, self._lexicon)
        return index if index.terms else None
