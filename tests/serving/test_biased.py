"""The wrapper around an engine whose words are given and whose scores are a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from biasing.lexicon import lexicon
from stenowire.biasing.ahead import MOST_TERMS
from stenowire.engines.base import Job
from stenowire.serving.biased import BiasedEngine
from stenowire.types import Applied, EngineInfo, Hint, HotWord, Hypothesis, Word

pytestmark = pytest.mark.unit

TERM = Hint(hotwords=(HotWord("Bulge Bracket"),))


class Deaf:
    """Says the words that it was given last; keeps to the settled ones, as it is told how many they are."""

    native = "none"
    heard_ms = 9000

    def __init__(self) -> None:
        self.says = ""
        self.settled: list[int] = []

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(name="deaf", languages=("en",), biasing=self.native)  # type: ignore[arg-type]

    def open(self, hint: Hint) -> Any:
        return object()

    def close(self, state: Any) -> None: ...

    def warm_up(self) -> None: ...

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        self.settled += [job.settled for job in jobs]
        words = [Word(word, 500 * i, 500 * i + 400, "", 0.9) for i, word in enumerate(self.says.split())]
        return [Hypothesis(tuple(words), 0, self.heard_ms, job.final, "en") for job in jobs]


class Scoring(Deaf):
    gain = -1.0

    def score(self, state: Any, texts: Sequence[str]) -> list[float]:
        raise AssertionError("openings are enough")

    def score_openings(self, state: Any, texts: Sequence[str]) -> list[float]:
        return [
            0.0 if self.says.startswith(text) else self.gain if "Bulge Bracket" in text else -50.0 for text in texts
        ]

    def tokens(self, text: str) -> list[int]:
        return [0] * len(text.split())


def step(engine: BiasedEngine, state: Any, settled: int = 0, final: bool = False) -> Hypothesis:
    (told,) = engine.step([Job(state=state, clip=np.zeros(16, np.float32), settled=settled, final=final)])
    return told


def final(inner: Deaf, says: str, hint: Hint = TERM) -> Hypothesis:
    inner.says = says
    engine = BiasedEngine(inner, lexicon())
    return step(engine, engine.open(hint), final=True)


def text(told: Hypothesis) -> str:
    return " ".join(word.text for word in told.words)


def test_a_final_has_the_term_that_was_said_and_says_why() -> None:
    told = final(Scoring(), "the bulk bracket and table")
    assert text(told) == "the Bulge Bracket and table"
    (applied,) = told.applied
    assert (applied.term, applied.before, applied.begin, applied.words) == ("Bulge Bracket", "bulk bracket", 1, 2)
    assert applied.means == "sound" and applied.gain == -1.0 and (applied.score or 0) > 0


def test_a_term_that_was_not_said_stays_away() -> None:
    inner = Scoring()
    inner.gain = -60.0
    told = final(inner, "the bulk bracket and table")
    assert text(told) == "the bulk bracket and table" and told.applied == ()


def test_an_engine_that_cannot_score_gets_its_spelling_mended_only() -> None:
    assert text(final(Deaf(), "the bulk bracket")) == "the bulk bracket"
    told = final(Deaf(), "the bulgebracket")
    assert text(told) == "the Bulge Bracket" and told.applied[0].means == "spelling"


def test_what_is_right_already_is_not_told_as_applied() -> None:
    assert final(Scoring(), "the Bulge Bracket").applied == ()


def test_an_engine_that_takes_terms_itself_is_left_alone() -> None:
    inner = Deaf()
    inner.native = "phrases"
    assert text(final(inner, "the bulgebracket")) == "the bulgebracket"
    assert BiasedEngine(inner, lexicon()).info.biasing == "phrases"


def test_a_hint_without_terms_changes_nothing() -> None:
    inner = Scoring()
    inner.says = "the bulgebracket"
    engine = BiasedEngine(inner, lexicon())
    for hint in (
        Hint(),
        Hint(language="en"),
        Hint(context="  \n"),
        Hint(hotwords=(HotWord("Bracket", lang="fr"),), language="en"),
    ):
        (plain,) = inner.step([Job(state=None, clip=np.zeros(16, np.float32), settled=2)])
        assert step(engine, engine.open(hint), settled=2) == plain


def test_the_engine_is_told_of_its_own_words_when_shown_ones_settle() -> None:
    inner = Scoring()
    engine = BiasedEngine(inner, lexicon())
    state = engine.open(TERM)
    inner.says = "the bulgebracket and table"
    assert text(step(engine, state)) == "the Bulge Bracket and table"
    inner.says = "the bulgebracket and table rock"
    told = step(engine, state, settled=3)
    assert text(told) == "the Bulge Bracket and table rock"
    assert told.stable == 3
    assert inner.settled == [0, 2]


def test_a_term_that_has_begun_to_settle_stays_whole() -> None:
    inner = Scoring()
    engine = BiasedEngine(inner, lexicon())
    state = engine.open(TERM)
    inner.says = "the bulgebracket and table"
    before = step(engine, state)
    told = step(engine, state, settled=2)
    assert told.words[:3] == before.words[:3]
    assert inner.settled == [0, 2]


def test_words_that_sound_just_like_a_term_are_shown_as_it_at_once() -> None:
    inner = Scoring()
    engine = BiasedEngine(inner, lexicon())
    inner.says = "the bulge brackett and"
    assert text(step(engine, engine.open(TERM))).startswith("the Bulge Bracket")


def test_free_text_is_told_apart_from_hot_words() -> None:
    told = final(Scoring(), "the bulk bracket and table", Hint(context="Bulge Bracket, Boutique"))
    assert told.applied[0].source == "context"


def test_applied_is_told_in_full() -> None:
    assert set(Applied.__struct_fields__) >= {
        "term",
        "before",
        "means",
        "source",
        "weight",
        "distance",
        "gain",
        "score",
    }


def test_what_a_final_proved_later_interims_show() -> None:
    inner, hint = Scoring(), Hint(hotwords=(*TERM.hotwords, *(HotWord(f"zq{i}") for i in range(MOST_TERMS))))
    engine = BiasedEngine(inner, lexicon())
    inner.says = "the bulk jacket and"
    state = engine.open(hint)
    assert text(step(engine, state)) == "the bulk jacket and"
    inner.gain = 0.0
    assert text(step(engine, state, final=True)) == "the Bulge Bracket and"
    assert text(step(engine, engine.open(hint))) == "the Bulge Bracket and"


def test_interims_of_a_short_list_show_what_the_audio_bears() -> None:
    inner = Scoring()
    inner.says, inner.gain = "the bulk jacket and", 0.0
    engine = BiasedEngine(inner, lexicon())
    assert text(step(engine, engine.open(TERM))) == "the Bulge Bracket and"
    inner.gain = -60.0
    assert text(step(engine, engine.open(TERM))) == "the bulk jacket and"


def test_of_the_same_words_the_audio_is_asked_once() -> None:
    inner = Scoring()
    inner.says, inner.gain = "the bulk jacket and", -60.0
    engine = BiasedEngine(inner, lexicon())
    state = engine.open(TERM)
    assert text(step(engine, state)) == "the bulk jacket and"
    inner.gain, inner.heard_ms = 0.0, 12_000
    assert text(step(engine, state)) == "the bulk jacket and"
    assert text(step(engine, state, final=True)) == "the Bulge Bracket and"
