"""The anchor moves, the settled words stay."""

import numpy as np
import pytest

from stenowire.engines.moonshine.network import Sound
from stenowire.engines.moonshine.shape import ROW_HOPS, ROW_SAMPLES
from stenowire.engines.moonshine.stream import MAX_WINDOW, WINDOW, Stream
from stenowire.engines.moonshine.words import Piece
from stenowire.types import SESSION_RATE_HZ, Word

pytestmark = pytest.mark.unit

TOKENS = 2
"""Per word, in these tests."""


def said(*texts: str, first_ms: int = 0, each_ms: int = 1000) -> tuple[list[int], list[Piece]]:
    """Words of two tokens, one a second; token ids tell word and place."""
    pieces = [
        Piece(Word(text, first_ms + i * each_ms, first_ms + (i + 1) * each_ms - 100), i * TOKENS, (i + 1) * TOKENS)
        for i, text in enumerate(texts)
    ]
    return [100 * i + j for i in range(len(texts)) for j in range(TOKENS)], pieces


def seconds(value: float) -> int:
    return int(value * SESSION_RATE_HZ)


def texts(stream: Stream) -> str:
    return " ".join(word.text for word in stream.words)


def test_a_short_clip_is_heard_from_its_beginning() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c", "d"))
    stream.advance(2, WINDOW)
    assert stream.anchor == 0 and stream.carried == ()


def test_the_anchor_moves_before_the_last_settled_word_that_leaves_a_window() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c", "d", "e", "f", "g", "h"))
    stream.advance(6, WINDOW + seconds(3))
    # "d" begins 3 s after the beginning, and "c" ended 100 ms before.
    assert stream.anchor == seconds(2.95) // ROW_SAMPLES * ROW_SAMPLES
    assert [word.text for word in stream.carried] == ["a", "b", "c"]
    assert stream.tokens == said("a", "b", "c", "d", "e", "f", "g", "h")[0][3 * TOKENS :]
    assert stream.settled_tokens(6) == 3 * TOKENS
    assert texts(stream) == "a b c d e f g h"


def test_what_was_computed_moves_with_the_anchor() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c", "d", "e", "f", "g", "h"))
    rows = np.arange(1000, dtype=np.float32)
    stream.sound = Sound(rows[:, None], np.repeat(rows, ROW_HOPS), np.repeat(rows, ROW_HOPS))
    stream.advance(6, WINDOW + seconds(3))
    first = stream.anchor / ROW_SAMPLES
    assert stream.sound.rows[0, 0] == stream.sound.sums[0] == stream.sound.squares[0] == first


def test_without_settled_words_the_window_grows() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c", "d", "e", "f", "g", "h"))
    stream.advance(0, WINDOW + seconds(4))
    assert stream.anchor == 0


def test_beyond_what_the_model_bears_any_word_will_do() -> None:
    stream = Stream()
    stream.take(0, *said(*"abcdefghijklmnop"))
    stream.advance(0, MAX_WINDOW + seconds(1))
    assert 0 < stream.anchor <= MAX_WINDOW + seconds(1) - WINDOW
    assert texts(stream) == "a b c d e f g h i j k l m n o p"


def test_beyond_what_the_model_bears_silence_is_left_behind() -> None:
    stream = Stream()
    stream.advance(0, MAX_WINDOW + seconds(1))
    assert stream.anchor == (MAX_WINDOW + seconds(1) - WINDOW) // ROW_SAMPLES * ROW_SAMPLES


def test_settled_words_keep_their_times_and_marks() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c"))
    before = stream.words[:2]
    tokens, pieces = said("a", "b", "x", "y", first_ms=300)
    stream.take(2, tokens, pieces)
    assert stream.words[:2] == before
    assert texts(stream) == "a b x y"


def test_a_new_word_begins_after_the_settled_ones() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b"))
    tokens, pieces = said("a", "b", "c", "d", each_ms=500)
    stream.take(2, tokens, pieces)
    edge = 0
    for word in stream.words:
        assert edge <= word.begin_ms < word.end_ms
        edge = word.end_ms


def test_what_lengthens_a_settled_word_is_not_shown() -> None:
    stream = Stream()
    stream.take(0, *said("help", "me"))
    # The model goes on with "ful" where "help" was settled: one word of three tokens, then another.
    pieces = [Piece(Word("helpful", 0, 900), 0, 3), Piece(Word("man", 1000, 1900), 3, 5)]
    stream.take(1, [0, 1, 7, 8, 9], pieces)
    assert texts(stream) == "help man"


def test_a_cleared_stream_is_as_new() -> None:
    stream = Stream()
    stream.take(0, *said("a", "b", "c", "d", "e", "f", "g", "h"))
    stream.advance(6, WINDOW + seconds(3))
    stream.clear()
    assert (stream.anchor, stream.words, stream.tokens) == (0, (), [])
