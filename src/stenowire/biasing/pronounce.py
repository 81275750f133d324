"""How words are said: a pronouncing dictionary, and a learnt guess for what is not in it.

Input: a folder with `cmudict.dict`; then words. Output: pronunciations as strings of phones. Must not know terms.

The first opening learns the table of letters (3 s of one core) and keeps it beside the dictionary; later ones read it.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stenowire.biasing.letter_to_sound import WINDOWS, Table, Window, learn
from stenowire.biasing.phones import CHARACTER

DICTIONARY = "cmudict.dict"
COMPILED = "sounds-1.npz"
"""The number changes whenever the learning or the layout does."""
MOST = 3
"""Pronunciations kept for one word."""
_PLAIN = re.compile(r"[a-z']{2,16}")


class Lexicon:
    def __init__(self, said: dict[str, str], table: Table) -> None:
        """`said`: lower-case words with their pronunciations, separated by blanks, the usual one first."""
        self._said = said
        self._table = table
        self._guess = lru_cache(maxsize=20_000)(self._guess_one)

    def __contains__(self, word: str) -> bool:
        return word in self._said

    def known(self, word: str) -> tuple[str, ...]:
        """What the dictionary has for a lower-case word; empty when it has nothing."""
        return tuple(self._said.get(word, "").split())

    def say(self, word: str) -> tuple[str, ...]:
        """Up to three pronunciations of a lower-case word, likeliest first; empty for one without letters."""
        return self.known(word) or self._guess(word)

    def say_all(self, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The same for many words at once, which is faster."""
        said = {word: self.known(word) for word in words}
        unknown = [word for word, found in said.items() if not found]
        for word, guesses in zip(unknown, self._table.pronounce(unknown, MOST), strict=True):
            said[word] = tuple(guesses)
        return said

    def _guess_one(self, word: str) -> tuple[str, ...]:
        return tuple(self._table.pronounce([word], MOST)[0])


SILENT = Lexicon({}, Table(()))
"""Knows nothing: with it terms are found by their spelling alone."""


def open_lexicon(folder: Path) -> Lexicon:
    """The lexicon of a folder that holds the dictionary. Raises OSError when it cannot be read."""
    compiled = folder / COMPILED
    try:
        return _read(compiled)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        lexicon = parse((folder / DICTIONARY).read_text(encoding="latin-1"))
    _write(lexicon, compiled)
    return lexicon


def parse(text: str) -> Lexicon:
    """`text` in the format of the CMU dictionary: `word(2) P R AH0 N # note`, a line each. Learns the table."""
    said: dict[str, str] = {}
    for line in text.splitlines():
        head, *names = line.partition("#")[0].split() or [""]
        word = head.partition("(")[0].lower()
        if not word or any(name.rstrip("012") not in CHARACTER for name in names):
            continue
        phones = "".join(CHARACTER[name.rstrip("012")] for name in names)
        known = said.get(word, "").split()
        if phones and phones not in known and len(known) < MOST:
            said[word] = " ".join([*known, phones])
    said["'s"] = CHARACTER["Z"]  # the dictionary names the letter, which is not how a plural ends
    taught = [word for word in said if _PLAIN.fullmatch(word)]
    return Lexicon(said, learn(taught, [said[word].split()[0] for word in taught]))


def _write(lexicon: Lexicon, path: Path) -> None:
    """Put in place whole, by renaming. A folder that may not be written costs the learning at each start."""
    arrays: dict[str, NDArray[Any]] = {
        "words": _packed(lexicon._said.keys()),
        "phones": _packed(lexicon._said.values()),
    }
    for i, window in enumerate(lexicon._table.windows):
        arrays |= {f"keys{i}": window.keys, f"says{i}": window.says, f"chances{i}": window.chances}
    new = path.with_name(f".{path.name}.{np.random.default_rng().integers(1 << 62)}")
    try:
        with new.open("wb") as sink:
            np.savez(sink, **arrays)  # type: ignore[arg-type]
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)


def _read(path: Path) -> Lexicon:
    with np.load(path, allow_pickle=False) as arrays:
        said = dict(zip(_unpacked(arrays["words"]), _unpacked(arrays["phones"]), strict=True))
        windows = [Window(arrays[f"keys{i}"], arrays[f"says{i}"], arrays[f"chances{i}"]) for i in range(len(WINDOWS))]
    return Lexicon(said, Table(tuple(windows)))


def _packed(texts: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> Sequence[str]:
    return data.tobytes().decode().split("\n")
