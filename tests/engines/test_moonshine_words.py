"""Tokens to words: marks, times, and what the guards take out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stenowire.engines.moonshine.decode import Decoded
from stenowire.engines.moonshine.tokenizer import Tokenizer
from stenowire.engines.moonshine.words import FRAME_MS, split_mark, to_pieces
from stenowire.types import SESSION_RATE_HZ, Samples, Word

pytestmark = pytest.mark.engine

SPAN = 20
"""Frames that each token of these texts takes, 480 ms."""


@pytest.fixture(scope="session")
def tokenizer(moonshine_folder: Path) -> Tokenizer:
    return Tokenizer(moonshine_folder / "tokenizer.bin")


def listened(tokens: int, frames: int) -> Decoded:
    """Attention that walks evenly over the frames."""
    attention = np.full((tokens, frames), 0.1 / frames, np.float32)
    for i in range(tokens):
        attention[i, i * frames // tokens : (i + 1) * frames // tokens] += 0.9 * tokens / frames
    return Decoded([], [], attention)


def words(tokenizer: Tokenizer, text: str, score: float = -0.1) -> list[Word]:
    tokens = tokenizer.encode(text)
    frames = max(len(tokens), 1) * SPAN
    decoded = Decoded(tokens, [score] * len(tokens), listened(len(tokens), frames).attention)
    return [piece.word for piece in to_pieces(tokenizer, decoded, hum(frames))]


def hum(frames: int) -> Samples:
    return np.sin(np.arange(frames * 384)).astype(np.float32) * np.float32(0.1)


@pytest.mark.parametrize(
    ("raw", "text", "mark"),
    [
        ("gospel.", "gospel", "."),
        ("well...", "well", "..."),
        ("don't", "don't", ""),
        ("students'", "students'", ""),
        ("U.S.", "U.S", "."),
        ("3.5%", "3.5%", ""),
        ('"Succeeded",', "Succeeded", ","),
        ("$5,", "$5", ","),
        ("short,,", "short", ","),
        ("what?!", "what", "?!"),
        ("(laughs)", "(laughs", ")"),
        ("-", "", ""),
        ("♪", "", ""),
        ('"', "", ""),
    ],
)
def test_a_mark_follows_its_word(raw: str, text: str, mark: str) -> None:
    assert split_mark(raw) == (text, mark)


def test_a_sentence_reads_as_the_model_wrote_it(tokenizer: Tokenizer) -> None:
    text = "Mr. Quilter is the apostle of the middle classes, and we're glad to welcome his gospel!"
    assert " ".join(word.text + word.mark for word in words(tokenizer, text)) == text


def test_a_mark_is_not_part_of_the_time_of_its_word(tokenizer: Tokenizer) -> None:
    bare, marked = words(tokenizer, "yes no"), words(tokenizer, "yes, no")
    assert [word.mark for word in marked] == [",", ""]
    # The comma's 480 ms lie between the words.
    assert marked[1].begin_ms - bare[1].begin_ms == pytest.approx(SPAN * FRAME_MS, abs=FRAME_MS / 2)
    assert marked[0].begin_ms == bare[0].begin_ms


def test_silence_after_a_word_is_not_part_of_it(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("yes")
    decoded = Decoded(tokens, [-0.1], listened(1, 2 * SPAN).attention)
    clip = hum(2 * SPAN)
    clip[SPAN * 384 :] = 0.0
    (piece,) = to_pieces(tokenizer, decoded, clip)
    assert piece.word.end_ms == pytest.approx(SPAN * FRAME_MS, abs=2 * FRAME_MS)


def test_a_word_that_still_sounds_goes_on_into_its_mark(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("yes, no")
    clip = hum(4 * SPAN)
    clip[3 * SPAN * 384 // 2 : 2 * SPAN * 384] = 0.0
    clip[3 * SPAN * 384 :] = 0.0
    yes, no = to_pieces(tokenizer, Decoded(tokens, [-0.1] * 3, listened(3, 3 * SPAN).attention), clip)
    assert yes.word.end_ms == pytest.approx(1.5 * SPAN * FRAME_MS, abs=2 * FRAME_MS)
    assert no.word.begin_ms == pytest.approx(2 * SPAN * FRAME_MS, abs=2 * FRAME_MS)


def test_words_that_crowd_at_the_end_of_a_clip_stay_inside(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("yes yes yes")
    late = np.full((3, 20), 1e-4, np.float32)
    late[0] = 1 / 20
    late[1:, 18:] = 0.5
    pieces = to_pieces(tokenizer, Decoded(tokens, [-0.1] * 3, late), hum(20))
    ends = [piece.word.end_ms for piece in pieces]
    assert len(ends) == 3 and ends == sorted(set(ends)) and ends[-1] <= 20 * FRAME_MS


def test_lone_symbols_are_dropped_and_lone_marks_join_the_word_before(tokenizer: Tokenizer) -> None:
    assert [word.text + word.mark for word in words(tokenizer, "♪ Yes, I do ! ♪")] == ["Yes,", "I", "do!"]


def test_an_uncertain_text_is_less_confident(tokenizer: Tokenizer) -> None:
    sure, unsure = words(tokenizer, "good morning", -0.05), words(tokenizer, "good morning", -1.2)
    assert all(a.confidence is not None and a.confidence > 0.9 for a in sure)
    assert all(b.confidence is not None and b.confidence < 0.4 for b in unsure)


def test_attention_without_a_place_is_no_speech(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("Thank you for watching the show tonight.")
    nowhere = np.full((len(tokens), 200), 1 / 200, np.float32)
    assert to_pieces(tokenizer, Decoded(tokens, [-0.2] * len(tokens), nowhere), hum(200)) == []


@given(st.lists(st.sampled_from(["yes", "no,", "gospel.", "-", "Mr.", "25%"]), min_size=1, max_size=30), st.data())
@settings(max_examples=60, deadline=None)
def test_times_are_in_order_whatever_was_listened_to(
    tokenizer: Tokenizer, said: list[str], data: st.DataObject
) -> None:
    tokens = tokenizer.encode(" ".join(said))
    frames = data.draw(st.integers(min_value=20, max_value=200))
    seed = data.draw(st.integers(min_value=0, max_value=1000))
    attention = np.random.default_rng(seed).dirichlet(np.full(frames, 0.05), len(tokens)).astype(np.float32)
    clip = hum(frames)
    edge, end_ms = 0, len(clip) * 1000 // SESSION_RATE_HZ
    for piece in to_pieces(tokenizer, Decoded(tokens, [-0.1] * len(tokens), attention), clip):
        assert edge <= piece.word.begin_ms < piece.word.end_ms <= end_ms
        edge = piece.word.end_ms
