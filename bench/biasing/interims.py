"""What a list does to captions while they grow: terms right in the last interim, and how long before the final.

In: real utterances with terms. Out: rows. An interim is right about a term when it holds it as often as it was said.
"""

from typing import Any

from bench import report
from bench.biasing import sets
from bench.biasing.hearing import Condition, bare, hear
from bench.biasing.sets import Utterance
from bench.biasing.tally import term_count
from bench.report import Table
from bench.score import quantile

SIZE, SEED = 50, 1


def measure(table: Table, utterances: list[Utterance]) -> None:
    groups = tuple(sets.groups(utterances, SIZE, SEED))
    conditions = [bare(utterances, interims=True), Condition("both", "both", groups, interims=True)]
    told = hear(utterances, conditions)
    report.keep("biasing interims", ({"condition": c, **line} for c, ls in told.items() for line in ls.values()))
    seen = {name: [_seen(one, lines[one.id]["shown"]) for one in utterances] for name, lines in told.items()}
    said = sets.occurrences(utterances)
    last = {name: sum(len(early) for _, early in found) for name, found in seen.items()}
    final = {name: sum(len(right) for right, _ in found) for name, found in seen.items()}
    ahead = {name: [ms for _, early in found for ms in early] for name, found in seen.items()}
    name = f"real, {SIZE} terms: terms right"
    table.add(f"{name} in the last interim before the final", f"{last['none']} → {last['both']} of {said}")
    table.add("… in the final", f"{final['none']} → {final['both']} of {said}")
    median = {name: quantile(values, 0.5) for name, values in ahead.items()}
    table.add(
        "… first shown before its final, median ms of audio (of those in the last interim)",
        f"{median['none']:.0f} → {median['both']:.0f}",
    )


def _seen(one: Utterance, shown: list[dict[str, Any]]) -> tuple[list[str], list[int]]:
    """(terms right in a final; for each term right in a last interim, how long before its final it first stood)."""
    sentences: dict[int, list[dict[str, Any]]] = {}
    for answer in shown:
        sentences.setdefault(answer["id"], []).append(answer)
    right: list[str] = []
    ahead: list[int] = []
    for term in one.terms:
        for answers in sentences.values():
            *earlier, final = answers
            if term_count(final["text"], term):
                right.append(term)
            if earlier and term_count(earlier[-1]["text"], term):
                first = next(answer for answer in earlier if term_count(answer["text"], term))
                ahead.append(final["at_ms"] - first["at_ms"])
    return right, ahead
