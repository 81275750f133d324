"""Loops, limits and invented texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.engines.moonshine.guards import is_invented, loop_start, token_cap
from stenowire.types import SESSION_RATE_HZ

pytestmark = pytest.mark.unit


def test_a_loop_ends_where_its_second_turn_begins() -> None:
    tokens = [5, 6, *[7, 8, 9, 10] * 3]
    assert loop_start(tokens) == 6


def test_a_word_said_four_times_is_no_loop() -> None:
    assert loop_start([3, 4, 4, 4, 4]) is None


def test_one_token_for_ever_is_a_loop() -> None:
    tokens = [9]
    while loop_start(tokens) is None:
        tokens.append(4)
        assert len(tokens) < 20
    assert loop_start(tokens) == 2


@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 50), min_size=1, max_size=24))
def test_every_phrase_that_never_ends_is_found(said: list[int], phrase: list[int]) -> None:
    tokens = list(said)
    for token in phrase * 12:
        tokens.append(token)
        if (at := loop_start(tokens)) is not None:
            assert 0 < at < len(tokens)
            return
    raise AssertionError("the loop went on")


@given(st.integers(0, 30 * SESSION_RATE_HZ))
def test_the_limit_grows_with_the_clip_and_is_bounded(samples: int) -> None:
    assert 4 <= token_cap(samples) <= token_cap(samples + SESSION_RATE_HZ) <= 256


def test_fast_talk_fits_under_the_limit() -> None:
    # The fastest recording, 5.9 tokens a second, sped up by 1.5.
    assert token_cap(2 * SESSION_RATE_HZ) > 2 * 5.9 * 1.5


@pytest.mark.parametrize(
    ("text", "score", "focus", "invented"),
    [
        ("Thank you for watching.", -0.4, 0.24, True),
        ("Thank you for watching.", -0.1, 0.6, False),
        ("Thank you.", -0.9, 0.49, True),
        ("Thank you.", -0.1, 0.7, False),
        ("You", -0.1, 1.0, True),
        ("You?", -0.2, 0.9, False),
        ("Be little,", -0.76, 0.76, False),
        ("Something at random", -2.4, 0.6, True),
        ("Nine, nine, six, zero, three, zero, eight, two.", -0.16, 0.3, False),
        ("Nine, nine, six, zero, three, zero, eight, two.", -0.4, 0.3, True),
    ],
)
def test_stock_phrases_are_believed_only_when_they_were_heard(
    text: str, score: float, focus: float, invented: bool
) -> None:
    assert is_invented(text, score, focus) is invented
