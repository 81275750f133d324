"""Spans of tokens over frames, and the edges of sound."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stenowire.engines.moonshine.align import FLOOR, focus, token_spans
from stenowire.engines.moonshine.edges import Edges
from stenowire.engines.moonshine.shape import FRAME_SAMPLES

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


def loud_between(begin: int, end: int, frames: int = 60) -> Edges:
    clip = np.random.default_rng(1).normal(0, 1e-4, frames * FRAME_SAMPLES).astype(np.float32)
    clip[begin * FRAME_SAMPLES : end * FRAME_SAMPLES] += np.float32(0.2)
    return Edges(clip)


def test_silence_at_the_edges_of_a_word_is_cut_off() -> None:
    assert loud_between(20, 30).trim(5, 45, 45) == (19, 31)


def test_a_short_quiet_place_belongs_to_the_word() -> None:
    assert loud_between(20, 30).trim(18, 32, 32) == (18, 32)


def test_a_word_that_still_sounds_goes_on_into_its_mark() -> None:
    assert loud_between(20, 30).trim(20, 25, 45) == (20, 30)
    assert loud_between(20, 30).trim(20, 25, 27) == (20, 27)


def test_a_wholly_quiet_word_keeps_a_frame() -> None:
    begin, end = loud_between(20, 30).trim(40, 50, 55)
    assert 40 <= begin < end <= 50
