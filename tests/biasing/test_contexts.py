import pytest

from biasing.lexicon import lexicon
from stenowire.biasing.contexts import KEPT, Contexts
from stenowire.types import Hint, HotWord

pytestmark = pytest.mark.unit


@pytest.fixture
def contexts() -> Contexts:
    return Contexts(lexicon(), len)


@pytest.mark.parametrize("hint", [Hint(), Hint(language="en"), Hint(context=" \n "), Hint(context="the the to")])
def test_a_hint_that_names_nothing_has_no_index(contexts: Contexts, hint: Hint) -> None:
    assert contexts.index(hint) is None


def test_an_index_is_made_once_for_equal_hints(contexts: Contexts) -> None:
    first = contexts.index(Hint(hotwords=(HotWord("Bulge Bracket"),), before="one"))
    assert first is contexts.index(Hint(hotwords=(HotWord("Bulge Bracket"),), before="another"))


def test_other_weights_make_another_index(contexts: Contexts) -> None:
    assert contexts.index(Hint(hotwords=(HotWord("table"),))) is not contexts.index(
        Hint(hotwords=(HotWord("table", weight=5),))
    )


def test_hot_words_and_context_are_one_list(contexts: Contexts) -> None:
    index = contexts.index(Hint(hotwords=(HotWord("jacket"),), context="Bulge Bracket, Idyll Rock"))
    assert index is not None
    assert {(term.text, term.source) for term in index.terms} == {
        ("jacket", "hotword"),
        ("Bulge Bracket", "context"),
        ("Idyll Rock", "context"),
    }


def test_old_indices_are_forgotten(contexts: Contexts) -> None:
    hints = [
        Hint(hotwords=(HotWord("table", weight=5, lang=None, sounds_like=("a" * (i + 1),)),)) for i in range(KEPT + 1)
    ]
    first = contexts.index(hints[0])
    for hint in hints[1:]:
        contexts.index(hint)
    assert contexts.index(hints[0]) is not first
