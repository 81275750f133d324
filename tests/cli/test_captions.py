"""What a caption looks like, settled and unsettled, and how its delay is counted."""

import io
import re

import pytest
from rich.console import Console

from stenowire.cli.captions import LiveCaptions, PlainCaptions, ProgressLine, clock
from stenowire.cli.demo import Delays
from stenowire.events import Final, Partial
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit

CLEAR_LINE = "\x1b[2K"


def sentence(text: str, stable: int, *, begin_ms: int = 300, final: bool = False, id: int = 1) -> Sentence:
    words = tuple(
        Word(word, begin_ms + 300 * index, begin_ms + 300 * index + 250) for index, word in enumerate(text.split())
    )
    return Sentence(id, begin_ms, words[-1].end_ms if final else None, words, stable, final)


def partial(text: str, stable: int, **more: int) -> Partial:
    return Partial("t", sentence(text, stable, **more))


def final(text: str, **more: int) -> Final:
    return Final("t", sentence(text, 0, final=True, **more), 1.0)


def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=60, legacy_windows=False)


def drawn(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_settled_words_are_plain_and_unsettled_words_dim() -> None:
    target = console()
    with LiveCaptions(target, 10.0) as captions:
        captions.show(partial("it was the best", stable=2))
    assert re.search(r"00:00\.3 → \.\.\. +\x1b\[0m  it was\x1b\[2m the\x1b\[0m\x1b\[2m best\x1b\[0m", drawn(target))


def test_a_finished_sentence_stays_with_its_times_and_the_open_one_goes() -> None:
    target = console()
    with LiveCaptions(target, 10.0) as captions:
        captions.show(partial("it was", stable=0))
        captions.show(final("it was the best"))
    after = drawn(target).rpartition("it was the best")[2]
    assert "\x1b[36m00:00.3 → 00:01.4\x1b[0m  it was the best\n" in drawn(target)
    assert "it was" not in after and CLEAR_LINE in after


def test_an_open_sentence_is_never_drawn_beside_its_final() -> None:
    target = console()
    with LiveCaptions(target, 10.0) as captions:
        captions.show(partial("it was the", stable=1))
        captions.show(final("it was the best"))
    last_frame = drawn(target).rpartition("it was the best")[2]
    assert "→ ..." not in last_frame


def test_a_long_sentence_wraps_beside_its_times() -> None:
    target = console()
    with LiveCaptions(target, None) as captions:
        captions.show(final("it was the best of times it was the worst of times it was the age"))
    assert re.search(r"\n {19}\S", drawn(target))


def test_progress_never_goes_back() -> None:
    with ProgressLine(console(), 10.0) as line:
        line.heard(5.0)
        line.show(partial("it was", stable=0))
        assert line.heard_s == 5.0
        line.show(final("it was", begin_ms=6000))
        assert line.heard_s == pytest.approx(6.55)


def test_lines_hold_only_what_is_finished() -> None:
    out = io.StringIO()
    with PlainCaptions(out, times=True) as captions:
        captions.show(partial("it was", stable=0))
        captions.show(final("it was the best"))
        captions.heard(3.0)
    assert out.getvalue() == "00:00.3 → 00:01.4  it was the best\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "00:00.0"), (59.96, "00:59.9"), (61.25, "01:01.2"), (3600.0, "1:00:00.0")]
)
def test_clocks_count_down_to_tenths(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_a_delay_is_counted_when_a_word_is_first_seen() -> None:
    delays = Delays()
    delays.heard(0.1, now=100.1)
    delays.show(partial("it", stable=0), now=101.0)
    delays.show(partial("it was", stable=0), now=101.5)
    delays.show(final("it was"), now=109.0)
    assert delays.words_s == pytest.approx([1.0 - 0.55, 1.5 - 0.85])
    assert delays.final_words == 2


def test_a_word_that_a_cut_moves_to_the_next_sentence_is_not_new() -> None:
    delays = Delays()
    delays.heard(0.1, now=0.1)
    delays.show(partial("it was the", stable=0), now=2.0)
    delays.show(final("it was"), now=3.0)
    delays.show(partial("the", stable=0, begin_ms=900, id=2), now=3.0)
    assert len(delays.words_s) == 3
