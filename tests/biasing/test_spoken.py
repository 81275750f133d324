import pytest

from biasing.lexicon import lexicon
from stenowire.biasing.phones import ARPABET, CHARACTER, parted
from stenowire.biasing.spoken import MOST, pronounce
from stenowire.biasing.terms import Term

pytestmark = pytest.mark.unit

NAMES = {CHARACTER[name]: name for name in ARPABET}


def said(text: str, *sounds_like: str) -> list[str]:
    (found,) = pronounce([Term(text, sounds_like=sounds_like)], lexicon())
    return [" ".join(NAMES[phone] for phone in phones) for phones in found]


def test_words_are_said_as_the_dictionary_says() -> None:
    assert said("Bulge Bracket") == ["B AH L JH B R AE K AH T"]


def test_letters_in_capitals_are_named() -> None:
    assert said("GPT") == ["JH IY P IY T IY"]


def test_camel_case_is_taken_apart() -> None:
    assert said("PyTorch") == ["P AY T AO R CH"]


def test_a_number_is_read_out() -> None:
    assert said("GPT-4") == ["JH IY P IY T IY F AO R"]


def test_a_dot_may_be_said_or_not() -> None:
    assert said("Node.js") == ["N OW D D AA T JH EY EH S", "N OW D JH EY EH S"]


def test_what_a_term_sounds_like_comes_first() -> None:
    assert said("Xbx", "engine x")[0].startswith("EH N JH AH N")


def test_a_term_in_another_script_is_not_said() -> None:
    assert said("北京") == []


def test_a_term_has_few_pronunciations() -> None:
    assert len(said("a a a a a")) <= MOST


def test_foreign_spelling_is_also_read_as_english_would_write_it() -> None:
    (found,) = pronounce([Term("Schoeffel")], lexicon())
    (english,) = pronounce([Term("shoffel")], lexicon())
    assert english[0] in found


def test_a_vowel_with_an_r_is_near_the_same_r_after_another_vowel() -> None:
    one, other = (parted("".join(CHARACTER[name] for name in names.split())) for names in ("W ER", "W AO R"))
    assert len(one) == len(other) == 3 and one[0] == other[0] and one[2] == other[2]
