"""The fair peer: put a term wherever the written words are spelled nearly like it, without listening again.

In: a text and a list. Out: the text with replacements. This is what a program can do behind any recogniser, with
rapidfuzz; the likeness it asks for is the usual one.
"""

import re

LIKENESS = 80
"""rapidfuzz's ratio, 0..100, over the letters alone."""


def replace(text: str, terms: tuple[str, ...]) -> str:
    """Best likeness first, no overlap; windows of as many words as the term has, one more and one less."""
    from rapidfuzz.fuzz import ratio

    words = text.split()
    squeezed = [re.sub(r"[^\w]", "", word.lower()) for word in words]
    offers: list[tuple[float, int, int, str]] = []
    for term in terms:
        letters, size = re.sub(r"[^\w]", "", term.lower()), len(term.split())
        for count in range(max(1, size - 1), size + 2):
            for at in range(len(words) - count + 1):
                likeness = ratio("".join(squeezed[at : at + count]), letters, score_cutoff=LIKENESS)
                if likeness:
                    offers.append((likeness, at, count, term))
    taken: set[int] = set()
    for _, at, count, term in sorted(offers, key=lambda offer: -offer[0]):
        span = set(range(at, at + count))
        if not span & taken:
            taken |= span
            words[at : at + count] = [term, *[""] * (count - 1)]
    return " ".join(filter(None, words))
