"""How an unknown word may sound: a table of letters in their surroundings, learnt from a pronouncing dictionary.

Input: words with their pronunciations, once; then spellings. Output: pronunciations, likeliest first. Must not know
terms or files.

Learning lines letters up with phones (each letter is silent, or says one phone or two) by hard expectation
maximisation, after the idea of Bisani and Ney, "Joint-sequence models for grapheme-to-phoneme conversion" (2008), with
one letter per unit. What a letter says is then counted in ever wider windows of letters, each smoothed by the narrower
one. A letter is looked up in the widest window that was seen.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from stenowire.biasing.phones import ARPABET, FIRST, PHONES, codes

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
BASE = len(LETTERS) + 1
"""Letters are 1..27; 0 stands beyond both ends of a word."""
SOUNDS = len(ARPABET) + 1
"""Phones are 1..39 here; 0 is none. What a letter says is `first * SOUNDS + second`."""
LONGEST = 16
"""Letters; longer spellings are cut."""
WINDOWS = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4))
"""Letters to the left and to the right."""
ALTERNATIVES = 3
SMOOTHING = 1.0
"""How many sightings the narrower window is worth."""
ALIGNED_FIRST = 15_000
"""Words that the first rounds of alignment look at."""
ROUNDS = 4

_CODE = np.zeros(128, np.int64)
for _i, _letter in enumerate(LETTERS, 1):
    _CODE[ord(_letter)] = _i


class Window(msgspec.Struct, frozen=True):
    """Every surrounding of one width: int64[n] sorted; what the letter says there, uint16[n, 3], 0..1599, likeliest
    first; float32[n, 3], its probabilities."""

    keys: NDArray[np.int64]
    says: NDArray[np.uint16]
    chances: NDArray[np.float32]


class Table(NamedTuple):
    windows: tuple[Window, ...]
    """One per entry of WINDOWS; none for a table that knows nothing."""

    def pronounce(self, words: Sequence[str], most: int = 2) -> list[list[str]]:
        """Up to `most` pronunciations of each lower-case word, likeliest first; characters other than letters and
        apostrophes are silent."""
        if not words or not self.windows:
            return [[] for _ in words]
        letters = _letters(words)
        says, chances = self._look_up(letters)
        return [_readings(says[i], chances[i], int((row > 0).sum()), most) for i, row in enumerate(letters)]

    def _look_up(self, letters: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        shape = (*letters.shape, ALTERNATIVES)
        says, chances = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
        for window, (left, right) in zip(self.windows, WINDOWS, strict=True):
            if not len(window.keys):
                continue
            keys = _windows(letters, left, right)
            at = np.minimum(np.searchsorted(window.keys, keys), len(window.keys) - 1)
            known = window.keys[at] == keys
            says[known], chances[known] = window.says[at[known]], window.chances[at[known]]
        return says, chances


def learn(words: Sequence[str], pronunciations: Sequence[str]) -> Table:
    """`words[i]`, lower case, is said `pronunciations[i]`. Takes seconds of one core for 120,000 words."""
    letters, phones = _letters(words), _phones(pronunciations)
    lengths = (letters > 0).sum(1), (phones > 0).sum(1)
    usable = (lengths[1] <= 2 * lengths[0]) & (lengths[1] > 0)
    letters, phones = letters[usable], phones[usable]
    sample = np.random.default_rng(0).permutation(len(letters))[:ALIGNED_FIRST]
    costs = _first_guess(letters[sample], phones[sample])
    for _ in range(ROUNDS):
        costs = _count(letters[sample], _align(letters[sample], phones[sample], costs))
    says = _align(letters, phones, costs)
    return Table(tuple(_tabulate(letters, says)))


def _letters(words: Sequence[str]) -> NDArray[np.int64]:
    """int64[n, longest]: codes, 0 after the end."""
    plain = [word.encode("ascii", "ignore")[:LONGEST] for word in words]
    filled = np.array(plain, f"S{LONGEST}").view(np.uint8).reshape(len(plain), LONGEST)
    found = _CODE[np.minimum(filled, 127)]
    return found[:, : max(1, max(map(len, plain)))]


def _phones(pronunciations: Sequence[str]) -> NDArray[np.int64]:
    filled = np.zeros((len(pronunciations), max(map(len, pronunciations))), np.int64)
    for i, phones in enumerate(pronunciations):
        filled[i, : len(phones)] = codes(phones).astype(np.int64) + 1
    return filled


def _windows(letters: NDArray[np.int64], left: int, right: int) -> NDArray[np.int64]:
    """One number per letter for itself and its neighbours."""
    padded = np.pad(letters, ((0, 0), (left, right)))
    keys = np.zeros_like(letters)
    for offset in range(left + right + 1):
        keys = keys * BASE + padded[:, offset : offset + letters.shape[1]]
    return keys


Costs = NDArray[np.float32]
"""float32[28, 1600]: log-probabilities of what each letter says."""


def _first_guess(letters: NDArray[np.int64], phones: NDArray[np.int64]) -> Costs:
    """Letters and phones at about the same place in a word belong together."""
    together = np.full((BASE, SOUNDS), 1e-3)
    lengths, sizes = (letters > 0).sum(1), (phones > 0).sum(1)
    for i in range(letters.shape[1]):
        place = np.round((i + 0.5) / lengths * sizes - 0.5).astype(np.int64)
        for shift in (-1, 0, 1):
            at = np.clip(place + shift, 0, phones.shape[1] - 1)
            np.add.at(together, (letters[:, i], phones[np.arange(len(phones)), at]), 1.0)
    together[:, 0] = 0.0
    chance = together / together.sum(1, keepdims=True)
    lift = chance / (together.sum(0) / together.sum() + 1e-9)
    one = np.log(np.maximum(chance * np.sqrt(lift), 1e-6))
    says = np.full((BASE, SOUNDS, SOUNDS), -20.0)
    says[:, :, 0] = one
    says[:, 0, 0] = np.log(0.08)
    says[:, 1:, 1:] = one[:, 1:, None] + one[:, None, 1:] - 1.0
    return _costs(says.reshape(BASE, -1))


def _costs(says: NDArray[np.float64]) -> Costs:
    says = says.copy()
    # Beyond the end nothing is said.
    says[0] = -1e4
    says[0, 0] = 0.0
    return says.astype(np.float32)


def _count(letters: NDArray[np.int64], says: NDArray[np.int64]) -> Costs:
    counts = np.full((BASE, SOUNDS * SOUNDS), 1e-3)
    np.add.at(counts, (letters[letters > 0], says[letters > 0]), 1.0)
    return _costs(np.log(counts / counts.sum(1, keepdims=True)))


def _align(letters: NDArray[np.int64], phones: NDArray[np.int64], costs: Costs) -> NDArray[np.int64]:
    """What each letter says, int64[n, letters], by the likeliest alignment of all words at once."""
    count, size = phones.shape
    best = np.full((count, size + 1), -1e5, np.float32)
    best[:, 0] = 0.0
    taken = np.zeros((letters.shape[1], count, size + 1), np.int8)
    pairs = phones[:, :-1] * SOUNDS + phones[:, 1:]
    for i in range(letters.shape[1]):
        letter = letters[:, i, None]
        grown = best + costs[letters[:, i], 0][:, None]
        one = best[:, :-1] + costs[letter, phones * SOUNDS]
        better = one > grown[:, 1:]
        taken[i, :, 1:] = better
        grown[:, 1:] = np.where(better, one, grown[:, 1:])
        two = best[:, :-2] + costs[letter, pairs]
        better = two > grown[:, 2:]
        taken[i, :, 2:][better] = 2
        grown[:, 2:] = np.where(better, two, grown[:, 2:])
        best = grown
    return _trace(taken, phones)


def _trace(taken: NDArray[np.int8], phones: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.arange(len(phones))
    at = (phones > 0).sum(1)
    says = np.zeros((len(phones), len(taken)), np.int64)
    for i in reversed(range(len(taken))):
        count = taken[i, rows, at]
        at = at - count
        first = np.where(count > 0, phones[rows, np.minimum(at, phones.shape[1] - 1)], 0)
        second = np.where(count > 1, phones[rows, np.minimum(at + 1, phones.shape[1] - 1)], 0)
        says[:, i] = first * SOUNDS + second
    return says


def _tabulate(letters: NDArray[np.int64], says: NDArray[np.int64]) -> list[Window]:
    spoken = letters > 0
    said = says[spoken]
    narrower = np.full(len(said), 1e-4)
    windows = []
    for left, right in WINDOWS:
        keys = _windows(letters, left, right)[spoken]
        seen, first, inverse, counts = np.unique(
            keys * SOUNDS**2 + said, return_index=True, return_inverse=True, return_counts=True
        )
        surroundings, where, totals = np.unique(seen // SOUNDS**2, return_inverse=True, return_counts=True)
        sightings = np.bincount(where, weights=counts)
        chances = (counts + SMOOTHING * narrower[first]) / (sightings[where] + SMOOTHING)
        windows.append(_likeliest(surroundings, where, totals, seen % SOUNDS**2, chances, sightings >= 2))
        narrower = chances[inverse]
    return windows


def _likeliest(
    surroundings: NDArray[np.int64],
    where: NDArray[np.int64],
    totals: NDArray[np.int64],
    says: NDArray[np.int64],
    chances: NDArray[np.float64],
    kept: NDArray[np.bool_],
) -> Window:
    order = np.lexsort((-chances, where))
    place = np.arange(len(order)) - np.repeat(np.cumsum(totals) - totals, totals)
    rows, best = where[order], place < ALTERNATIVES
    top = np.zeros((len(surroundings), ALTERNATIVES), np.uint16)
    likely = np.zeros((len(surroundings), ALTERNATIVES), np.float32)
    top[rows[best], place[best]] = says[order][best]
    likely[rows[best], place[best]] = chances[order][best]
    return Window(surroundings[kept], top[kept], likely[kept])


def _readings(says: NDArray[np.int64], chances: NDArray[np.float32], length: int, most: int) -> list[str]:
    """The likeliest reading, then those that differ from it in one letter, nearest first."""
    best = says[:length, 0]
    swaps = chances[:length, 1:] / np.maximum(chances[:length, :1], 1e-6)
    found = [_spoken(best)]
    for flat in np.argsort(-swaps, axis=None, kind="stable")[: 2 * most]:
        letter, other = divmod(int(flat), ALTERNATIVES - 1)
        if len(found) >= most or swaps[letter, other] < 0.1:
            break
        reading = best.copy()
        reading[letter] = says[letter, other + 1]
        if (phones := _spoken(reading)) not in found:
            found.append(phones)
    return [phones for phones in found if phones]


def _spoken(says: NDArray[np.int64]) -> str:
    sounds = np.stack([says // SOUNDS, says % SOUNDS], 1).reshape(-1)
    return bytes(sounds[sounds > 0].astype(np.uint8) - 1 + FIRST).decode("ascii")


assert len(PHONES) == SOUNDS - 1
