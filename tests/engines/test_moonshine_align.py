"""Spans of tokens and words over frames, and which frames sound."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stenowire.engines.moonshine.align import FLOOR, LOUD_COST, QUIET_COST, focus, token_spans, word_spans
from stenowire.engines.moonshine.edges import sounding
from stenowire.engines.moonshine.shape import FRAME_SAMPLES
from stenowire.types import SESSION_RATE_HZ, Samples

pytestmark = pytest.mark.unit


def attention(tokens: int, frames: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).dirichlet(np.full(frames, 0.3), tokens).astype(np.float32)


def cost(matrix: NDArray[np.float32], edges: tuple[int, ...]) -> float:
    logs = -np.log(np.maximum(matrix, FLOOR)).astype(np.float64)
    return float(sum(logs[i, begin:end].sum() for i, (begin, end) in enumerate(itertools.pairwise(edges))))


@given(st.integers(1, 4), st.integers(0, 5), st.integers(0, 10_000))
@settings(deadline=None)
def test_the_path_is_the_cheapest_of_all(tokens: int, more: int, seed: int) -> None:
    frames = tokens + more
    matrix = attention(tokens, frames, seed)
    spans = token_spans(matrix)
    inner = itertools.combinations(range(1, frames), tokens - 1)
    cheapest = min(cost(matrix, (0, *cuts, frames)) for cuts in inner)
    found = (0, *(int(end) for end in spans[:, 1]))
    assert cost(matrix, found) == pytest.approx(cheapest)


@given(st.integers(0, 40), st.integers(1, 60), st.integers(0, 10_000))
@settings(deadline=None)
def test_spans_follow_each_other_and_cover_all_frames(tokens: int, frames: int, seed: int) -> None:
    spans = token_spans(attention(tokens, frames, seed))
    assert spans.shape == (tokens, 2)
    if tokens:
        assert spans[0, 0] == 0 and spans[-1, 1] == frames
        assert (spans[1:, 0] == spans[:-1, 1]).all()
    if 0 < tokens <= frames:
        assert (spans[:, 1] > spans[:, 0]).all()


def test_focus_tells_a_walk_from_a_blur() -> None:
    walk = np.kron(np.eye(5), np.full((1, 10), 0.1)).astype(np.float32)
    blur = np.full((5, 50), 1 / 50, np.float32)
    assert focus(walk, token_spans(walk)) == pytest.approx(1.0, abs=1e-5)
    assert focus(blur, token_spans(blur)) == pytest.approx(0.2, abs=1e-5)


def walk(*frames: int, told: float = 0.9) -> NDArray[np.float32]:
    """Tokens that listen to so many frames each, one after the other; the rest of their attention is everywhere."""
    edges = np.cumsum([0, *frames])
    matrix = np.full((len(frames), edges[-1]), (1 - told) / edges[-1], np.float32)
    for token, (begin, end) in enumerate(itertools.pairwise(edges)):
        matrix[token, begin:end] += told / (end - begin)
    return matrix


def placed(matrix: NDArray[np.float32], words: list[tuple[int, int]], sure: NDArray[np.float64]) -> NDArray[np.float64]:
    return word_spans(matrix, token_spans(matrix), words, sure)


def paths(frames: int) -> Iterator[tuple[int, int, int, int]]:
    """Begin and end of two words: every way in which they fit, with pauses of any length."""
    places = itertools.combinations_with_replacement(range(frames + 1), 4)
    return (place for place in places if place[0] < place[1] and place[2] < place[3])


@given(st.integers(2, 7), st.integers(0, 10_000))
@settings(deadline=None)
def test_half_of_all_paths_begin_a_word_before_its_place_and_half_behind(frames: int, seed: int) -> None:
    matrix, sure = attention(2, frames, seed), np.random.default_rng(seed).uniform(0, 1, frames)
    found = placed(matrix, [(0, 1), (1, 2)], sure).reshape(4)
    pauses = np.concatenate([[0], np.cumsum(QUIET_COST + (LOUD_COST - QUIET_COST) * sure)])
    tokens = np.pad(np.cumsum(-np.log(np.maximum(matrix, FLOOR)).astype(np.float64), axis=1), ((0, 0), (1, 0)))
    masses = np.zeros((4, frames + 1))
    for a, b, c, d in paths(frames):
        nats = tokens[0, b] - tokens[0, a] + tokens[1, d] - tokens[1, c]
        nats += pauses[a] + pauses[c] - pauses[b] + pauses[frames] - pauses[d]
        masses[range(4), [a, b, c, d]] += np.exp(-nats)
    for place, mass in zip(found, masses / masses.sum(axis=1, keepdims=True), strict=True):
        # A place is as wide as a frame, and its mass evenly spread over it.
        before = mass[: int(place + 0.5)].sum() + mass[int(place + 0.5)] * (place + 0.5 - int(place + 0.5))
        assert before == pytest.approx(0.5, abs=1e-6)


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 10_000))
@settings(deadline=None)
def test_words_follow_each_other(tokens: int, more: int, seed: int) -> None:
    matrix, sure = attention(tokens, tokens + more, seed), np.random.default_rng(seed).uniform(0, 1, tokens + more)
    cuts = [0, *(i for i in range(1, tokens) if seed >> i & 1), tokens]
    edges = placed(matrix, list(itertools.pairwise(cuts)), sure).reshape(-1)
    assert edges[0] >= 0 and edges[-1] <= tokens + more
    assert (np.diff(edges) >= -1e-9).all()


def test_words_that_are_listened_to_one_after_the_other_meet_there() -> None:
    assert placed(walk(10, 15, 12), [(0, 1), (1, 2), (2, 3)], np.ones(37)) == pytest.approx(
        np.array([[0, 10], [10, 25], [25, 37]]), abs=0.5
    )


def test_a_word_of_several_tokens_is_one() -> None:
    assert placed(walk(10, 15, 12), [(0, 2), (2, 3)], np.ones(37)) == pytest.approx(
        np.array([[0, 25], [25, 37]]), abs=0.5
    )


def test_silence_belongs_to_no_word_whichever_listened_to_it() -> None:
    sure = np.repeat([1.0, 0.0, 1.0], [10, 12, 15])
    for matrix in (walk(10, 27), walk(22, 15), walk(16, 21)):
        assert placed(matrix, [(0, 1), (1, 2)], sure) == pytest.approx(np.array([[0, 10], [22, 37]]), abs=1)


def test_a_mark_is_a_pause_though_it_sounds() -> None:
    (_, end), (begin, _) = placed(walk(10, 4, 12), [(0, 1), (2, 3)], np.repeat([1.0, 0.3, 1.0], [10, 4, 12]))
    assert (end, begin) == pytest.approx((10, 14), abs=1)


def test_what_is_nearly_as_good_moves_a_word_little() -> None:
    """Two places where the second word may begin, 12 frames apart: a hair decides which is on the best path."""
    places = []
    for hair in (-0.01, 0.01):
        matrix = np.full((2, 40), FLOOR, np.float32)
        matrix[0, :14] = matrix[1, 26:] = 0.05
        matrix[0, 14:26], matrix[1, 14:26] = 0.02 + hair / 10, 0.02 - hair / 10
        spans = token_spans(matrix)
        places.append((spans[1, 0], word_spans(matrix, spans, [(0, 1), (1, 2)], np.ones(40))[1, 0]))
    (best, middle), (other_best, other_middle) = places
    assert abs(best - other_best) == 12
    assert abs(middle - other_middle) < 6


def test_a_text_without_words_and_one_too_long_for_its_clip_have_places_too() -> None:
    assert placed(walk(10), [], np.ones(10)).shape == (0, 2)
    assert placed(attention(8, 4, 1), [(0, 4), (4, 8)], np.ones(4)).tolist() == [[0, 2], [2, 4]]


def noise(*levels_db: float) -> Samples:
    """Noise of so many dB below full scale, ten frames of each."""
    gains = 10 ** (np.repeat(levels_db, 10 * FRAME_SAMPLES) / 20)
    return (np.random.default_rng(1).normal(0, 1, len(gains)) * gains).astype(np.float32)


def test_loud_frames_sound_and_quiet_ones_do_not() -> None:
    sure = sounding(noise(-70, -20, -70), 30)
    assert (sure[9:21] == 1).all()
    assert (sure[:9] == 0).all() and (sure[21:] == 0).all()


def test_between_loud_and_quiet_a_frame_sounds_more_or_less_surely() -> None:
    sure = sounding(noise(-70, -20, -55, -50, -45), 50)
    soft = [float(np.median(sure[begin : begin + 8])) for begin in (21, 31, 41)]
    assert 0 < soft[0] < soft[1] < soft[2] < 1


def test_hum_is_no_sound() -> None:
    clip = noise(-70, -25, -70)
    hum = 0.05 * np.sin(2 * np.pi * 50 / SESSION_RATE_HZ * np.arange(len(clip))).astype(np.float32)
    assert np.median(sounding(clip + hum, 30)[:9]) < 0.1


def test_frames_count_from_the_first_that_is_asked_for_and_none_sounds_behind_the_end() -> None:
    clip = noise(-70, -20)
    assert (sounding(clip, 20, 2)[:18] == sounding(clip, 20)[2:]).all()
    assert (sounding(clip, 25)[21:] == 0).all()
    assert sounding(clip[:0], 5).tolist() == [0, 0, 0, 0, 0]
