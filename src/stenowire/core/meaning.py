"""Where a sentence ends by its meaning: after a settled full stop that settled words follow.

In: the words shown for an open utterance. Out: the border in ms of the clip, or None.
"""

from stenowire.core.stabilizer import Shown

ENDS = frozenset(".?!。？！")
FOLLOWING_WORDS = 2
"""Settled words that must follow: a mark right before the edge is often only the model's closing habit."""
LEAST_WORDS = 2
LEAST_MS = 1_000


def sentence_border(shown: Shown) -> int | None:
    settled = shown.words[: shown.stable]
    for index in range(len(settled) - FOLLOWING_WORDS - 1, LEAST_WORDS - 2, -1):
        word, following = settled[index], settled[index + 1]
        if word.mark and word.mark[-1] in ENDS and word.end_ms - settled[0].begin_ms >= LEAST_MS:
            return (word.end_ms + following.begin_ms) // 2
    return None
