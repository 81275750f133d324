"""A text gains by whole terms alone, whatever it began."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.biasing.automaton import ROOT, Automaton, Found, Phrase, worth

pytestmark = pytest.mark.unit

CONTINUING = frozenset(range(10, 20))
"""Tokens 10 to 19 lengthen a word; 1 to 9 begin one."""


def gain(automaton: Automaton, tokens: list[int]) -> float:
    node, total = ROOT, 0.0
    for token in tokens:
        node, change = automaton.step(node, token)
        total += change
    return total + automaton.end(node)


def automaton(*phrases: tuple[int, ...], boost: float = 1.0) -> Automaton:
    return Automaton([Phrase(tokens, boost, term) for term, tokens in enumerate(phrases)], CONTINUING)


def test_a_finished_term_earns_more_the_longer_it_is() -> None:
    two, three = automaton((1, 2)), automaton((1, 2, 3))
    assert gain(two, [5, 1, 2, 6]) == pytest.approx(worth(1) + worth(2))
    assert gain(three, [1, 2, 3]) == pytest.approx(worth(1) + worth(2) + worth(3))


@pytest.mark.parametrize("text", [[1], [1, 2], [1, 2, 4], [2, 3], [1, 1, 2], []])
def test_a_beginning_alone_earns_nothing(text: list[int]) -> None:
    assert gain(automaton((1, 2, 3)), text) == pytest.approx(0.0)


def test_a_term_within_a_longer_word_is_no_term() -> None:
    """ "art" in "artist"."""
    assert gain(automaton((1,)), [1, 11, 5]) == pytest.approx(0.0)
    assert gain(automaton((1,)), [1, 5]) == pytest.approx(1.0)


def test_a_failed_term_goes_on_as_a_shorter_one() -> None:
    terms = automaton((1, 2, 3), (2, 4))
    assert gain(terms, [1, 2, 4]) == pytest.approx(worth(1) + worth(2))
    assert terms.find([1, 2, 4]) == [Found(1, 1, 3)]


def test_of_nested_terms_the_longest_is_found_and_none_is_paid_twice() -> None:
    terms = automaton((1,), (1, 2))
    assert terms.find([1, 2, 1]) == [Found(1, 0, 2), Found(0, 2, 3)]
    assert gain(terms, [1, 2]) == pytest.approx(worth(1) + worth(2))


def test_what_goes_on_with_a_term_is_wanted() -> None:
    terms = automaton((1, 2, 3), (2, 4), (6,))
    node, _ = terms.step(ROOT, 1)
    assert terms.wanted(node) == [2]
    node, _ = terms.step(node, 2)
    assert terms.wanted(node) == [3, 4]
    assert terms.wanted(ROOT) == [] and sorted(terms.first) == [1, 2, 6]


def test_a_greater_boost_earns_more_also_where_terms_share_a_beginning() -> None:
    terms = Automaton([Phrase((1, 2), 1.0, 0), Phrase((1, 3), 3.0, 1)], CONTINUING)
    assert gain(terms, [1, 3]) > gain(terms, [1, 2]) > 0


def test_without_terms_nothing_is_wanted_or_earned() -> None:
    nothing = automaton()
    assert nothing.first == [] and gain(nothing, [1, 2, 11]) == 0.0 and nothing.find([1, 2]) == []


tokens = st.lists(st.integers(1, 12), max_size=12)
phrases = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4).map(tuple), max_size=6)


@given(phrases, tokens)
def test_a_text_gains_if_and_only_if_it_finishes_a_term(terms: list[tuple[int, ...]], text: list[int]) -> None:
    built = automaton(*terms)
    found = built.find(text)
    assert gain(built, text) == pytest.approx(0.0, abs=1e-9) if not found else gain(built, text) > 0.9
    for term, begin, end in found:
        assert tuple(text[begin:end]) == terms[term] or tuple(text[begin:end]) in terms
        assert end == len(text) or text[end] not in CONTINUING
