"""How a term is said, however it is written.

Input: terms. Output: up to four pronunciations each, as strings of phones. Must not know hypotheses or audio.

A term's words are taken apart where case or kind changes: letters that stand for themselves are named, numbers are
read out, the rest is looked up or guessed.
"""

import re
from collections.abc import Sequence
from itertools import product

from stenowire.biasing.pronounce import Lexicon
from stenowire.biasing.terms import Term

MOST = 4
_PARTS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z]|\d|\b|s\b)|[A-Z]?[a-zÀ-ÿ']+|[A-Z]+|[0-9]+|[&+@]|[.](?=\w)|[^\W\d_]+")
_NAME = re.compile(r"[A-Z]?[a-z]+|(?:[A-Z][a-z]*'[A-Z]?|[a-z]+')[a-z]+")
_SIGNS = {"&": "and", "+": "plus", "@": "at"}
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_FOLD = str.maketrans("àáâãäåçèéêëìíîïñòóôõöøùúûüýÿšžčćńłśźżß", "aaaaaaceeeeiiiinoooooouuuuyyszccnlszzs")

_FOREIGN = [
    (re.compile(pattern), plain)
    for pattern, plain in (
        ("t?sch|tsj", "sh"),
        ("sz", "sh"),
        ("cz", "ch"),
        ("oe", "o"),
        ("(?<![gq])ue", "u"),
        ("ae", "e"),
        ("eaux?$", "o"),
        ("dt", "t"),
        ("gn", "ny"),
        ("^x", "sh"),
        ("^ng", "n"),
        ("^pf", "f"),
    )
]
"""Spellings of other languages, and how English would write what is said."""

Reading = list[str]
"""Lower-case words as the dictionary has them; `x.` is the name of a letter."""


def pronounce(terms: Sequence[Term], lexicon: Lexicon) -> list[tuple[str, ...]]:
    """Pronunciations of each term, likeliest first; none for one that cannot be said in this language."""
    readings = [[r for r in _readings(term) if r] for term in terms]
    for each in readings:
        each += [other for reading in each if (other := _englished(reading, lexicon)) != reading]
    said = lexicon.say_all({word for each in readings for reading in each for word in reading})
    return [_spoken(each, said) for each in readings]


def written(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Pronunciations of one written word of any shape, likeliest first."""
    return pronounce([Term(word)], lexicon)[0]


def _readings(term: Term) -> list[Reading]:
    """Ways to take the written term apart; `sounds_like` first."""
    text = _folded(term.text)
    if any(character.isalpha() and not character.isascii() for character in text):
        text = ""
    parts = [part for word in re.split(r"[\s\-_/]+", text) for part in _parts(word)]
    variants: list[Reading] = [[]]
    for options in parts:
        variants = [done + option for done in variants for option in options][:MOST]
    return [*(_plain(text) for text in term.sounds_like), *variants]


def _plain(text: str) -> Reading:
    words = re.findall(r"[a-z']+", _folded(text).lower())
    return [word if len(word) > 1 or word == "a" else f"{word}." for word in words]


def _folded(text: str) -> str:
    return (
        text.translate(_FOLD)
        if text.islower()
        else "".join(c.lower().translate(_FOLD).upper() if c.isupper() else c.translate(_FOLD) for c in text)
    )


def _parts(word: str) -> list[list[Reading]]:
    """For each part of a written word, the ways to read it."""
    word = word.replace("’", "'").strip("'\".,;:!?()[]")
    if _NAME.fullmatch(word):
        return [[[word.lower()]]]
    found = _PARTS.findall(word)
    options = [_options(part) for part in found]
    return [option for option in options if option]


def _options(part: str) -> list[Reading]:
    if part in _SIGNS:
        return [[_SIGNS[part]]]
    if part == ".":
        return [["dot"], []]
    if part.isascii() and part.isdecimal():
        return _number(part)
    lower = part.lower()
    if len(part) > 1 and part.isupper():
        spelled = _named(lower)
        # Long ones and those with a vowel inside are often said as words.
        whole = len(part) >= 3 and re.search(r"[aeiou]", lower[1:] if len(part) > 3 else lower)
        if not whole:
            return [spelled]
        return [[lower], spelled] if len(part) >= 5 else [spelled, [lower]]
    if lower == "s" and part == "s":
        return [["'s"]]
    if len(lower) == 1 or (len(lower) <= 3 and not re.search("[aeiouy]", lower)):
        return [_named(lower)]
    return [[lower]]


def _englished(reading: Reading, lexicon: Lexicon) -> Reading:
    """With the words that the dictionary lacks spelled as if they were English."""
    return [word if word in lexicon else _respelled(word) for word in reading]


def _respelled(word: str) -> str:
    for pattern, plain in _FOREIGN:
        word = pattern.sub(plain, word)
    return word


def _named(letters: str) -> Reading:
    return [f"{letter}." for letter in letters]


def _number(digits: str) -> list[Reading]:
    one_by_one = [_ONES[int(digit)] for digit in digits]
    if len(digits) == 1 or digits[0] == "0" or len(digits) > 4:
        return [one_by_one]
    if len(digits) == 2:
        return [_below_hundred(int(digits))]
    if len(digits) == 3:
        rest = _below_hundred(int(digits[1:])) if digits[1:] != "00" else []
        return [[_ONES[int(digits[0])], "hundred", *rest], one_by_one]
    return [_below_hundred(int(digits[:2])) + _below_hundred(int(digits[2:])), one_by_one]


def _below_hundred(number: int) -> Reading:
    if number < 20:
        return [_ONES[number]]
    return [_TENS[number // 10], *([_ONES[number % 10]] if number % 10 else [])]


def _spoken(readings: list[Reading], said: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The first pronunciation of every reading, then the others."""
    found: list[str] = []
    for reading in readings:
        choices = [said[word] for word in reading]
        if all(choices):
            found.append("".join(choice[0] for choice in choices))
    for reading in readings:
        choices = [said[word] for word in reading]
        if all(choices):
            found += ["".join(choice) for choice in _few(choices)]
    return tuple(dict.fromkeys(phones for phones in found if phones))[:MOST]


def _few(choices: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Combinations, those that leave the usual way in one word only first."""
    usual = tuple(choice[0] for choice in choices)
    single = [(*usual[:i], other, *usual[i + 1 :]) for i, choice in enumerate(choices) for other in choice[1:]]
    return single if len(single) >= MOST or len(choices) > 3 else [*single, *product(*choices)]
