"""The sentences, terms and contexts that biasing is measured on keep their own rules."""

import csv
import re

import pytest
from bench.biasing import example
from bench.biasing.replacing import replace
from bench.biasing.sets import DATA

pytestmark = pytest.mark.unit


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def holds(text: str, term: str) -> bool:
    return re.search(rf"\b{re.escape(term)}\b", text, re.IGNORECASE) is not None


def test_what_tunes_and_what_judges_share_no_term() -> None:
    folds = {fold: {row["term"] for row in rows("spoken.tsv") if row["fold"] == fold} for fold in "AB"}
    assert not folds["A"] & folds["B"]
    assert min(len(terms) for terms in folds.values()) >= 30


def test_each_spoken_sentence_holds_its_term() -> None:
    assert [row for row in rows("spoken.tsv") if not holds(row["sentence"], row["term"])] == []


def test_no_ordinary_sentence_holds_the_term_that_it_sounds_like() -> None:
    ordinary, spoken = rows("ordinary.tsv"), {row["term"]: row["fold"] for row in rows("spoken.tsv")}
    assert [row for row in ordinary if holds(row["sentence"], row["term"])] == []
    assert [row for row in ordinary if spoken.get(row["term"]) != row["fold"]] == []
    assert len(ordinary) >= 44


def test_every_context_of_the_example_holds_the_term() -> None:
    assert len(example.forms()) >= 6
    assert [form for form, text in example.forms().items() if example.TERM not in text] == []


def test_the_peer_replaces_what_is_spelled_alike_and_leaves_the_rest() -> None:
    pytest.importorskip("rapidfuzz", reason="rapidfuzz is in the bench's environment only")
    text = replace("the letter press of Mainz is old", ("letterpress", "Maintz", "Okafor"))
    assert text == "the letterpress of Maintz is old"
