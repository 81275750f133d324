"""What a client asked to have done to words before it sees them: marks removed, words starred or dropped.

In: words and the settled count. Out: the same, filtered. A dropped word hands its mark to the word before it. What is
said about terms follows the words, and never tells one that is hidden.
"""

import msgspec

from stenowire.types import Applied, TextOptions, Word


def apply(words: tuple[Word, ...], stable: int, options: TextOptions) -> tuple[tuple[Word, ...], int]:
    if options.starred or options.dropped:
        words, stable = censor(words, stable, options)
    if not options.punctuation:
        words = tuple(with_mark(word, "") for word in words)
    return words, stable


def told(applied: tuple[Applied, ...], words: tuple[Word, ...], options: TextOptions) -> tuple[Applied, ...]:
    """What may be told of the terms in `words` (unfiltered), counted in the words that `apply` leaves."""
    if not (options.starred or options.dropped):
        return applied
    dropped = covered(words, options.dropped)
    hidden = dropped | covered(words, options.starred)
    kept: list[Applied] = []
    for one in applied:
        if hidden.isdisjoint(range(one.begin, one.begin + one.words)):
            begin = one.begin - sum(index < one.begin for index in dropped)
            kept.append(msgspec.structs.replace(one, begin=begin, before=_shown(one.before, options)))
    return tuple(kept)


def _shown(before: str, options: TextOptions) -> str:
    """Nothing where a word stood before that the client is not to see."""
    words = tuple(Word(text, 0, 0) for text in before.split())
    return "" if covered(words, options.starred) | covered(words, options.dropped) else before


def censor(words: tuple[Word, ...], stable: int, options: TextOptions) -> tuple[tuple[Word, ...], int]:
    starred, dropped = covered(words, options.starred), covered(words, options.dropped)
    kept: list[Word] = []
    settled = 0
    for index, word in enumerate(words):
        if index in dropped:
            # A settled word stays as it was shown, so only an unsettled one may take the mark over.
            if kept and word.mark and not kept[-1].mark and (index < stable or len(kept) > settled):
                kept[-1] = with_mark(kept[-1], word.mark)
            continue
        kept.append(with_text(word, "*" * len(word.text)) if index in starred else word)
        settled += index < stable
    return tuple(kept), settled


def covered(words: tuple[Word, ...], phrases: tuple[str, ...]) -> set[int]:
    """Indices of the words that take part in an occurrence of a phrase, case aside."""
    spoken = [word.text.casefold() for word in words]
    found: set[int] = set()
    for phrase in phrases:
        parts = phrase.casefold().split()
        for begin in range(len(spoken) - len(parts) + 1):
            if parts and spoken[begin : begin + len(parts)] == parts:
                found |= set(range(begin, begin + len(parts)))
    return found


def with_mark(word: Word, mark: str) -> Word:
    return Word(word.text, word.begin_ms, word.end_ms, mark, word.confidence)


def with_text(word: Word, text: str) -> Word:
    return Word(text, word.begin_ms, word.end_ms, word.mark, word.confidence)
