"""Hints obeyed by every kind of engine through one interface: one that takes hot words, one that takes text, one that
takes neither and is helped from outside, and the real one, helped by its own search and scores."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from stenowire.biasing.pronounce import SILENT, open_lexicon
from stenowire.engines.base import Engine, Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.scripted import ScriptedEngine, say
from stenowire.serving.biased import BiasedEngine
from stenowire.types import SESSION_RATE_HZ, Hint, HotWord, Hypothesis, Samples


class Subject(NamedTuple):
    engine: Engine
    clip: Samples
    hint: Hint
    """Names terms that are said in the clip."""
    written: str
    """A term that is written with the hint and not without."""


def words(*texts: str) -> Hint:
    return Hint(hotwords=tuple(HotWord(text) for text in texts))


def phrases(_: pytest.FixtureRequest) -> Subject:
    hint = Hint(hotwords=(HotWord("Bulge Bracket", sounds_like=("w7 w5",)), HotWord("Siobhan", sounds_like=("w9",))))
    return Subject(ScriptedEngine(biasing="phrases"), say("w3 w7 w5 w9 w2"), hint, "Bulge Bracket")


def text(_: pytest.FixtureRequest) -> Subject:
    hint = Hint(context="Bulge Bracket = w7 w5\nSiobhan = w9")
    return Subject(ScriptedEngine(biasing="text"), say("w3 w7 w5 w9 w2"), hint, "Bulge Bracket")


def passed_on(request: pytest.FixtureRequest) -> Subject:
    """An engine that takes text, in the wrapper that all engines are in."""
    subject = text(request)
    return subject._replace(engine=BiasedEngine(subject.engine, SILENT))


def helped(_: pytest.FixtureRequest) -> Subject:
    return Subject(BiasedEngine(ScriptedEngine(), SILENT), say("w3 w7 w5 w9 w2"), words("W7W5", "W-9"), "W7W5")


def real(request: pytest.FixtureRequest) -> Subject:
    moonshine = MoonshineEngine(request.getfixturevalue("moonshine_folder"))
    engine = BiasedEngine(moonshine, open_lexicon(request.getfixturevalue("cmudict_folder")))
    clip = request.getfixturevalue("two_cities")[: 9 * SESSION_RATE_HZ]
    return Subject(engine, clip, words("wizdom", "Bulge Bracket"), "wizdom")


@pytest.fixture(
    params=[
        pytest.param(phrases, marks=pytest.mark.unit, id="takes phrases"),
        pytest.param(text, marks=pytest.mark.unit, id="takes text"),
        pytest.param(passed_on, marks=pytest.mark.unit, id="takes text, wrapped"),
        pytest.param(helped, marks=pytest.mark.unit, id="helped by spelling"),
        pytest.param(real, marks=pytest.mark.engine, id="moonshine"),
    ]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    build: Callable[[pytest.FixtureRequest], Subject] = request.param
    return build(request)


def final(engine: Engine, clip: Samples, hint: Hint) -> Hypothesis:
    state = engine.open(hint)
    (hypothesis,) = engine.step([Job(state=state, clip=clip, final=True, effort="beam")])
    engine.close(state)
    return hypothesis


def written(hypothesis: Hypothesis) -> str:
    return " ".join(word.text for word in hypothesis.words)


def test_a_hint_is_obeyed_and_the_final_says_so(subject: Subject) -> None:
    without, hypothesis = final(subject.engine, subject.clip, Hint()), final(subject.engine, subject.clip, subject.hint)
    assert subject.written not in written(without) and not without.applied
    assert subject.written in written(hypothesis)
    (applied,) = [one for one in hypothesis.applied if one.term == subject.written]
    assert written(hypothesis).split()[applied.begin : applied.begin + applied.words] == applied.term.split()
    assert applied.before and applied.before in written(without)


def test_terms_of_one_stream_never_reach_another(subject: Subject) -> None:
    engine, clip = subject.engine, subject.clip
    states = [engine.open(subject.hint), engine.open(Hint()), engine.open(words("Nobody Says This"))]
    hinted, *others = engine.step([Job(state=state, clip=clip, final=True) for state in states])
    assert subject.written in written(hinted)
    for other in others:
        assert subject.written not in written(other) and not other.applied


def test_a_hint_never_makes_silence_speak(subject: Subject) -> None:
    for seconds in (0.3, 2.0):
        silence = np.zeros(int(seconds * SESSION_RATE_HZ), np.float32)
        hypothesis = final(subject.engine, silence, subject.hint)
        assert hypothesis.words == () and hypothesis.applied == ()


def test_a_batch_with_hints_equals_its_members_alone(subject: Subject) -> None:
    engine, clip = subject.engine, subject.clip
    hints = [subject.hint, Hint(), subject.hint]
    ends = [len(clip), len(clip), len(clip) // 2]
    together = engine.step(
        [Job(state=engine.open(h), clip=clip[:end], final=True) for h, end in zip(hints, ends, strict=True)]
    )
    alone = [
        engine.step([Job(state=engine.open(h), clip=clip[:end], final=True)])[0]
        for h, end in zip(hints, ends, strict=True)
    ]
    assert together == alone


def test_a_hint_that_nobody_says_changes_nothing(subject: Subject) -> None:
    plain = final(subject.engine, subject.clip, Hint())
    assert final(subject.engine, subject.clip, words("Quetzalcoatlus", "Ouagadougou")) == plain
