"""What every engine keeps to. Each claim runs against the scripted stand-in and against the real Moonshine."""

import gc
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from stenowire.biasing.pronounce import SILENT, open_lexicon
from stenowire.engines.base import Engine, Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.scripted import ScriptedEngine, pause, say
from stenowire.serving.biased import BiasedEngine
from stenowire.types import SESSION_RATE_HZ, Hint, HotWord, Hypothesis, Samples

STEP = SESSION_RATE_HZ // 2
"""Half a second: how far apart the interims of these tests are."""


class Subject(NamedTuple):
    engine: Engine
    clips: list[Samples]
    """Speech, each clip at most 15 s."""


def scripted(_: pytest.FixtureRequest) -> Subject:
    return Subject(ScriptedEngine(), [say("w3 w7 w5 w9 w2 w8 w6"), say("w4 w4"), say("w9 w8 w7 w6 w5 w4")])


@pytest.fixture(scope="session")
def moonshine_engine(request: pytest.FixtureRequest) -> MoonshineEngine:
    return MoonshineEngine(request.getfixturevalue("moonshine_folder"))


def moonshine(request: pytest.FixtureRequest) -> Subject:
    talk = request.getfixturevalue("two_cities")
    seconds = ((0.0, 9.0), (9.0, 12.5), (20.0, 31.0))
    clips = [talk[int(begin * SESSION_RATE_HZ) : int(end * SESSION_RATE_HZ)] for begin, end in seconds]
    return Subject(request.getfixturevalue("moonshine_engine"), clips)


class Hinted:
    """An engine that is never asked without terms: whatever it keeps to, it keeps to while it writes them."""

    def __init__(self, engine: BiasedEngine, *terms: str | HotWord) -> None:
        self._engine = engine
        self._hint = Hint(hotwords=tuple(HotWord(term) if isinstance(term, str) else term for term in terms))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def open(self, hint: Hint) -> Any:
        return self._engine.open(self._hint)


def scripted_with_terms(request: pytest.FixtureRequest) -> Subject:
    inner = scripted(request)
    return inner._replace(engine=Hinted(BiasedEngine(inner.engine, SILENT), "W7W5", "w four", "W9-W8 W7"))


def scripted_native(request: pytest.FixtureRequest) -> Subject:
    """An engine that takes hot words itself, never asked without."""
    engine = BiasedEngine(ScriptedEngine(biasing="phrases"), SILENT)
    hinted = Hinted(engine, HotWord("Bulge Bracket", sounds_like=("w7 w5",)), HotWord("one", sounds_like=("w8",)))
    return scripted(request)._replace(engine=hinted)


def moonshine_with_terms(request: pytest.FixtureRequest) -> Subject:
    inner = moonshine(request)
    engine = BiasedEngine(inner.engine, open_lexicon(request.getfixturevalue("cmudict_folder")))
    return inner._replace(engine=Hinted(engine, "Best Of", "wizdom", "Inkredulity", "Siesen of Light", "Stenowire"))


Build = Callable[[pytest.FixtureRequest], Subject]


@pytest.fixture(
    params=[
        pytest.param(scripted, marks=pytest.mark.unit, id="scripted"),
        pytest.param(scripted_with_terms, marks=pytest.mark.unit, id="scripted with terms"),
        pytest.param(scripted_native, marks=pytest.mark.unit, id="scripted that takes terms"),
        pytest.param(moonshine, marks=pytest.mark.engine, id="moonshine"),
        pytest.param(moonshine_with_terms, marks=pytest.mark.engine, id="moonshine with terms"),
    ]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    build: Build = request.param
    return build(request)


def final(engine: Engine, clip: Samples, effort: Any = "greedy") -> Hypothesis:
    state = engine.open(Hint())
    (hypothesis,) = engine.step([Job(state=state, clip=clip, final=True, effort=effort)])
    engine.close(state)
    return hypothesis


def texts(hypothesis: Hypothesis) -> list[str]:
    return [word.text + word.mark for word in hypothesis.words]


def spoken_in_steps(engine: Engine, clip: Samples, settle: Callable[[int], int]) -> list[tuple[int, Hypothesis]]:
    """Interims every half second; `settle` says how many of so many words are settled. (settled, hypothesis) each."""
    state = engine.open(Hint())
    settled, told = 0, []
    for end in range(STEP, len(clip) + 1, STEP):
        (hypothesis,) = engine.step([Job(state=state, clip=clip[:end], settled=settled)])
        told.append((settled, hypothesis))
        settled = max(settled, settle(len(hypothesis.words)))
    engine.close(state)
    return told


def test_speech_has_words(subject: Subject) -> None:
    assert all(len(final(subject.engine, clip).words) >= 2 for clip in subject.clips)


@pytest.mark.parametrize("seconds", [0.01, 0.3, 1.0, 5.0])
def test_silence_gives_nothing(subject: Subject, seconds: float) -> None:
    silence = np.zeros(int(seconds * SESSION_RATE_HZ), np.float32)
    assert final(subject.engine, silence).words == ()
    assert all(not hypothesis.words for _, hypothesis in spoken_in_steps(subject.engine, silence, lambda words: words))


def test_a_batch_equals_its_members_alone(subject: Subject) -> None:
    engine = subject.engine
    jobs = [Job(state=engine.open(Hint()), clip=clip, final=index == 1) for index, clip in enumerate(subject.clips)]
    together = engine.step(jobs)
    alone = [engine.step([Job(state=engine.open(Hint()), clip=job.clip, final=job.final)])[0] for job in jobs]
    assert together == alone


@pytest.mark.parametrize("effort", ["greedy", "beam"])
def test_a_final_does_not_depend_on_interims(subject: Subject, effort: Any) -> None:
    engine, clip = subject.engine, subject.clips[0]
    expected = final(engine, clip, effort)
    for step in (STEP, 3 * STEP):
        state = engine.open(Hint())
        for end in range(step, len(clip), step):
            engine.step([Job(state=state, clip=clip[:end], settled=min(end // STEP // 2, 3))])
        (hypothesis,) = engine.step([Job(state=state, clip=clip, settled=2, final=True, effort=effort)])
        assert hypothesis == expected


def test_interims_begin_with_the_settled_words(subject: Subject) -> None:
    for clip in subject.clips:
        before: Hypothesis | None = None
        for settled, hypothesis in spoken_in_steps(subject.engine, clip, lambda words: max(words - 2, 0)):
            if before is not None:
                assert texts(hypothesis)[:settled] == texts(before)[:settled]
            before = hypothesis


def test_interims_go_on_after_a_final_that_was_decoded_ahead(subject: Subject) -> None:
    engine, clip = subject.engine, subject.clips[0]
    state, undisturbed = engine.open(Hint()), engine.open(Hint())
    half = len(clip) // 2
    engine.step([Job(state=state, clip=clip[:half])])
    engine.step([Job(state=undisturbed, clip=clip[:half])])
    engine.step([Job(state=state, clip=clip[:half], final=True)])
    assert engine.step([Job(state=state, clip=clip, settled=1)]) == engine.step(
        [Job(state=undisturbed, clip=clip, settled=1)]
    )


def test_times_are_monotone_and_inside_the_clip(subject: Subject) -> None:
    for clip in subject.clips:
        told = [final(subject.engine, clip)]
        told += [hypothesis for _, hypothesis in spoken_in_steps(subject.engine, clip, lambda words: words // 2)]
        for hypothesis in told:
            edge = 0
            for word in hypothesis.words:
                assert edge <= word.begin_ms < word.end_ms <= hypothesis.heard_ms
                edge = word.end_ms


def test_a_word_has_no_blank_and_no_mark_in_it(subject: Subject) -> None:
    for clip in subject.clips:
        for word in final(subject.engine, clip).words:
            assert word.text and word.text == word.text.strip(" .,;:!?")
            assert " " not in word.text


def test_the_clip_is_only_read(subject: Subject) -> None:
    clip = np.concatenate([subject.clips[0], pause(200)])
    before = clip.copy()
    clip.flags.writeable = False
    final(subject.engine, clip, "beam")
    spoken_in_steps(subject.engine, clip, lambda words: words // 2)
    assert np.array_equal(clip, before)


def test_a_closed_state_is_freed(subject: Subject) -> None:
    class Clip(np.ndarray[Any, Any]):
        """An array that can be watched."""

    engine = subject.engine
    state = engine.open(Hint())
    clip = subject.clips[0].view(Clip)
    watched = weakref.ref(clip)
    engine.step([Job(state=state, clip=clip)])
    engine.close(state)
    engine.close(state)
    del clip
    gc.collect()
    assert watched() is None


def test_the_information_is_honest(subject: Subject) -> None:
    info = subject.engine.info
    assert info.rate_hz == SESSION_RATE_HZ
    assert info.languages and info.description
    assert 0 < info.step_ms < info.max_ms
    assert final(subject.engine, subject.clips[0]).language in (None, *info.languages)
