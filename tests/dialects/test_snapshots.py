"""What is shown of an open sentence: the settled part only grows, and both parts read as the sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dialects.frames import sentences
from stenowire.dialects.snapshots import Snapshot, snapshot
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit


def sentence(text: str, stable: int) -> Sentence:
    """A word each 100 ms."""
    said = tuple(Word(word, 100 * index, 100 * index + 90) for index, word in enumerate(text.split()))
    return Sentence(1, 0, None, said, stable, False)


def shown(*steps: tuple[str, int]) -> Snapshot:
    last = Snapshot()
    for text, stable in steps:
        last = snapshot(sentence(text, stable), last)
    return last


@given(st.lists(sentences(final=False), max_size=6))
def test_what_is_settled_stays_whatever_the_session_says(said: list[Sentence]) -> None:
    last = Snapshot()
    for each in said:
        now = snapshot(each, last)
        assert now.text.startswith(last.text)
        last = now


@given(sentences(final=False), st.data())
def test_text_and_stash_read_as_the_sentence(first: Sentence, data: st.DataObject) -> None:
    """As long as the session keeps what it called settled, which is what a session does within an utterance."""
    last = snapshot(first, Snapshot())
    assert last.text + last.stash == first.text
    kept = first.words[: first.stable]
    added = data.draw(sentences(final=False)).words
    words = kept + added
    stable = data.draw(st.integers(0, len(words)))
    now = replace(first, words=words, stable=stable)
    following = snapshot(now, last)
    assert following.text + following.stash == now.text
    assert len(following.text) >= len(last.text)


def test_the_last_words_may_be_rewritten_until_they_settle() -> None:
    assert shown(("the weather two", 2)) == Snapshot("the weather", " two", 190)
    assert shown(("the weather two", 2), ("the weather today is", 3)) == Snapshot("the weather today", " is", 290)


def test_without_any_settled_word_all_is_stash() -> None:
    assert shown(("the weather", 0)) == Snapshot("", "the weather", 0)


def test_words_behind_a_contradiction_are_shown_all_the_same() -> None:
    last = shown(("one two three", 2), ("won too three four", 2))
    assert last.text + last.stash == "one two three four"


def test_nothing_behind_a_contradiction_leaves_what_was_settled() -> None:
    assert shown(("one two", 2), ("won", 1)) == Snapshot("one two", "", 190)
