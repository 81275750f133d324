import pytest

from biasing.lexicon import WORDS
from stenowire.biasing.phones import CHARACTER
from stenowire.biasing.pronounce import COMPILED, DICTIONARY, SILENT, open_lexicon, parse

pytestmark = pytest.mark.unit

# Made up: each letter says one thing.
REGULAR = {"b": "B", "d": "D", "g": "G", "l": "L", "m": "M", "a": "AE", "e": "EH", "o": "AA", "u": "AH"}


def regular(word: str) -> str:
    return " ".join(REGULAR[letter] for letter in word)


def taught() -> str:
    syllables = [consonant + vowel for consonant in "bdglm" for vowel in "aeou"]
    words = [one + other for one in syllables for other in syllables]
    return "\n".join(f"{word} {regular(word)}" for word in words)


def test_what_letters_say_is_learnt_from_words() -> None:
    lexicon = parse(taught())
    for word in ("badogu", "lemudamo", "golebu"):
        assert lexicon.say(word)[0] == "".join(CHARACTER[name] for name in regular(word).split())


def test_the_usual_pronunciation_comes_first() -> None:
    assert parse(WORDS).say("a") == (CHARACTER["AH"], CHARACTER["EY"])


def test_what_was_learnt_is_kept_beside_the_dictionary(tmp_path) -> None:
    (tmp_path / DICTIONARY).write_text(taught(), encoding="latin-1")
    first = open_lexicon(tmp_path)
    (tmp_path / DICTIONARY).unlink()
    again = open_lexicon(tmp_path)
    for word in ("baba", "lemudamo"):
        assert again.say(word) == first.say(word) != ()


def test_a_damaged_copy_is_learnt_anew(tmp_path) -> None:
    (tmp_path / DICTIONARY).write_text(taught(), encoding="latin-1")
    (tmp_path / COMPILED).write_bytes(b"half of it")
    assert open_lexicon(tmp_path).say("baba")
    assert open_lexicon(tmp_path).say("lemudamo")


def test_an_empty_lexicon_says_nothing() -> None:
    assert SILENT.say("baba") == ()
