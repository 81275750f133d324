"""Where the sound of a word begins and ends, given roughly where the model listened for it.

Input: a clip, spans of encoder frames. Output: spans without the silence at their edges. Must not know tokens or text.

An alignment hands every frame to some token, pauses too. Numbers from dev/LOG.md, "Times of words".
"""

import numpy as np

from stenowire.engines.moonshine.shape import FRAME_SAMPLES
from stenowire.types import Samples

BELOW_PEAK_DB = 30.0
"""So far below the loud parts of a clip is silence, unless the noise floor is higher."""
ABOVE_FLOOR = 0.3
"""Silence reaches this share of the way from the floor to the loud parts."""
SHORTEST_PAUSE = 3
"""Frames. Fewer quiet ones belong to the word: a stop consonant, a soft beginning."""
MARGIN = 1
"""Frames left at an edge that was moved, as a word fades in and out."""


class Edges:
    def __init__(self, clip: Samples) -> None:
        """`clip` float32[n] at 16 kHz."""
        frames = len(clip) // FRAME_SAMPLES
        power = np.square(clip[: frames * FRAME_SAMPLES]).reshape(frames, FRAME_SAMPLES).mean(axis=1)
        levels_db = 10 * np.log10(power + 1e-9)
        floor, peak = np.percentile(levels_db, (5, 95)) if frames else (0.0, 0.0)
        silence_db = max(peak - BELOW_PEAK_DB, floor + ABOVE_FLOOR * (peak - floor))
        self._loud: list[bool] = (levels_db >= silence_db).tolist()

    def trim(self, begin: int, end: int, limit: int) -> tuple[int, int]:
        """The span begin..end (frames) without silence at its edges.

        A word that is still sounding at `end` goes on until it falls silent, at the latest to `limit`: up to there
        nothing but its punctuation was heard.
        """
        end = min(end, len(self._loud))
        first, last = begin, end
        while first < last - 1 and not self._loud[first]:
            first += 1
        if first - begin >= SHORTEST_PAUSE:
            begin = first - MARGIN
        if last > first and self._loud[last - 1]:
            return begin, self._onwards(last, limit)
        while last > first + 1 and not self._loud[last - 1]:
            last -= 1
        return begin, last + MARGIN if end - last >= SHORTEST_PAUSE else end

    def _onwards(self, end: int, limit: int) -> int:
        limit = min(limit, len(self._loud))
        while end < limit and self._loud[end]:
            end += 1
        return end
