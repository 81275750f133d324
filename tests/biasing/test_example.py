"""The example "Bulge Bracket": contexts of every form bring it back, useless ones change nothing.

The voices are synthesisers. What is not said stays as it is.
"""

from collections.abc import Callable

import pytest
from bench.biasing import example, voices
from bench.biasing.work import Ear, Hearing

from stenowire.models.errors import ModelDamaged, ModelUnavailable
from stenowire.models.paths import default_root
from stenowire.serving.hub import Hub
from stenowire.types import Hint, HotWord, Samples

pytestmark = pytest.mark.engine

SPEAKERS = ("flite-slt", "flite-rms", "flite-kal16", "espeak-us")
"""Of the two small packages; each alone is understood but for the term."""
SENTENCE = (example.DATA / "example" / "sentence.txt").read_text(encoding="utf-8").strip()
GULLS = "We climbed to bird rock to watch the gulls."

Hear = Callable[[Samples, Hint], str]


@pytest.fixture(scope="module")
def hear() -> Hear:
    hub = Hub()
    try:
        hub.load(default_root())
    except ModelDamaged:
        raise
    except ModelUnavailable as error:
        pytest.skip(error.message)
    ear = Ear(hub.detector)

    def run(samples: Samples, hint: Hint) -> str:
        one = Hearing(hub.engine, ear.listener(str(hash(samples.tobytes()))), hint, "beam", interims=False)
        one.run(samples)
        return " ".join(final.sentence.text for final in one.finals)

    return run


def spoken(voice: str, text: str) -> Samples:
    try:
        return voices.heard(voice, text)
    except voices.Silent as reason:
        pytest.skip(f"{voice}: {reason}")


@pytest.mark.parametrize("form", sorted(example.forms()))
def test_a_context_of_any_form_brings_the_term_back(hear: Hear, form: str) -> None:
    context, missed = Hint(context=example.forms()[form]), []
    for voice in SPEAKERS:
        text = hear(spoken(voice, SENTENCE), context)
        missed += [] if example.TERM in text else [f"{voice}: {text}"]
    assert len(missed) <= 1, missed


@pytest.mark.parametrize("voice", SPEAKERS)
def test_names_and_garbled_text_change_nothing(hear: Hear, voice: str) -> None:
    samples = spoken(voice, SENTENCE)
    forms = example.forms()
    names = forms["prose-and-names"].removeprefix(forms["prose"])
    alone = hear(samples, Hint())
    assert example.TERM not in names
    assert [hear(samples, Hint(context=text)) for text in (names, example.garbled())] == [alone, alone]


@pytest.mark.parametrize("voice", SPEAKERS)
def test_a_bird_rock_that_was_said_stays(hear: Hear, voice: str) -> None:
    samples = spoken(voice, GULLS)
    hot = Hint(hotwords=(HotWord(example.TERM), HotWord("Goldman Sachs")))
    assert hear(samples, hot) == hear(samples, Hint())
