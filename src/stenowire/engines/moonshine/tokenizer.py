"""Pieces of text and their ids.

Input: `tokenizer.bin`, a run of byte strings, each after its length: one byte below 128, else the low seven bits and
then a byte of 128s. Output: text for ids and ids for text. Must not know words, audio or scores.

The vocabulary is a byte-pair one in which an earlier merge has a lower id. Every byte has an id of its own (3 + byte),
and frequent characters have a second, later one: the model writes the later, so text is encoded with it.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

BLANK = "\u2581"
"""Stands for the blank before a word."""
SPECIAL = 3
"""Ids below are <unk>, <s> and </s>."""
BYTES = SPECIAL + 256
"""Ids below this and not special are single bytes, for characters that have no piece."""
MARKERS = 32_000
"""Ids from here on are placeholders, not text."""


class Tokenizer:
    def __init__(self, path: Path) -> None:
        self._pieces = _read_pieces(path.read_bytes())
        self._ids = {piece: id for id, piece in enumerate(self._pieces) if BYTES <= id < MARKERS}

    def piece(self, id: int) -> bytes:
        """UTF-8 bytes with the blank as U+2581; empty for special ids and placeholders."""
        return self._pieces[id] if SPECIAL <= id < MARKERS else b""

    def decode(self, ids: Iterable[int]) -> str:
        return b"".join(self.piece(id) for id in ids).decode(errors="ignore").replace(BLANK, " ").strip()

    def encode(self, text: str) -> list[int]:
        """Ids of `text` as the model would write it after what was said before: each word opens with a blank."""
        return [id for word in text.split() for id in self._encode_word(BLANK + word)]

    def _encode_word(self, word: str) -> list[int]:
        parts = [character.encode() for character in word]
        while len(parts) > 1:
            merges = [self._ids.get(left + right, MARKERS) for left, right in pairwise(parts)]
            best = min(merges)
            if best == MARKERS:
                break
            at = merges.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids: list[int] = []
        for part in parts:
            known = self._ids.get(part)
            ids.extend([known] if known is not None else [SPECIAL + byte for byte in part])
        return ids


@lru_cache(maxsize=2)
def _read_pieces(data: bytes) -> list[bytes]:
    pieces, at = [], 0
    while at < len(data):
        size, at = data[at], at + 1
        if size >= 128:
            size, at = size - 128 + data[at] * 128, at + 1
        pieces.append(data[at : at + size])
        at += size
    return pieces
