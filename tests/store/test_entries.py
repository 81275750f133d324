"""What may stand in a list of hot words."""

import pytest

from stenowire.errors import InvalidParameter
from stenowire.store.entries import Entry, check_entries, check_prefix, hot_words
from stenowire.types import HotWord

pytestmark = pytest.mark.unit


def fault(*texts: str, most: int = 500) -> str | None:
    try:
        check_entries([Entry(text=text, weight=4) for text in texts], most, "input.vocabulary")
    except InvalidParameter as error:
        return error.param
    return None


@pytest.mark.parametrize("text", ["a b c d e f g", "x" * 256, "吴贻弓吴贻弓吴贻弓吴贻弓吴贻弓", "Café au lait ok"])
def test_the_longest_entries_are_taken(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a b c d e f g h",
        "x" * 257,
        "吴贻弓吴贻弓吴贻弓吴贻弓吴贻弓吴",
        "Café au lait oui",
        "",
        " ",
        "a\x1b[31m",
        "a\nb",
    ],
)
def test_a_longer_empty_or_unprintable_entry_is_named(text: str) -> None:
    assert fault("good", text) == "input.vocabulary[1].text"


def test_a_list_has_at_least_one_entry_and_at_most_its_limit() -> None:
    assert fault() == "input.vocabulary"
    assert fault("a", "b", most=2) is None
    assert fault("a", "b", "c", most=2) == "input.vocabulary"


@pytest.mark.parametrize("prefix", ["", "A", "a-b", "abcdefghijk", "ä"])
def test_a_prefix_is_short_and_plain(prefix: str) -> None:
    check_prefix("abc0123456", "p")
    with pytest.raises(InvalidParameter, match=r"^p: "):
        check_prefix(prefix, "p")


def test_hot_words_keep_weight_language_and_sounds() -> None:
    entries = [
        Entry(text=" Siobhan ", weight=5, lang="en", sounds_like="shivawn"),
        Entry(text="Nginx", weight=1, sounds_like=["engine x", "en jinx"]),
    ]
    assert hot_words(entries) == (
        HotWord("Siobhan", 5, "en", ("shivawn",)),
        HotWord("Nginx", 1, None, ("engine x", "en jinx")),
    )
