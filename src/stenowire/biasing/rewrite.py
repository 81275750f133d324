"""Put a term in the place of words.

Input: words with times, a stretch of them, a term. Output: new words. Must not know sounds or scores.
"""

from collections.abc import Sequence

from stenowire.types import Word

OWNERS = ("'s", "’s")
SENTENCE_ENDS = (".", "?", "!", "…")


def replaced(words: Sequence[Word], begin: int, end: int, term: str) -> tuple[Word, ...]:
    """What stands there instead of `words[begin:end]`: their time, dealt out by letters; their last mark."""
    old = words[begin:end]
    texts = cased(words, begin, term).split()
    span_ms = old[-1].end_ms - old[0].begin_ms
    sizes = [len(text) for text in texts]
    known = [word.confidence for word in old if word.confidence is not None]
    confidence = min(known) if known else None
    new, spoken = [], 0
    for text, size in zip(texts, sizes, strict=True):
        begin_ms = old[0].begin_ms + span_ms * spoken // sum(sizes)
        spoken += size
        end_ms = old[0].begin_ms + span_ms * spoken // sum(sizes)
        new.append(Word(text, begin_ms, max(end_ms, begin_ms + 1), "", confidence))
    tail = new[-1]
    new[-1] = Word(tail.text, tail.begin_ms, tail.end_ms, old[-1].mark, confidence)
    return tuple(new)


def cased(words: Sequence[Word], begin: int, term: str) -> str:
    """A term in lower case is capitalised where a sentence begins."""
    opens = begin == 0 or words[begin - 1].mark.endswith(SENTENCE_ENDS)
    if opens and words[begin].text[:1].isupper() and term.split()[0].islower():
        return term[0].upper() + term[1:]
    return term


def possessive(text: str) -> str:
    """The ending that says whose: "" when there is none."""
    return next((owner for owner in OWNERS if text.endswith(owner) and len(text) > len(owner)), "")


def text_of(words: Sequence[Word]) -> str:
    return " ".join(word.text + word.mark for word in words)
