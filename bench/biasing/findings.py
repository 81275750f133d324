"""Where each term was lost, and how each one got in that nobody said: for those who tune, not for the table.

In: what was heard, and the stages that `work.py` noted. Out: lines for people, in `.cache/bench/biasing findings.txt`.
"""

from typing import Any

from bench.biasing.tally import Heard, normal_
from bench.report import EVENTS


def lines(name: str, heard: list[Heard], told: dict[str, dict[str, Any]]) -> list[str]:
    """One line per term that is still missed, per one that help took away, and per one that it invented."""
    found: list[str] = []
    for one in heard:
        stages = told[one.utterance.id]["stages"]
        lost = [term for term in one.utterance.terms if term not in one.found]
        found += [f"{name} · {one.utterance.id} · MISSED {_stage(term, stages)} · {one.text}" for term in lost]
        found += [
            f"{name} · {one.utterance.id} · INVENTED {_stage(term, stages)} · {one.bare}" for term in one.invented
        ]
    return found


def _stage(term: str, stages: list[dict[str, Any]]) -> str:
    """What became of a term: no candidate, ranked out, decided."""
    rows = [row for row in stages if normal_(row["term"]) == normal_(term)]
    if not rows:
        return f"{term}: not a candidate"
    row = max(rows, key=lambda row: (row.get("score", float("-inf")), -row["distance"]))
    place = f"{term} for “{row['before']}”, distance {row['distance']}"
    if "score" not in row:
        return f"{place}: ranked out"
    verdict = "accepted" if row["score"] > 0 else "rejected"
    return f"{place}, gain {row['gain']}, score {row['score']}: {verdict}"


def keep(found: list[str], fresh: bool = False) -> None:
    """Append; `fresh` begins anew."""
    EVENTS.mkdir(parents=True, exist_ok=True)
    with (EVENTS / "biasing findings.txt").open("w" if fresh else "a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in found)
