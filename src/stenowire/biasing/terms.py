"""What a context wants to be heard: terms out of word lists, prose, both mixed, or noise.

Input: hot words and free text. Output: `Term`s, most telling first, at most 4,000. Must not know sounds or audio.

A text is read line by line. A line of items between separators is a list; a line of sentences is prose, of which names,
acronyms and rare words are taken; a line of words with neither is a list whose items nobody marked, so its words and
its neighbours are taken. Ordinary words are never terms: the engine knows them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from stenowire.types import HotWord

MOST_TERMS = 4000
MOST_WORDS = 6
MOST_LETTERS = 60
MOST_CHARACTERS = 200_000
"""Of a context; more is not read."""
RARE_PIECES = 3
"""A word of so many tokenizer pieces is one that the engine hardly knows."""

Kind = Literal["hotword", "context"]
Pieces = Callable[[str], int]
Known = Callable[[str], bool]


class Term(msgspec.Struct, frozen=True):
    text: str
    """As it is to be written."""
    weight: int = 4
    """1..5, or 50."""
    source: Kind = "hotword"
    sounds_like: tuple[str, ...] = ()
    line: int = 0
    """Where it stood in the context, from 1; 0 for hot words."""


def from_hotwords(hotwords: Iterable[HotWord], language: str | None) -> list[Term]:
    """Hot words as they are, without those of another language than the session's."""
    fitting = [word for word in hotwords if fits(word.lang, language)]
    return [
        Term(_squeezed(word.text), word.weight, "hotword", word.sounds_like) for word in fitting if word.text.strip()
    ]


def fits(lang: str | None, language: str | None) -> bool:
    """An entry without a language fits any session, and any entry a session without one."""
    return not lang or not language or language == "auto" or _primary(lang) == _primary(language)


def mine(context: str, pieces: Pieces, known: Known = lambda word: False) -> list[Term]:
    """Terms of a free text. `pieces` counts a word's tokens; `known` says whether a lower-case word is ordinary."""
    ranks: dict[str, tuple[float, int]] = {}
    for number, line in enumerate(context[:MOST_CHARACTERS].splitlines(), 1):
        for text, worth in _of_line(line, pieces, known):
            rank, first = ranks.get(text, (0.0, number))
            # Said often counts, but never more than what kind of term it is.
            ranks[text] = max(rank, worth) + 0.01, first
    best = sorted(ranks.items(), key=lambda item: -item[1][0])[:MOST_TERMS]
    return [Term(text, 4, "context", (), line) for text, (_, line) in best]


# ---- lines ------------------------------------------------------------------------------------------------------

_SEPARATORS = re.compile(r"[,;|\t、，；•·]|\s/\s|\s[-–—*]\s")
_DRESSING = re.compile(r"^[\s\-–—*•·\[\](){}<>'\"“”‘’`#_:.!?。！？…\d]*(?<!\d)|[\s\[\](){}<>'\"“”‘’`_:,;!?。！？…]+$")
_BULLET = re.compile(r"^\s*(?:[-–—*•·]|\(?\d{1,3}[.)])\s+")
_ENDS = re.compile(r"(?<=[.!?。！？:])[\"'”’)]*\s+|[。！？]")
_FUNCTION = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "she",
        "should",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_JOINING = frozenset(
    [
        "of",
        "de",
        "da",
        "di",
        "la",
        "le",
        "van",
        "von",
        "der",
        "den",
        "del",
        "du",
        "el",
        "al",
        "bin",
        "ibn",
        "and",
        "&",
        "the",
        "for",
    ]
)


def _of_line(line: str, pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    line = _BULLET.sub("", line).strip()
    if not line:
        return
    items = [item for part in _SEPARATORS.split(line) if (item := _item(part))]
    if _is_list(line, items):
        yield from _listed(items, pieces, known)
    elif _is_prose(line):
        yield from _of_prose(line, pieces, known)
    else:
        yield from _unmarked(line, pieces, known)


def _is_list(line: str, items: list[str]) -> bool:
    """Short items all the way, and more separators than prose has commas."""
    if not items:
        return False
    sizes = [len(item.split()) for item in items]
    functional = sum(word.lower() in _FUNCTION for item in items for word in item.split())
    if len(items) == 1:
        return sizes[0] <= 4 and functional == 0
    return max(sizes) <= MOST_WORDS and sum(sizes) / len(items) <= 3.5 and functional <= 0.1 * sum(sizes)


def _is_prose(line: str) -> bool:
    words = [word.strip(".,;:!?\"'()").lower() for word in line.split()]
    return sum(word in _FUNCTION for word in words) >= 0.1 * len(words)


def _listed(items: list[str], pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    for item in items:
        words = item.split()
        if len(words) > MOST_WORDS:
            yield from _of_prose(item, pieces, known)
        elif len(words) > 1:
            yield item, 3.0
        elif _is_shaped(item) or not _is_ordinary(item, pieces, known):
            yield item, 3.0 if _is_rare(item, pieces) else 2.5


def _unmarked(line: str, pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    """Words without borders between items: each that is not ordinary, and pairs and triples of capitalised ones."""
    words = [item for word in line.split() if (item := _item(word))]
    for at, word in enumerate(words):
        if _is_shaped(word) or not _is_ordinary(word, pieces, known):
            yield word, 2.5 if _is_rare(word, pieces) else 2.0
        for size in (2, 3):
            run = words[at : at + size]
            if len(run) == size and all(part[0].isupper() for part in run):
                yield " ".join(run), 2.2 if size == 2 else 1.2


def _of_prose(line: str, pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    for sentence in _ENDS.split(line):
        for clause in re.split(r"[,;:()\[\]\"“”、，；]|\s[-–—]\s", sentence):
            yield from _names(clause.split(), pieces, known)


def _names(words: list[str], pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    """Runs of capitalised words, and words that are rare or shaped like no ordinary one."""
    words = [_item(word) for word in words]
    run: list[str] = []
    for place, word in enumerate([*words, ""]):
        if word and word[0].isupper() and not (place == 0 and word.lower() in _FUNCTION):
            run.append(word)
            continue
        if run and word in _JOINING and place + 1 < len(words) and words[place + 1][:1].isupper():
            run.append(word)
            continue
        yield from _of_run(run, pieces, known)
        run = []
        if word and (_is_shaped(word) or (_is_rare(word, pieces) and not known(word.lower()))):
            yield word, 1.5


def _of_run(run: list[str], pieces: Pieces, known: Known) -> Iterator[tuple[str, float]]:
    if 2 <= len(run) <= MOST_WORDS:
        yield " ".join(run), 2.4
    for name in _split_at_joining(run):
        yield " ".join(name), 2.0
    for part in run:
        is_own = not known(part.lower()) if len(run) > 1 else not _is_ordinary(part, pieces, known)
        if part not in _JOINING and (_is_shaped(part) or is_own):
            yield part, 2.0 if _is_rare(part, pieces) else 1.6


def _split_at_joining(run: list[str]) -> Iterator[list[str]]:
    """The names of two words and more that a run is joined of; none when it is one name."""
    borders = [-1, *(i for i, word in enumerate(run) if word in _JOINING), len(run)]
    if len(borders) > 2:
        yield from (run[begin + 1 : end] for begin, end in pairwise(borders) if end - begin > 2)


# ---- words ------------------------------------------------------------------------------------------------------


def _item(text: str) -> str:
    """Without brackets, quotes and marks around it; empty when it cannot be a term."""
    text = _squeezed(_DRESSING.sub("", text))
    if text.endswith(".") and not re.search(r"\.\w+\.$", text):
        text = text.rstrip(".")
    return text if _is_sayable(text) else ""


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _is_sayable(text: str) -> bool:
    """Letters, mostly, with vowels among them or short and in capitals: not the garbage of a broken file."""
    letters = [character for character in text if character.isalpha()]
    if not 2 <= len(text) <= MOST_LETTERS or len(letters) < 0.6 * len(text.replace(" ", "")):
        return False
    return all(_is_sayable_word(word) for word in text.split())


_WORD = re.compile(r"[^\W_]+(?:[.'’&+\-/][^\W_]+)*[.+'’]?\+?|&")


def _is_sayable_word(word: str) -> bool:
    if len(word) > 25 or not _WORD.fullmatch(word):
        return False
    turns = sum(one.isalpha() and other.isdigit() for one, other in pairwise(word))
    vowels = sum(character in "aeiouyAEIOUY" or not character.isascii() for character in word)
    return turns <= 2 and (vowels * 7 >= len(word) or len(word) <= 6)


def _is_shaped(word: str) -> bool:
    """An acronym, camel case, or letters with digits."""
    letters = sum(character.isalpha() for character in word)
    if letters < 2 or len(word) > 25:
        return False
    upper = sum(character.isupper() for character in word)
    if word.isupper() and letters <= 6:
        return True
    inner = re.search(r"[a-z][A-Z]", word)
    return (bool(inner) and upper <= 4) or (any(c.isdigit() for c in word) and len(word) <= 12)


def _is_ordinary(word: str, pieces: Pieces, known: Known) -> bool:
    """The dictionary has it and the engine writes its lower case as one piece."""
    lower = word.lower()
    return (known(lower) and pieces(lower) <= 1) or lower in _FUNCTION


def _is_rare(word: str, pieces: Pieces) -> bool:
    return pieces(word) >= RARE_PIECES


def _primary(language: str) -> str:
    return language.replace("_", "-").split("-")[0].lower()
