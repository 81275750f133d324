"""Stretches of a hypothesis that sound like a term.

Input: an index, the words of a hypothesis. Output: candidates with their distance. Must not know audio or scores.

Every run of up to some words is a window. A first look compares coarse classes of phones by edit distance; what passes
is compared phone by phone with costs of its own.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from stenowire.biasing.index import Index, letters, padded
from stenowire.biasing.phones import CHARACTER, COARSE, INDEL, SUBSTITUTION, parted
from stenowire.biasing.rewrite import possessive
from stenowire.biasing.spoken import written

MOST_WORDS = 5
"""Of a window."""
HISSES = CHARACTER["S"] + CHARACTER["Z"]
LEAST_PHONES = 2
"""A shorter term is written only where its letters already stand there."""
COARSE_BOUND = 0.5
"""Edits per phone of the longer side at which the first look gives up."""
BOUND = 0.55
"""Distance at which a candidate is none."""
PER_TERM = 2
MOST_PAIRS = 1500
"""Of window and pronunciation that are compared phone by phone: the nearest at first look."""


class Candidate(msgspec.Struct, frozen=True):
    begin: int
    """Index of the first word that would go."""
    end: int
    """Index of the first word after it that stays."""
    term: int
    """Its place in the index."""
    distance: float
    """0..1: 0 when both sound the same."""
    phones: int
    """How many the term has."""
    owner: str = ""
    """What the term takes on at its end, where the words ended in a sound that it has not."""
    proposed: bool = False
    """The engine's own search wrote it when it leant towards the terms."""


def respellings(index: Index, words: Sequence[str]) -> list[Candidate]:
    """Where a term is written with other case or spacing only; longest first, none over another."""
    return [
        Candidate(begin, end, term, 0.0, 0)
        for begin, end, term in _spelled(words, index.spellings, set())
        if _is_sure(index, term, words[begin:end])
    ]


def recalled(table: dict[str, int], words: Sequence[str], taken: frozenset[int]) -> list[Candidate]:
    """Where words stand in whose place the audio proved a term before: letters of such words -> term; outside
    `taken`."""
    return [Candidate(begin, end, term, 0.0, 1) for begin, end, term in _spelled(words, table, set(taken))]


def _spelled(words: Sequence[str], table: dict[str, int], taken: set[int]) -> list[tuple[int, int, int]]:
    """(begin, end, term) of runs of words whose letters stand in a table; longest first, none over another."""
    if not table:
        return []
    keys = [letters(word) for word in words]
    found = []
    for size in range(min(MOST_WORDS + 1, len(words)), 0, -1):
        for begin in range(len(words) - size + 1):
            span = range(begin, begin + size)
            term = table.get("".join(keys[begin : begin + size]))
            if term is not None and taken.isdisjoint(span):
                taken.update(span)
                found.append((begin, begin + size, term))
    return found


def _is_sure(index: Index, term: int, words: Sequence[str]) -> bool:
    """Words joined to another one ("a long", along) may be another text: the audio must be asked. And an
    ordinary word in a context is not always meant as the name that it is there."""
    text = index.terms[term].text
    if text in " ".join(words):
        return True
    if len(words) != len(text.split()):
        return holds_no_word(index, words)
    is_name = len(words) > 1 or index.terms[term].source == "hotword" or not text.istitle()
    return is_name or words[0].lower() not in index.lexicon


def holds_no_word(index: Index, words: Sequence[str]) -> bool:
    """One of them is in no dictionary."""
    return any(word.lower().replace("’", "'") not in index.lexicon for word in words)


def find(
    index: Index, words: Sequence[str], taken: frozenset[int] = frozenset(), bound: float = BOUND
) -> list[Candidate]:
    """Candidates outside the words `taken`, at most two per term, nearest first."""
    if not len(index.owners):
        return []
    said = [_said(index, word) for word in words]
    spans = _windows(said, taken, int(index.lengths.max()))
    if not spans:
        return []
    windows = [_window(index, words, said, begin, end) for begin, end in spans]
    windows += [owned for window in windows if (owned := _owned(window))]
    texts = [window.said for window in windows]
    rows, columns = _first_look(index, texts)
    distances = _distances(padded(texts), np.array([len(t) for t in texts]), index, rows, columns)
    near = np.flatnonzero(distances <= bound)
    order = near[np.argsort(distances[near], kind="stable")]
    return _best(index, windows, [(int(rows[i]), int(columns[i]), float(distances[i])) for i in order])


def proposed(
    index: Index, words: Sequence[str], places: Sequence[tuple[int, int, str]], taken: frozenset[int] = frozenset()
) -> list[Candidate]:
    """Candidates for terms that an engine proposes at (begin, end) of the words, however far they sound from these."""
    said = [_said(index, word) for word in words]
    found = []
    for begin, end, text in places:
        term = index.spellings.get(letters(text))
        if term is None or not taken.isdisjoint(range(begin, end)):
            continue
        window = _window(index, words, said, begin, end)
        columns = np.flatnonzero(index.owners == term)
        if _stands_there(index, term, window) or not len(columns) or not window.said:
            continue
        rows = np.zeros(len(columns), np.int64)
        distances = _distances(padded([window.said]), np.array([len(window.said)]), index, rows, columns)
        owner = "" if possessive(text) else window.owner
        phones = int(index.lengths[columns[distances.argmin()]])
        found.append(Candidate(begin, end, term, float(distances.min()), phones, owner, True))
    return found


def merged(heard: Sequence[Candidate], offered: Sequence[Candidate]) -> list[Candidate]:
    """All candidates once; those of a proposed term in its place are proposed, whoever owns something there."""
    places = {(one.begin, one.end, one.term) for one in offered}
    found = [
        msgspec.structs.replace(one, proposed=True) if (one.begin, one.end, one.term) in places else one
        for one in heard
    ]
    known = {(one.begin, one.end, one.term, one.owner) for one in found}
    return found + [one for one in offered if (one.begin, one.end, one.term, one.owner) not in known]


class Window(msgspec.Struct, frozen=True):
    begin: int
    end: int
    said: str
    spelled: str
    owner: str = ""


def _window(index: Index, words: Sequence[str], said: Sequence[str], begin: int, end: int) -> Window:
    """ "Lionel's" is compared as "Lionel": what it owns is kept when the name is replaced."""
    last = words[end - 1]
    owner = possessive(last)
    ending = _said(index, last.removesuffix(owner)) if owner else said[end - 1]
    return Window(begin, end, "".join(said[begin : end - 1]) + ending, letters("".join(words[begin:end])), owner)


def _owned(window: Window) -> Window | None:
    """A name that owns something, heard as one word: "Linels" for "Linnell's"."""
    if window.owner or len(window.said) <= 3 or window.said[-1] not in HISSES:
        return None
    return Window(window.begin, window.end, window.said[:-1], window.spelled, "'s")


def _said(index: Index, word: str) -> str:
    found = index.lexicon.say(word.lower()) if word.isalpha() else written(word, index.lexicon)
    return parted(found[0]) if found else ""


def _windows(said: Sequence[str], taken: frozenset[int], longest: int) -> list[tuple[int, int]]:
    spans = []
    for begin in range(len(said)):
        size = 0
        for end in range(begin + 1, min(begin + MOST_WORDS, len(said)) + 1):
            size += len(said[end - 1])
            if end - 1 in taken or size > 2 * longest:
                break
            if said[end - 1] and said[begin] and size >= 2:
                spans.append((begin, end))
    return spans


def _first_look(index: Index, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of window and pronunciation that may be near."""
    coarse = [text.translate(COARSE) for text in texts]
    edits = cdist(coarse, index.coarse, scorer=Levenshtein.distance, dtype=np.uint8)
    longer = np.maximum(np.array([len(text) for text in texts])[:, None], index.lengths[None])
    ratios = np.where(index.lengths >= LEAST_PHONES, edits / longer, 1.0)
    rows, columns = np.nonzero(ratios <= COARSE_BOUND)
    if len(rows) <= MOST_PAIRS:
        return rows, columns
    # Of two that differ by as much, the longer is the rarer accident.
    worth = ratios[rows, columns] - 0.01 * index.lengths[columns]
    nearest = np.sort(np.argpartition(worth, MOST_PAIRS)[:MOST_PAIRS])
    return rows[nearest], columns[nearest]


def _distances(
    windows: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    index: Index,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float32]:
    """float32[pairs]: least cost of turning one into the other, over the cost of losing the greater."""
    if not len(rows):
        return np.zeros(0, np.float32)
    here, there = windows[rows], index.phones[columns]
    sizes, ends = lengths[rows], index.lengths[columns]
    gained = np.concatenate([np.zeros((len(rows), 1), np.float32), np.cumsum(INDEL[there], 1)], 1)
    best = gained.copy()
    for i in range(int(sizes.max())):
        phone = here[:, i]
        turned = best + INDEL[phone][:, None]
        turned[:, 1:] = np.minimum(turned[:, 1:], best[:, :-1] + SUBSTITUTION[phone[:, None], there])
        # A run of gains costs the difference of two running sums.
        turned = np.minimum.accumulate(turned - gained, axis=1) + gained
        best = np.where((i < sizes)[:, None], turned, best)
    pairs = np.arange(len(rows))
    lost = (INDEL[here] * (np.arange(here.shape[1]) < sizes[:, None])).sum(1)
    cost: NDArray[np.float32] = best[pairs, ends] / np.maximum(lost, index.weights[columns])
    return cost


def _stands_there(index: Index, term: int, window: Window) -> bool:
    """But for case: nothing that the audio could tell."""
    text = index.terms[term].text
    return letters(text) == window.spelled and len(text.split()) == window.end - window.begin


def _best(index: Index, windows: Sequence[Window], pairs: Sequence[tuple[int, int, float]]) -> list[Candidate]:
    """Nearest first, each stretch and term once, at most two stretches per term."""
    found: dict[tuple[int, int, int, str], Candidate] = {}
    counts: dict[int, int] = {}
    for row, column, distance in pairs:
        window, term = windows[row], int(index.owners[column])
        owner = "" if possessive(index.terms[term].text) else window.owner
        key = (window.begin, window.end, term, owner)
        if key in found or counts.get(term, 0) >= PER_TERM or _stands_there(index, term, window):
            continue
        counts[term] = counts.get(term, 0) + 1
        found[key] = Candidate(window.begin, window.end, term, distance, int(index.lengths[column]), owner)
    return list(found.values())
