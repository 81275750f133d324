"""What keeps a decoder honest: how long a text may be, and when it runs in circles.

Input: token ids, lengths of clips. Output: limits and verdicts. Must not know scores or text.
"""

from collections.abc import Sequence

from stenowire.engines.moonshine.shape import MAX_TOKENS
from stenowire.types import SESSION_RATE_HZ

TOKENS_PER_SECOND = 6.5
"""The rate at which the model's authors stop it, too."""
SPARE_TOKENS = 1
LOOPS = ((1, 8), (2, 5), (3, 4), (4, 3), (8, 2), (16, 2))
"""(length of a phrase in tokens, how often in a row it is a loop); in between the next longer rule holds."""
LONGEST_LOOP = 24


def token_cap(samples: int) -> int:
    """How many tokens the words in so much audio can need."""
    return min(int(TOKENS_PER_SECOND * samples / SESSION_RATE_HZ) + SPARE_TOKENS, MAX_TOKENS // 2)


def loop_start(tokens: Sequence[int]) -> int | None:
    """Where the second turn of a loop at the end of `tokens` begins, or None where there is no loop."""
    for size in range(1, LONGEST_LOOP + 1):
        turns = _turns(size)
        span = size * turns
        if len(tokens) < span:
            continue
        phrase = tokens[-size:]
        if all(tokens[len(tokens) - i * size - size : len(tokens) - i * size] == phrase for i in range(1, turns)):
            return len(tokens) - span + size
    return None


def _turns(size: int) -> int:
    return next((turns for limit, turns in LOOPS if size <= limit), 2)
