"""Subtitle files: what other programs read in them is what was said, when it was said, in readable pieces."""

import itertools

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.text.subtitles import Layout, cues, srt, vtt
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit


def sentence(text: str, begin_ms: int = 0, word_ms: int = 300, gap_ms: int = 50, id: int = 1) -> Sentence:
    words, at = [], begin_ms
    for token in text.split():
        bare = token.rstrip(".,?!;:")
        words.append(Word(bare, at, at + word_ms, token[len(bare) :]))
        at += word_ms + gap_ms
    return Sentence(id, begin_ms, at - gap_ms, tuple(words), len(words), final=True)


LONG = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity."
)


def test_srt_is_read_back_by_another_program_with_its_times_and_words() -> None:
    said = [sentence("Good morning, everyone.", 320), sentence("Shall we begin?", 3_725_040, id=2)]
    read = pysubs2.SSAFile.from_string(srt(said), format_="srt")
    assert [(e.start, e.end, e.plaintext) for e in read] == [
        (320, 1320, "Good morning, everyone."),
        (3_725_040, 3_726_040, "Shall we begin?"),
    ]


def test_srt_is_written_exactly_as_players_expect() -> None:
    assert srt([sentence("Hello there.", 3_723_004)]) == "1\n01:02:03,004 --> 01:02:03,837\nHello there.\n"


def test_vtt_is_written_exactly_as_browsers_expect() -> None:
    assert vtt([sentence("Hello there.", 3_723_004)]) == "WEBVTT\n\n01:02:03.004 --> 01:02:03.837\nHello there.\n"


def test_vtt_is_read_back_by_another_program() -> None:
    read = pysubs2.SSAFile.from_string(vtt([sentence(LONG)]), format_="vtt")
    assert " ".join(e.plaintext.replace("\n", " ") for e in read) == LONG
    assert len(read) > 1


def test_markup_in_the_words_cannot_become_markup_in_vtt() -> None:
    written = vtt([sentence("<b>Tom & Jerry --> run")])
    assert "<" not in written.partition("\n\n")[2] and written.count("-->") == 1
    assert "&lt;b&gt;Tom &amp; Jerry --&gt; run" in written


def test_nothing_said_gives_an_empty_but_valid_file() -> None:
    assert srt([]) == "" and vtt([]) == "WEBVTT\n"


def test_a_long_sentence_is_cut_after_its_phrases() -> None:
    made = cues([sentence(LONG)])
    assert all(cue.lines[-1][-1] in ",." for cue in made)


def test_a_sentence_without_commas_is_cut_at_its_breath() -> None:
    before = sentence("one two three four five six seven eight nine ten eleven twelve", word_ms=200)
    after = sentence("thirteen fourteen fifteen sixteen seventeen eighteen", before.words[-1].end_ms + 400, word_ms=200)
    made = cues([Sentence(1, 0, None, before.words + after.words, 0, final=True)])
    assert made[0].text.split()[-1] == "twelve" and made[1].begin_ms == after.begin_ms


def test_two_lines_are_about_as_long_as_each_other() -> None:
    (cue,) = cues([sentence("There is nothing in the world so irresistibly contagious as this", word_ms=200)])
    upper, lower = map(len, cue.lines)
    assert abs(upper - lower) <= 8


def test_a_short_cue_is_held_long_enough_to_read_but_not_into_the_next() -> None:
    made = cues([sentence("Yes.", 0, 200), sentence("No.", 500, 200, id=2)])
    assert [(cue.begin_ms, cue.end_ms) for cue in made] == [(0, 500), (500, 1333)]


words = st.builds(
    lambda text, mark: text + mark,
    st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=60),
    st.sampled_from(["", "", "", ",", ".", "?"]),
)


@given(
    st.lists(st.lists(words, min_size=1, max_size=40).map(" ".join), max_size=4),
    st.integers(20, 900),
    st.integers(0, 1200),
)
def test_cues_hold_every_word_once_in_readable_pieces(texts: list[str], word_ms: int, gap_ms: int) -> None:
    layout, said, at = Layout(), [], 0
    for id, text in enumerate(texts, 1):
        said.append(sentence(text, at, word_ms, gap_ms, id))
        at = said[-1].words[-1].end_ms + 700
    made = cues(said, layout)
    assert " ".join(cue.text for cue in made).split() == " ".join(texts).split()
    for cue, after in itertools.zip_longest(made, made[1:]):
        assert 0 < cue.end_ms - cue.begin_ms <= max(layout.max_ms, word_ms)
        assert len(cue.lines) <= layout.lines or len(cue.text.split()) == 1
        assert all(len(line) <= layout.line_chars or " " not in line for line in cue.lines)
        assert after is None or cue.end_ms <= after.begin_ms
