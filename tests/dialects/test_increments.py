"""Text that only grows: nothing that was sent is taken back, and nothing is lost that could be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialects.frames import sentences
from stenowire.dialects.increments import Increments
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit


def said(*tokens: str, stable: int) -> Sentence:
    """One word every 100 ms; a mark is what is not a letter."""
    words = []
    for index, token in enumerate(tokens):
        text = token.rstrip(",.?")
        words.append(Word(text, 100 * index, 100 * index + 100, token[len(text) :]))
    return Sentence(1, 0, None, tuple(words), stable, False)


def test_only_settled_words_are_told() -> None:
    told = Increments()
    assert [told.grow(said("it", "was", "the", stable=count)) for count in (0, 1, 1, 3)] == ["", "it", "", " was the"]


def test_the_mark_behind_the_last_settled_word_is_kept_back_until_it_is_sure() -> None:
    told = Increments()
    assert told.grow(said("times.", stable=1)) == "times"
    assert told.grow(said("times,", "it", stable=2)) == ", it"
    assert told.rest("times, it was.") == " was."


def test_a_transcript_that_contradicts_what_was_told_has_no_rest() -> None:
    told = Increments()
    told.grow(said("wreck", "a", stable=2))
    assert told.rest("recognise speech") == ""


def test_words_after_a_contradiction_are_still_told() -> None:
    told = Increments()
    told.grow(said("to", "be", stable=2))
    assert told.grow(said("two", "bees", "or", stable=3)) == " or"
    assert told.grow(said("two", "bees", "or", "not", stable=4)) == " not"
    assert told.sent == "to be or not"


@given(sentences(final=True), st.data())
def test_pieces_of_a_sentence_that_settles_join_to_its_transcript(sentence: Sentence, data: st.DataObject) -> None:
    told, pieces, stable = Increments(), [], 0
    for _ in range(4):
        stable = data.draw(st.integers(stable, len(sentence.words)))
        pieces.append(told.grow(replace(sentence, stable=stable, final=False)))
    assert "".join(pieces) == told.sent
    assert "".join([*pieces, told.rest(sentence.text)]) == sentence.text


@given(st.lists(sentences(final=False), max_size=6), sentences(final=True))
def test_whatever_is_said_in_between_nothing_is_told_twice_or_taken_back(
    interims: list[Sentence], final: Sentence
) -> None:
    told = Increments()
    joined = ""
    for interim in interims:
        joined += told.grow(interim)
        assert told.sent == joined
    assert (joined + told.rest(final.text) == final.text) == final.text.startswith(joined)
