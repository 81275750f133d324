import pytest

from biasing.lexicon import lexicon
from stenowire.biasing.candidates import BOUND, find, respellings
from stenowire.biasing.index import Index, build
from stenowire.biasing.terms import Term

pytestmark = pytest.mark.unit


def index(*terms: str) -> Index:
    return build([Term(term) for term in terms], lexicon())


def found(terms: tuple[str, ...], text: str) -> list[tuple[str, str]]:
    words, here = text.split(), index(*terms)
    return [(" ".join(words[c.begin : c.end]), here.terms[c.term].text) for c in find(here, words)]


def test_words_that_sound_like_a_term_are_found() -> None:
    assert found(("Bulge Bracket",), "the bulk bracket to rock")[0] == ("bulk bracket", "Bulge Bracket")


def test_what_sounds_the_same_has_no_distance() -> None:
    here = build([Term("Xtkq", sounds_like=("met four men",))], lexicon())
    (nearest, *_) = find(here, ["to", "met", "four", "men"])
    assert (nearest.begin, nearest.end, nearest.distance) == (1, 4, 0.0)


def test_other_words_are_left_alone() -> None:
    assert found(("Bulge Bracket",), "the table and the engine") == []


def test_whose_it_is_does_not_count_as_sound() -> None:
    (nearest, *_) = find(index("Bulge Bracket"), ["bulge", "bracket's"])
    assert nearest.distance == 0.0


def test_taken_words_are_not_looked_at() -> None:
    assert find(index("Bulge Bracket"), ["the", "bulk", "bracket"], frozenset({1, 2})) == []


def test_distances_are_within_bounds_and_come_nearest_first() -> None:
    distances = [
        c.distance for c in find(index("Bulge Bracket", "jacket", "idyll"), ["bulk", "jacket", "idols", "bracket"])
    ]
    assert distances == sorted(distances)
    assert all(0 <= distance <= BOUND for distance in distances)


@pytest.mark.parametrize("text", ["bulge bracket", "bulgebracket", "Bulge-Bracket", "bul ge bra cket"])
def test_case_and_spacing_are_no_difference(text: str) -> None:
    (candidate,) = respellings(index("Bulge Bracket"), text.split())
    assert (candidate.begin, candidate.end) == (0, len(text.split()))


def test_an_index_without_sounds_finds_spellings_only() -> None:
    assert find(index("北京"), ["the", "bulk", "bracket"]) == []


def test_the_first_of_two_equal_terms_counts() -> None:
    assert [term.text for term in index("Bulge Bracket", "BULGE BRACKET").terms] == ["Bulge Bracket"]
