"""Words starred, dropped and stripped of marks as the client asked."""

import pytest

from stenowire.text import filters
from stenowire.types import Applied, TextOptions, Word

pytestmark = pytest.mark.unit


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(token.rstrip(".,"), 0, 0, token[len(token.rstrip(".,")) :]) for token in text.split())


def text(found: tuple[Word, ...]) -> str:
    return " ".join(word.text + word.mark for word in found)


def test_starred_words_keep_their_length_and_mark() -> None:
    found, stable = filters.apply(words("oh Damn, it"), 2, TextOptions(starred=("damn",)))
    assert (text(found), stable) == ("oh ****, it", 2)


def test_dropped_phrases_go_and_settled_words_are_counted_anew() -> None:
    found, stable = filters.apply(words("well you know it rains"), 4, TextOptions(dropped=("You know",)))
    assert (text(found), stable) == ("well it rains", 2)


def test_the_mark_of_a_dropped_word_passes_to_the_one_before() -> None:
    found, _ = filters.apply(words("go away now."), 3, TextOptions(dropped=("now",)))
    assert text(found) == "go away."


def test_a_settled_word_gets_no_mark_from_an_unsettled_dropped_one() -> None:
    found, stable = filters.apply(words("go away now."), 2, TextOptions(dropped=("now",)))
    assert (text(found), stable) == ("go away", 2)


def test_without_punctuation_no_mark_is_left() -> None:
    found, _ = filters.apply(words("So, it rains."), 0, TextOptions(punctuation=False))
    assert text(found) == "So it rains"


def applied(term: str, begin: int, before: str = "") -> Applied:
    return Applied(term=term, before=before, begin=begin, words=len(term.split()), means="sound")


def test_terms_are_counted_in_the_words_that_are_left() -> None:
    said, options = words("well um the Bulge Bracket banks"), TextOptions(dropped=("um",))
    assert filters.told((applied("Bulge Bracket", 3),), said, options) == (applied("Bulge Bracket", 2),)


def test_a_hidden_word_is_not_told_as_a_term_nor_as_what_stood_before() -> None:
    said = words("the Bulge Bracket banks of Siobhan")
    terms = applied("Bulge Bracket", 1, "bold bracket"), applied("Siobhan", 5, "shove on")
    assert filters.told(terms, said, TextOptions(starred=("bulge",))) == terms[1:]
    assert filters.told(terms, said, TextOptions(dropped=("siobhan",))) == terms[:1]
    unsaid = filters.told(terms, said, TextOptions(starred=("bold",)))
    assert [one.before for one in unsaid] == ["", "shove on"]
