"""The sounds of English as single characters, and how far apart they are.

Input: ARPAbet names, strings of phone characters. Output: strings, costs. Must not know words or terms.

A pronunciation is a `str` with one character per phone, so that every string tool works on it. Stress is left out:
recognisers do not hear it well, and names rarely carry the stress of the words they are taken for.
"""

import numpy as np
from numpy.typing import NDArray

ARPABET = [
    "AA",
    "AE",
    "AH",
    "AO",
    "AW",
    "AY",
    "EH",
    "ER",
    "EY",
    "IH",
    "IY",
    "OW",
    "OY",
    "UH",
    "UW",
    "B",
    "CH",
    "D",
    "DH",
    "F",
    "G",
    "HH",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
]
"""The 39 phones of the CMU pronouncing dictionary."""
FIRST = ord("0")
PHONES = "".join(chr(FIRST + i) for i in range(len(ARPABET)))
CHARACTER = dict(zip(ARPABET, PHONES, strict=True))
VOWELS = 15
"""The first so many are vowels."""

# Place in a small space: vowels by (height, backness, rounding, glide), consonants by (place, manner, voice, sonority).
_VOWEL = {
    "AA": (0.0, 0.8, 0.0, 0.0),
    "AE": (0.2, 0.1, 0.0, 0.0),
    "AH": (0.4, 0.6, 0.0, 0.0),
    "AO": (0.3, 1.0, 0.7, 0.0),
    "AW": (0.1, 0.6, 0.4, 0.8),
    "AY": (0.1, 0.5, 0.0, -0.8),
    "EH": (0.5, 0.1, 0.0, 0.0),
    "ER": (0.5, 0.5, 0.3, 0.3),
    "EY": (0.6, 0.0, 0.0, -0.5),
    "IH": (0.8, 0.1, 0.0, 0.0),
    "IY": (1.0, 0.0, 0.0, 0.0),
    "OW": (0.6, 1.0, 0.9, 0.4),
    "OY": (0.4, 0.8, 0.8, -0.7),
    "UH": (0.8, 0.9, 0.6, 0.0),
    "UW": (1.0, 1.0, 1.0, 0.0),
}
_CONSONANT = {
    "B": (0.0, 0.0, 1.0, 0.0),
    "CH": (0.55, 0.5, 0.0, 0.0),
    "D": (0.4, 0.0, 1.0, 0.0),
    "DH": (0.3, 0.6, 1.0, 0.0),
    "F": (0.1, 0.8, 0.0, 0.0),
    "G": (0.9, 0.0, 1.0, 0.0),
    "HH": (1.0, 0.9, 0.0, 0.3),
    "JH": (0.55, 0.5, 1.0, 0.0),
    "K": (0.9, 0.0, 0.0, 0.0),
    "L": (0.4, 1.2, 1.0, 1.0),
    "M": (0.0, 0.3, 1.0, 0.8),
    "N": (0.4, 0.3, 1.0, 0.8),
    "NG": (0.9, 0.3, 1.0, 0.8),
    "P": (0.0, 0.0, 0.0, 0.0),
    "R": (0.6, 1.2, 1.0, 1.0),
    "S": (0.4, 0.9, 0.0, 0.0),
    "SH": (0.55, 0.9, 0.0, 0.0),
    "T": (0.4, 0.0, 0.0, 0.0),
    "TH": (0.3, 0.7, 0.0, 0.0),
    "V": (0.1, 0.8, 1.0, 0.1),
    "W": (0.1, 1.2, 1.0, 1.2),
    "Y": (0.7, 1.2, 1.0, 1.2),
    "Z": (0.4, 0.9, 1.0, 0.0),
    "ZH": (0.55, 0.9, 1.0, 0.0),
}
_WEIGHTS_VOWEL = np.array([0.6, 0.45, 0.25, 0.3])
_WEIGHTS_CONSONANT = np.array([0.7, 0.55, 0.3, 0.5])
_SEMIVOWELS = {("Y", "IY"): 0.4, ("Y", "IH"): 0.5, ("W", "UW"): 0.4, ("W", "UH"): 0.5, ("R", "ER"): 0.3}
_WEAK = {"AH": 0.5, "IH": 0.6, "HH": 0.5, "T": 0.8, "D": 0.8, "R": 0.7, "ER": 0.8, "Y": 0.6, "W": 0.8, "L": 0.9}
"""What it costs to lose or to gain a phone that is often barely said; 1 for all others."""


def _substitution() -> NDArray[np.float32]:
    places = [(name, np.array(_VOWEL.get(name) or _CONSONANT[name])) for name in ARPABET]
    costs = np.zeros((len(ARPABET), len(ARPABET)), np.float32)
    for i, (one, here) in enumerate(places):
        for j, (other, there) in enumerate(places):
            if (one in _VOWEL) != (other in _VOWEL):
                costs[i, j] = _SEMIVOWELS.get((one, other), _SEMIVOWELS.get((other, one), 1.2))
            else:
                weights = _WEIGHTS_VOWEL if one in _VOWEL else _WEIGHTS_CONSONANT
                costs[i, j] = min(1.0, float(np.abs(here - there) @ weights))
    return costs


SUBSTITUTION = _substitution()
"""float32[39, 39], 0 on the diagonal, at most 1.2: what it costs to take one phone for another."""
INDEL = np.array([_WEAK.get(name, 1.0) for name in ARPABET], np.float32)
"""float32[39]: what it costs to lose or to gain a phone."""


def parted(phones: str) -> str:
    """With the r-coloured vowel as a vowel and an r: "wer" then differs from "war" in the vowel alone."""
    return phones.replace(CHARACTER["ER"], CHARACTER["AH"] + CHARACTER["R"])


def codes(phones: str) -> NDArray[np.uint8]:
    """Indices 0..38 of a string of phones."""
    return np.frombuffer(phones.encode("ascii"), np.uint8) - np.uint8(FIRST)


_CLASSES = {
    "a": "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
    "p": "P B F V",
    "t": "T D TH DH",
    "k": "K G",
    "s": "S Z SH ZH CH JH",
    "m": "M N NG",
    "l": "L R",
    "w": "W Y HH",
}
COARSE = str.maketrans({CHARACTER[name]: letter for letter, names in _CLASSES.items() for name in names.split()})
"""`phones.translate(COARSE)`: eight classes, for a first look."""
