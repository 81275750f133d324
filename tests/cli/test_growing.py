"""What grows while people speak ends as what would have been written at once, and is whole at any time."""

import html
import io
from pathlib import Path

import pysubs2
import pytest
import webvtt

from stenowire.cli.growing import Growing
from stenowire.cli.results import Format, written
from stenowire.events import Final, Partial
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit


def final(id: int, begin_ms: int, text: str) -> Final:
    words = tuple(Word(word, begin_ms + at * 300, begin_ms + at * 300 + 250) for at, word in enumerate(text.split()))
    return Final("s", Sentence(id, begin_ms, words[-1].end_ms, words, len(words), True), 0.0)


FINALS = [
    final(1, 0, "yes"),
    final(2, 400, "a sentence that is long enough to need two lines of a subtitle, and then some & more"),
    final(3, 9_000, "no"),
    final(4, 20_000, "the <last> one"),
]


@pytest.mark.parametrize("format", ["text", "srt", "vtt", "tsv"])
def test_a_grown_file_is_what_would_have_been_written_at_once(tmp_path: Path, format: Format) -> None:
    with (tmp_path / "out").open("w+", encoding="utf-8") as out, Growing(out, format) as growing:
        for count, update in enumerate(FINALS, 1):
            growing.show(Partial("s", update.sentence))
            growing.show(update)
            assert (tmp_path / "out").read_text(encoding="utf-8") == written(FINALS[:count], format, "m")


def test_json_is_an_object_a_line(tmp_path: Path) -> None:
    out = io.StringIO()
    with Growing(out, "json") as growing:
        for update in FINALS:
            growing.show(update)
    lines = out.getvalue().splitlines()
    assert len(lines) == 4 and lines[0].startswith('{"id":1,"begin_ms":0,"end_ms":250,"text":"yes","words":[{')


class Pipe(io.StringIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_subtitles_into_a_pipe_can_be_read_too(tmp_path: Path, format: Format) -> None:
    out = Pipe()
    with Growing(out, format) as growing:
        for update in FINALS:
            growing.show(update)
    (tmp_path / "out").write_text(out.getvalue(), encoding="utf-8")
    if format == "srt":
        assert len(pysubs2.load(str(tmp_path / "out"), format_="srt")) == len(
            pysubs2.SSAFile.from_string(written(FINALS, "srt", "m"), format_="srt")
        )
    else:
        assert html.unescape(webvtt.read(str(tmp_path / "out"))[-1].text) == "the <last> one"
