"""What was said against what was written: error rates, matched words, percentiles.

Error rates use whisper-normalizer's English rules, so that they compare with published ones. Times of words need one
token per spoken word, so matching uses a plainer rule: lower case, no punctuation. The scorers are imported where they
are needed, as only the bench environment has them.
"""

import random
import re
from collections.abc import Sequence
from functools import cache

import numpy as np


@cache
def _normalizer():  # type: ignore[no-untyped-def]
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def normal(text: str) -> str:
    """Text as it is scored."""
    return str(_normalizer()(text)).strip()


def plain(text: str) -> list[str]:
    """Spoken words: lower case, apostrophes kept, everything else that is no letter or digit parts words."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("’", "'"))


def errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """(wrong, missing and added words; words of the reference), both normalised."""
    return _differences(normal(reference), normal(hypothesis))


def digit_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """The same digit by digit, for digits said one by one: the normaliser would join them into one long number."""
    return _differences(_spaced(normal(reference)), _spaced(normal(hypothesis)))


def _spaced(text: str) -> str:
    return " ".join(re.sub(r"(\d)", r" \1 ", text).split())


def _differences(wanted: str, written: str) -> tuple[int, int]:
    if not wanted:
        return len(written.split()), 0
    from jiwer import process_words

    result = process_words(wanted, written)
    return result.substitutions + result.deletions + result.insertions, len(wanted.split())


def rate(counts: Sequence[tuple[int, int]]) -> float:
    """Word error rate in per cent over (errors, words) pairs."""
    words = sum(words for _, words in counts)
    return 100 * sum(wrong for wrong, _ in counts) / words if words else float("nan")


def interval(counts: Sequence[tuple[int, int]], repeats: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of `rate`, drawing recordings with replacement."""
    draw = random.Random(7)
    rates = sorted(rate(draw.choices(counts, k=len(counts))) for _ in range(repeats))
    return rates[int(0.025 * repeats)], rates[int(0.975 * repeats)]


def matches(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs of equal words, in order, from the cheapest alignment of the two."""
    if not reference or not hypothesis:
        return []
    from jiwer import process_words

    chunks = process_words([" ".join(reference)], [" ".join(hypothesis)]).alignments[0]
    pairs: list[tuple[int, int]] = []
    for chunk in chunks:
        if chunk.type == "equal":
            starts = range(chunk.ref_start_idx, chunk.ref_end_idx), range(chunk.hyp_start_idx, chunk.hyp_end_idx)
            pairs += zip(*starts, strict=True)
    return pairs


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed; nan of nothing."""
    return float(np.quantile(values, share)) if len(values) else float("nan")
