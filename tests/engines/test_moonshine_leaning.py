"""A search that leans towards terms: what it proposes, and that the likeliest text stays as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stenowire.engines.base import Job, Proposal, Proposer
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.moonshine.phrases import MOST_TERMS, Lists
from stenowire.engines.moonshine.tokenizer import Tokenizer
from stenowire.types import Hint, HotWord, Hypothesis, Samples

pytestmark = pytest.mark.engine


@pytest.fixture(scope="session")
def engine(moonshine_folder: Path) -> MoonshineEngine:
    return MoonshineEngine(moonshine_folder)


def words(*texts: str, weight: int = 4) -> Hint:
    return Hint(hotwords=tuple(HotWord(text, weight) for text in texts))


def final(
    engine: MoonshineEngine, clip: Samples, hint: Hint, effort: Any = "beam"
) -> tuple[Hypothesis, list[Proposal]]:
    state = engine.open(hint)
    (hypothesis,) = engine.step([Job(state=state, clip=clip, final=True, effort=effort)])
    return hypothesis, engine.proposals(state)


def test_the_engine_is_a_proposer(engine: MoonshineEngine) -> None:
    assert isinstance(engine, Proposer)


def test_a_term_that_sounds_like_what_was_said_is_proposed_in_its_place(
    engine: MoonshineEngine, two_cities: Samples
) -> None:
    plain, nothing = final(engine, two_cities[:144_000], Hint())
    hypothesis, proposals = final(engine, two_cities[:144_000], words("Wisden", "Bulge Bracket", weight=50))
    assert nothing == []
    assert hypothesis == plain
    told = [word.text for word in hypothesis.words]
    assert [(told[one.begin : one.end], one.term) for one in proposals] == [(["wisdom"], "Wisden")]


def test_what_stands_there_already_or_was_not_said_is_not_proposed(
    engine: MoonshineEngine, two_cities: Samples
) -> None:
    _, proposals = final(engine, two_cities[:144_000], words("wisdom", "Bulge Bracket", "Kubernetes"))
    assert proposals == []


@pytest.mark.parametrize("case", ["greedy", "interim", "long list", "silence", "closed"])
def test_nothing_is_proposed_where_nothing_leant(engine: MoonshineEngine, two_cities: Samples, case: str) -> None:
    clip, hint = two_cities[:144_000], words("Wisden", weight=50)
    if case == "long list":
        hint = words("Wisden", *(f"Nobody {number}" for number in range(MOST_TERMS)), weight=50)
    state = engine.open(hint)
    engine.step([Job(state=state, clip=clip, final=True, effort="greedy" if case == "greedy" else "beam")])
    if case == "interim":
        assert engine.proposals(state)
        engine.step([Job(state=state, clip=clip)])
    elif case == "silence":
        engine.step([Job(state=state, clip=np.zeros_like(clip), final=True, effort="beam")])
    elif case == "closed":
        engine.close(state)
    assert engine.proposals(state) == []


def test_an_automaton_is_built_once_per_list(moonshine_folder: Path) -> None:
    lists = Lists(Tokenizer(moonshine_folder / "tokenizer.bin"))
    one = lists.automaton(words("Bulge Bracket").hotwords)
    assert one is not None and lists.automaton(words("Bulge Bracket").hotwords) is one
    assert lists.automaton(words("bulge bracket").hotwords) is not one
    assert lists.automaton(()) is None and lists.automaton(words("", "  ").hotwords) is None


def test_a_term_may_open_a_sentence(moonshine_folder: Path) -> None:
    tokenizer = Tokenizer(moonshine_folder / "tokenizer.bin")
    automaton = Lists(tokenizer).automaton(words("metformin").hotwords)
    assert automaton is not None
    for text in ("She takes metformin.", "Metformin, she says", "metformin"):
        assert len(automaton.find(tokenizer.encode(text))) == 1, text
    assert automaton.find(tokenizer.encode("metformins metform")) == []
