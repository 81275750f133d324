import pytest

from stenowire.biasing.rewrite import replaced, text_of
from stenowire.types import Word

pytestmark = pytest.mark.unit


def words(text: str) -> list[Word]:
    return [
        Word(word.rstrip(".,?"), 500 * i, 500 * i + 400, word[len(word.rstrip(".,?")) :], 0.9)
        for i, word in enumerate(text.split())
    ]


def test_the_time_of_the_old_words_is_dealt_out_by_letters() -> None:
    new = replaced(words("the bird rock banks"), 1, 3, "Bulge Bracket")
    assert [(w.text, w.begin_ms, w.end_ms) for w in new] == [("Bulge", 500, 875), ("Bracket", 875, 1400)]


def test_the_last_mark_stays() -> None:
    assert text_of(replaced(words("bird rock, banks"), 0, 2, "Bulge Bracket")) == "Bulge Bracket,"


def test_a_sentence_still_begins_with_a_capital() -> None:
    assert text_of(replaced(words("Met four men. Met four men"), 3, 6, "metformin")) == "Metformin"
    assert text_of(replaced(words("He met four men"), 1, 4, "metformin")) == "metformin"


def test_a_term_of_its_own_shape_keeps_it() -> None:
    assert text_of(replaced(words("Eye phone"), 0, 2, "iPhone")) == "iPhone"


def test_the_least_sure_word_says_how_sure_the_new_ones_are() -> None:
    two = [Word("bird", 0, 10, "", 0.9), Word("rock", 10, 20, "", 0.4)]
    assert {word.confidence for word in replaced(two, 0, 2, "Bulge Bracket")} == {0.4}
