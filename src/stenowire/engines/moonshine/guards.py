"""What keeps the model honest: how long a text may be, when it runs in circles, when nothing was said.

Input: token ids, lengths of clips, numbers about a finished text. Output: limits and verdicts. Must not know the
network. Thresholds come from dev/LOG.md, "Guards".
"""

from collections.abc import Sequence

from stenowire.engines.moonshine.shape import MAX_TOKENS
from stenowire.types import SESSION_RATE_HZ

TOKENS_PER_SECOND = 9.0
"""Half as much again as the fastest talk in the recordings; the authors' own 6.5 cuts talk sped up by 1.3."""
SPARE_TOKENS = 4
LOOPS = ((1, 8), (2, 5), (3, 4), (8, 3), (24, 2))
"""(phrases up to so many tokens, said so often in a row, are a loop)."""

LEAST_FOCUS = 0.33
"""Of attention, the share that lies where the alignment puts each token: speech 0.34 to 0.7, noise 0.11 to 0.32."""
SURE_FOCUS, SURE_SCORE = 0.25, -0.2
"""A text that the model is so sure of may be this scattered: digits said one by one on the telephone have 0.30 and
-0.16, and no noise was ever above -0.3."""
LEAST_SCORE = -1.8
"""Mean log-probability of a token: single words cut out of talk, the hardest speech, have at least -1.77."""
STOCK = frozenset({"thank you", "thank you for watching", "thanks for watching", "bye", "so", "you"})
"""What the model says to silence and music; believed only when it is sure."""
STOCK_SCORE = -0.5


def token_cap(samples: int) -> int:
    """How many tokens the words in so much audio can need."""
    return min(int(TOKENS_PER_SECOND * samples / SESSION_RATE_HZ) + SPARE_TOKENS, MAX_TOKENS // 2)


def loop_start(tokens: Sequence[int]) -> int | None:
    """Where the second turn of a loop at the end of `tokens` begins, or None where there is no loop."""
    for size in range(1, LOOPS[-1][0] + 1):
        turns = next(turns for longest, turns in LOOPS if size <= longest)
        begin = len(tokens) - size * turns
        if begin >= 0 and all(tokens[i] == tokens[i + size] for i in range(begin, len(tokens) - size)):
            return begin + size
    return None


def is_invented(text: str, score: float, focus: float) -> bool:
    """Whether a text is the model's answer to no speech. `score` and `focus` are means over its tokens."""
    if focus < (SURE_FOCUS if score > SURE_SCORE else LEAST_FOCUS) or score < LEAST_SCORE:
        return True
    if text == "You":
        # Real talk ends in a mark; this is what digital silence and hum become.
        return True
    return text.lower().rstrip(".!?,") in STOCK and score < STOCK_SCORE
