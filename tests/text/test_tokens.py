"""Counting the tokens of a context."""

import pytest

from stenowire.text.tokens import count_tokens

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("char", ["好", "な", "한", "𠮷"])
def test_five_east_asian_characters_count_as_three(char: str) -> None:
    assert [count_tokens(char * length) for length in (0, 1, 5, 6)] == [0, 1, 3, 4]


def test_five_other_characters_count_as_one() -> None:
    assert [count_tokens("x" * length) for length in (0, 1, 5, 6)] == [0, 1, 1, 2]


def test_both_kinds_add_up_before_rounding() -> None:
    assert count_tokens("harbour 港口") == 3
