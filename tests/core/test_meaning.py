"""A sentence ends by meaning only where settled words say so."""

import pytest

from stenowire.core.meaning import sentence_border
from stenowire.core.stabilizer import Shown
from stenowire.types import Word

pytestmark = pytest.mark.unit


def shown(text: str, stable: int) -> Shown:
    words = []
    for index, token in enumerate(text.split()):
        bare = token.rstrip(".?!,")
        words.append(Word(bare, index * 500, index * 500 + 400, token[len(bare) :]))
    return Shown(tuple(words), stable)


def test_a_settled_stop_with_settled_words_behind_it_ends_a_sentence() -> None:
    assert sentence_border(shown("that was all. now we go on", 5)) == 1450


def test_a_stop_at_the_edge_does_not() -> None:
    assert sentence_border(shown("that was all. now we go on", 4)) is None


def test_a_comma_does_not() -> None:
    assert sentence_border(shown("that was all, now we go on", 6)) is None


def test_a_title_does_not() -> None:
    assert sentence_border(shown("Mr. Quilter is the apostle", 5)) is None


def test_the_last_of_several_stops_is_taken() -> None:
    assert sentence_border(shown("one two three. four five six. seven eight nine", 9)) == 2950
