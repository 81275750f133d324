"""Moonshine as a whole: what it hears in real recordings, in long clips and in noise, and what it holds on to."""

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.moonshine.parts import parts
from stenowire.types import SESSION_RATE_HZ, Hint, Hypothesis, Samples

pytestmark = pytest.mark.engine

Speech = Callable[[str], tuple[Samples, dict[str, Any]]]


@pytest.fixture(scope="session")
def engine(moonshine_folder: Path) -> MoonshineEngine:
    engine = MoonshineEngine(moonshine_folder)
    engine.warm_up()
    return engine


def final(engine: MoonshineEngine, clip: Samples, effort: Any = "beam") -> Hypothesis:
    return engine.step([Job(state=engine.open(Hint()), clip=clip, final=True, effort=effort)])[0]


def plain(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def words(hypothesis: Hypothesis) -> list[str]:
    return plain(" ".join(word.text for word in hypothesis.words))


@pytest.mark.parametrize("effort", ["greedy", "beam"])
def test_a_clear_sentence_is_understood(engine: MoonshineEngine, speech: Speech, effort: str) -> None:
    clip, row = speech("lj-LJ001-0001.flac")
    assert words(final(engine, clip, effort)) == plain(row["text"])


def test_words_begin_where_they_are_spoken(engine: MoonshineEngine, speech: Speech) -> None:
    clip, _ = speech("ls-quilter.flac")
    told = {word.text: word for word in final(engine, clip).words}
    # By pocketsphinx's forced alignment of the text, itself some tens of milliseconds off.
    for text, begin_ms in (
        ("Mr", 530),
        ("apostle", 1540),
        ("middle", 2340),
        ("classes", 2600),
        ("glad", 3660),
        ("gospel", 4830),
    ):
        assert abs(told[text].begin_ms - begin_ms) <= 120, text


def test_a_clip_longer_than_the_model_bears_is_heard_in_parts(engine: MoonshineEngine, two_cities: Samples) -> None:
    hypothesis = final(engine, two_cities)
    heard = words(hypothesis)
    assert heard[:6] == plain("it was the best of times")
    assert len(heard) > 100
    assert hypothesis.words[-1].end_ms > 40_000


def test_parts_cover_the_clip_and_are_cut_where_it_is_quiet() -> None:
    clip = np.full(40 * SESSION_RATE_HZ, 0.3, np.float32)
    clip[13 * SESSION_RATE_HZ : 13 * SESSION_RATE_HZ + 6400] = 0.0
    spans = parts(clip, 15 * SESSION_RATE_HZ)
    assert spans[0][0] == 0 and spans[-1][1] == len(clip)
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert all(end - begin <= 15 * SESSION_RATE_HZ for begin, end in spans)
    assert 13 * SESSION_RATE_HZ < spans[0][1] < 13 * SESSION_RATE_HZ + 6400


@pytest.mark.parametrize("level", [1e-4, 1e-3, 1e-2, 1e-1])
def test_noise_says_nothing(engine: MoonshineEngine, level: float) -> None:
    for seed, seconds in ((0, 1), (1, 3), (2, 8)):
        noise = np.random.default_rng(seed).normal(0, level, seconds * SESSION_RATE_HZ).astype(np.float32)
        assert final(engine, noise).words == ()


def test_a_chord_says_nothing(engine: MoonshineEngine) -> None:
    t = np.arange(5 * SESSION_RATE_HZ) / SESSION_RATE_HZ
    chord = sum(0.1 * np.sin(2 * np.pi * pitch * t) * np.exp(-(t % 0.5) * 4) for pitch in (262, 330, 392))
    assert final(engine, np.asarray(chord, np.float32)).words == ()


def test_a_recorded_noise_says_nothing(engine: MoonshineEngine, speech: Speech) -> None:
    clip, _ = speech("noise1.flac")
    assert final(engine, clip).words == ()


def test_talk_without_pause_is_followed_to_its_end(engine: MoonshineEngine, two_cities: Samples) -> None:
    """Interims over 30 s, words settled as they come: the whole text stands at the end, within a word or two."""
    clip = two_cities[: 30 * SESSION_RATE_HZ]
    state, settled = engine.open(Hint()), 0
    before: tuple[str, ...] = ()
    for end in range(SESSION_RATE_HZ, len(clip) + 1, SESSION_RATE_HZ):
        (hypothesis,) = engine.step([Job(state=state, clip=clip[:end], settled=settled)])
        told = tuple(word.text for word in hypothesis.words)
        agreed = next(
            (i for i, (a, b) in enumerate(zip(before, told, strict=False)) if a != b), min(len(before), len(told))
        )
        settled, before = max(settled, agreed - 2), told
    assert state.anchor > 20 * SESSION_RATE_HZ
    heard, whole = words(hypothesis), words(final(engine, clip))
    assert abs(len(heard) - len(whole)) <= 6
    assert len(set(heard) & set(whole)) >= 0.9 * len(set(whole))


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory use from /proc")
def test_memory_does_not_grow_with_use(engine: MoonshineEngine, two_cities: Samples) -> None:
    random = np.random.default_rng(0)

    def use(clips: int) -> None:
        for index in range(clips):
            begin = int(random.integers(0, 29 * SESSION_RATE_HZ))
            clip = two_cities[begin : begin + int(random.uniform(0.5, 15) * SESSION_RATE_HZ)]
            state = engine.open(Hint())
            engine.step([Job(state=state, clip=clip[: len(clip) // 2])])
            engine.step([Job(state=state, clip=clip, final=True, effort="beam" if index % 2 else "greedy")])
            engine.close(state)

    final(engine, two_cities[: 15 * SESSION_RATE_HZ])
    use(20)
    settled = resident_mb()
    use(40)
    assert resident_mb() - settled < 40
