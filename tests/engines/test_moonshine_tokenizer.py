"""Text to ids and back, as the model itself writes it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stenowire.engines.moonshine.tokenizer import BYTES, SPECIAL, Tokenizer

pytestmark = pytest.mark.engine


@pytest.fixture(scope="session")
def tokenizer(moonshine_folder: Path) -> Tokenizer:
    return Tokenizer(moonshine_folder / "tokenizer.bin")


def test_frequent_characters_are_encoded_with_their_later_id(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("Hello, world.")
    assert all(id >= BYTES for id in ids)
    assert [tokenizer.piece(id).decode() for id in ids] == ["▁Hello", ",", "▁world", "."]


def test_a_character_without_a_piece_becomes_its_bytes(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("🦉")
    assert [id - SPECIAL for id in ids[1:]] == list("🦉".encode())
    assert tokenizer.decode(ids) == "🦉"


def test_special_ids_and_placeholders_are_no_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([0, 1, 2, 32_000, 32_767]) == ""


def test_half_a_character_is_left_out(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("owl 🦉")[:-1]) == "owl"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_word_comes_back(tokenizer: Tokenizer, word: str) -> None:
    if "▁" not in word:
        assert tokenizer.decode(tokenizer.encode(word)) == word
