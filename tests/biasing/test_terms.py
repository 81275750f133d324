import random
import string

import pytest

from stenowire.biasing.terms import MOST_TERMS, Term, fits, from_hotwords, mine
from stenowire.types import HotWord

pytestmark = pytest.mark.unit

ORDINARY = frozenset(
    [
        "the",
        "recent",
        "spring",
        "friends",
        "asked",
        "what",
        "exactly",
        "is",
        "an",
        "bank",
        "domestic",
        "firms",
        "middle",
        "market",
        "large",
    ]
)


def pieces(word: str) -> int:
    return 1 if word.lower() in ORDINARY else -(-len(word) // 3)


def mined(context: str) -> list[str]:
    return [term.text for term in mine(context, pieces, ORDINARY.__contains__)]


@pytest.mark.parametrize(
    "context",
    [
        "Bulge Bracket, Boutique, Middle Market",
        "Bulge Bracket; Boutique; Middle Market;",
        "Bulge Bracket\nBoutique\nMiddle Market\n",
        "Bulge Bracket\tBoutique\tMiddle Market",
        "Bulge Bracket，Boutique、Middle Market",
        "['Bulge Bracket', 'Boutique', 'Middle Market']",
        '["Bulge Bracket", "Boutique", "Middle Market"]',
        '[\n  "Bulge Bracket",\n  "Boutique",\n  "Middle Market"\n]',
        "- Bulge Bracket\n- Boutique\n- Middle Market",
        "1. Bulge Bracket\n2. Boutique\n3) Middle Market",
        "• Bulge Bracket • Boutique • Middle Market",
        "Bulge Bracket | Boutique | Middle Market",
    ],
)
def test_a_list_is_read_whatever_separates_it(context: str) -> None:
    assert set(mined(context)) == {"Bulge Bracket", "Boutique", "Middle Market"}


def test_words_without_borders_give_their_neighbours_too() -> None:
    assert {"Bulge Bracket", "Middle Market", "Boutique"} <= set(
        mined("Bulge Bracket Boutique Middle Market domestic firms")
    )


def test_prose_gives_its_names_and_not_its_words() -> None:
    text = (
        "What exactly is an investment bank? The Bulge Bracket is large, and so is OpenAI or the BB of Goldman Sachs."
    )
    found = mined(text)
    assert {"Bulge Bracket", "OpenAI", "BB", "Goldman Sachs"} <= set(found)
    assert not {"What", "The", "bank", "large", "exactly"} & set(found)


def test_names_among_prose_are_taken_and_so_are_those_around_them() -> None:
    text = "The large firms of the market.\nWang Haoxuan, Li Zihan, Zhang Jingxing,\nThe bank is a Bulge Bracket one."
    assert {"Wang Haoxuan", "Li Zihan", "Zhang Jingxing", "Bulge Bracket"} <= set(mined(text))


def test_ordinary_words_are_no_terms() -> None:
    assert mined("bank, firms, middle") == []


def test_garbage_is_bounded_and_nothing_unsayable_comes_of_it() -> None:
    chance = random.Random(4)
    found = mined("".join(chance.choice(string.printable) for _ in range(5000)))
    assert all(any(character.isalpha() for character in text) for text in found)
    assert len(found) < 100


def test_thousands_of_names_are_capped() -> None:
    names = ", ".join(
        f"Smith{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}er Jonesen" for i in range(6000)
    )
    assert len(mined(names)) == MOST_TERMS


def test_a_term_says_in_which_line_it_stood() -> None:
    assert mine("The bank is large.\nBulge Bracket, Boutique", pieces)[0].line == 2


def test_hot_words_come_as_they_are() -> None:
    word = HotWord("  table   top ", weight=5, sounds_like=("tabel top",))
    assert from_hotwords([word], None) == [Term("table top", 5, "hotword", ("tabel top",))]


@pytest.mark.parametrize(
    ("lang", "language", "fitting"),
    [(None, "en", True), ("en", None, True), ("en", "en-US", True), ("zh", "en", False), ("zh", "auto", True)],
)
def test_an_entry_of_another_language_waits(lang: str | None, language: str | None, fitting: bool) -> None:
    assert fits(lang, language) is fitting
    assert bool(from_hotwords([HotWord("Bracket", lang=lang)], language)) is fitting
