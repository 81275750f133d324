"""What is settled stays settled: drawings as data, and the property for any hypotheses."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.core.stabilizer import Stabilizer, spoken
from stenowire.types import Hypothesis, Word

pytestmark = pytest.mark.unit

STEPS = Path(__file__).parent.parent / "data" / "steps"
REWRITTEN = "a settled word stays when the engine rewrites it"


def drawings() -> list[tuple[str, list[str]]]:
    blocks = [block for path in sorted(STEPS.glob("*.steps")) for block in path.read_text().strip().split("\n\n")]
    return [(block.splitlines()[0].removeprefix("- "), block.splitlines()[1:]) for block in blocks]


def hypothesis(text: str) -> Hypothesis:
    words = []
    for index, token in enumerate(text.split()):
        bare = token.rstrip(".,?!")
        words.append(Word(bare, index * 500, index * 500 + 480, token[len(bare) :]))
    return Hypothesis(words=tuple(words), heard_ms=len(words) * 500 + 300)


@pytest.mark.parametrize(("claim", "lines"), drawings(), ids=lambda value: str(value)[:60])
def test_drawing(claim: str, lines: list[str]) -> None:
    stabilizer = Stabilizer()
    for line in lines:
        settled, _, rest = line.partition("|")
        shown = stabilizer.feed(hypothesis(settled + rest))
        assert " ".join(word.text + word.mark for word in shown.words[: shown.stable]) == settled.strip(), claim


texts = st.lists(st.sampled_from(["a", "b", "c,", "d."]), max_size=12).map(" ".join)


@given(st.lists(texts, max_size=12))
def test_a_settled_word_never_changes(spoken_texts: list[str]) -> None:
    stabilizer, settled = Stabilizer(), []
    for text in spoken_texts:
        shown = stabilizer.feed(hypothesis(text))
        now = [spoken(word) for word in shown.words[: shown.stable]]
        assert now[: len(settled)] == settled
        settled = now


def test_a_new_word_at_the_edge_is_shown_when_it_is_seen_again() -> None:
    words = hypothesis("we will go").words
    edge = Hypothesis(words=words, heard_ms=words[-1].end_ms + 20)
    stabilizer = Stabilizer()
    assert stabilizer.feed(edge).ripe == 2
    assert stabilizer.feed(edge).ripe == 3


def test_the_first_word_is_shown_at_once() -> None:
    words = hypothesis("we").words
    assert Stabilizer().feed(Hypothesis(words=words, heard_ms=words[-1].end_ms)).ripe == 1
