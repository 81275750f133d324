from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from biasing.lexicon import lexicon
from stenowire.biasing.candidates import Candidate, find, merged, proposed
from stenowire.biasing.index import Index, build
from stenowire.biasing.terms import Term
from stenowire.biasing.verify import LONG_LIST, PROPOSED_WORTH, chosen, decide, rank
from stenowire.types import Word

pytestmark = pytest.mark.unit


def words(text: str, confidence: float = 0.9) -> tuple[Word, ...]:
    return tuple(Word(word, 500 * i, 500 * i + 400, "", confidence) for i, word in enumerate(text.split()))


def index(*terms: Term) -> Index:
    return build(terms, lexicon())


def decided(here: Index, text: str, gains: dict[str, float]) -> list[str]:
    """Texts of the accepted terms, when a text that holds a term gains so many nats, and any other loses 100."""

    def score(texts: Sequence[str]) -> list[float]:
        return [
            0.0 if text.startswith(one) else next((g for t, g in gains.items() if t in one), -100.0) for one in texts
        ]

    spoken = words(text)
    near = rank(here, spoken, find(here, text.split()))
    return [here.terms[d.candidate.term].text for d in chosen(decide(here, spoken, near, score, lambda text: 2))]


def test_a_term_that_the_audio_likes_is_written() -> None:
    assert decided(index(Term("Bulge Bracket")), "the bulk bracket", {"Bulge Bracket": -1.0}) == ["Bulge Bracket"]


def test_a_term_that_the_audio_does_not_bear_is_not() -> None:
    assert decided(index(Term("Bulge Bracket")), "the bulk bracket", {"Bulge Bracket": -40.0}) == []


def test_a_heavier_term_needs_less() -> None:
    on_the_brink = {"Bulge Bracket": -14.0}
    assert decided(index(Term("Bulge Bracket", weight=1)), "the bulk bracket", on_the_brink) == []
    assert decided(index(Term("Bulge Bracket", weight=50)), "the bulk bracket", on_the_brink) == ["Bulge Bracket"]


def test_a_term_that_the_engine_proposes_needs_less_and_may_sound_far_off() -> None:
    here, spoken = index(Term("Bulge Bracket")), words("the bird rock")
    (offered,) = proposed(here, ["the", "bird", "rock"], [(1, 3, "bulge bracket"), (1, 3, "unknown")])
    (weighed,) = decide(here, spoken, [offered], lambda texts: [0.0, -5.0], lambda text: 2)
    (unasked,) = decide(here, spoken, [replace(offered, proposed=False)], lambda texts: [0.0, -5.0], lambda text: 2)
    assert offered.distance > 0.3 and weighed.score == pytest.approx(unasked.score + PROPOSED_WORTH)
    assert proposed(here, ["the", "bird", "rock"], [(1, 3, "bulge bracket")], frozenset({2})) == []


def test_what_is_found_twice_is_weighed_once() -> None:
    heard, offered = Candidate(1, 3, 0, 0.2, 9), Candidate(1, 3, 0, 0.2, 9, proposed=True)
    owned, elsewhere = Candidate(1, 3, 0, 0.2, 9, "'s"), Candidate(4, 6, 0, 0.2, 9)
    assert merged([heard, owned, elsewhere], [offered]) == [offered, replace(owned, proposed=True), elsewhere]
    assert merged([], [offered]) == [offered]


def test_of_two_terms_for_the_same_words_the_likelier_is_written() -> None:
    here = index(Term("Bulge Bracket"), Term("bulk jacket"))
    assert decided(here, "the bulk bracket", {"Bulge Bracket": -1.0, "bulk jacket": -3.0}) == ["Bulge Bracket"]


def test_nothing_is_scored_where_nothing_is_near() -> None:
    def score(texts: Sequence[str]) -> list[float]:
        raise AssertionError("asked for scores")

    assert decide(index(Term("Bulge Bracket")), words("the table"), [], score, len) == []


def test_words_that_the_engine_doubts_are_looked_at_first() -> None:
    spoken = (*words("bulk bracket"), *words("bulk bracket", 0.2))
    same = [Candidate(0, 2, 0, 0.3, 9), Candidate(2, 4, 0, 0.3, 9)]
    assert rank(index(Term("Bulge Bracket")), spoken, same, 1) == [same[1]]


def test_words_that_no_dictionary_has_are_looked_at_first() -> None:
    spoken = words("bulk bracket bulge brackett")
    same = [Candidate(0, 2, 0, 0.3, 9), Candidate(2, 4, 0, 0.3, 9)]
    assert rank(index(Term("Bulge Bracket")), spoken, same, 1) == [same[1]]


def test_in_a_long_list_a_word_of_the_dictionary_must_sound_nearer() -> None:
    distractors = [Term(f"{chr(97 + i % 26)}{chr(97 + i // 26)}zq") for i in range(LONG_LIST)]
    spoken = words("the bulk rocket")
    short, long = index(Term("bracket")), index(Term("bracket"), *distractors)

    def score_of(here: Index, distance: float) -> float:
        (one,) = decide(here, spoken, [Candidate(2, 3, 0, distance, 6)], lambda texts: [0.0, -5.0], lambda text: 2)
        return one.score

    assert score_of(long, 0.0) - score_of(long, 0.2) > score_of(short, 0.0) - score_of(short, 0.2) + 1
