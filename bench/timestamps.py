"""How far the times of words are from where the words are, against a forced alignment of the exact text.

Only words that the final has right are compared, matched in order. The aligner hears phones, not our engine, and is
itself some tens of milliseconds off: a median near 40 ms is as good as it can tell.
"""

from itertools import pairwise

from bench import paced
from bench.client import Answer
from bench.paced import Played
from bench.report import Table
from bench.score import matches, plain, quantile

MEDIAN_MS, P90_MS = 80, 180


def measure(quick: bool) -> Table:
    table = Table("timestamps")
    starts, ends, disorder = differences(paced.ours(quick))
    sizes = [abs(value) for value in starts]
    median, p90 = quantile(sizes, 0.5), quantile(sizes, 0.9)
    table.add(
        f"word start error, median / p90 ms ({len(sizes)} words)",
        f"{median:.0f} / {p90:.0f}",
        f"≤ {MEDIAN_MS} / ≤ {P90_MS}",
        median <= MEDIAN_MS and p90 <= P90_MS,
    )
    table.add("word start bias, median ms (late is positive)", f"{quantile(starts, 0.5):+.0f}")
    sizes = [abs(value) for value in ends]
    table.add("word end error, median / p90 ms", f"{quantile(sizes, 0.5):.0f} / {quantile(sizes, 0.9):.0f}")
    table.add("words that begin before the word before them", str(disorder), "0", disorder == 0)
    return table


def differences(played: list[Played]) -> tuple[list[float], list[float], int]:
    """(start errors, end errors in ms, words out of order)."""
    starts: list[float] = []
    ends: list[float] = []
    disorder = 0
    for one in played:
        heard = [token for answer in one.take.finals for token in _tokens(answer)]
        begins = [word["begin_time"] for answer in one.take.finals for word in answer.sentence["words"]]
        disorder += sum(later < earlier for earlier, later in pairwise(begins))
        for said, place in matches([word.word for word in one.spoken], [token for token, _, _ in heard]):
            _, begin_ms, end_ms = heard[place]
            starts.append(begin_ms - one.spoken[said].begin_ms)
            ends.append(end_ms - one.spoken[said].end_ms)
    return starts, ends, disorder


def _tokens(answer: Answer) -> list[tuple[str, int, int]]:
    """(plain word, begin, end); a word that reads as several ("lower-case") gets a mark that matches nothing."""
    found = []
    for word in answer.sentence["words"]:
        tokens = plain(word["text"])
        for token in tokens:
            found.append((token if len(tokens) == 1 else "·", word["begin_time"], word["end_time"]))
    return found
