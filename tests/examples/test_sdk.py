"""The examples with Stenowire's own client do what they say."""

import re
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from bench.server import Server

from compat.sdks import spoken as words
from examples.conftest import ROOT, Start, kill_and_restart

pytestmark = pytest.mark.engine

FIRST, LATER = "best of times it was the worst of times", "season of light"


def test_the_file_program_tells_each_sentence_with_its_time(start: Start, spoken: Path) -> None:
    lines = start("sdk_file", spoken).end()
    assert FIRST in words(lines) and LATER in words(lines)
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times) and times[-1] < 20


def test_the_microphone_program_shows_the_last_words_after_an_interrupt(start: Start) -> None:
    program = start("sdk_microphone").until("epoch of belief").interrupt()
    assert FIRST in words(program.end())


def test_the_microphone_program_loses_nothing_when_the_server_has_died(start: Start, mortal: Server) -> None:
    program = start("sdk_microphone", at=mortal).until("[listening]")
    kill_and_restart(mortal)
    text = words(program.until("light").interrupt().end())
    assert text.count(FIRST) == 1 and "connected again" in text


def test_the_reconnect_program_loses_and_doubles_nothing(start: Start, spoken: Path, mortal: Server) -> None:
    program = start("sdk_reconnect", spoken, "--speed", 2, at=mortal).until("1: ")
    kill_and_restart(mortal)
    lines = program.end()
    sentences = [line for line in lines if not line.startswith("[")]
    assert [int(line.partition(":")[0]) for line in sentences] == list(range(1, len(sentences) + 1))
    assert words(sentences).count(FIRST) == words(sentences).count(LATER) == 1
    assert any(line.startswith("[lost") for line in lines) and any(line.startswith("[back") for line in lines)


def test_the_hot_word_program_says_what_was_written_and_why(start: Start, spoken: Path) -> None:
    lines = start("sdk_hotwords", spoken, "WISDOM=5").end()
    assert any("WISDOM" in line for line in lines)
    assert any(re.search(r"'WISDOM' instead of '\w+', by \w+", line) for line in lines)


@pytest.mark.parametrize("source", ["file", "microphone"])
def test_the_subtitle_program_writes_a_file_that_others_read(
    start: Start, spoken: Path, tmp_path: Path, source: str
) -> None:
    srt = tmp_path / "talk.srt"
    if source == "file":
        start("live_srt", srt, "--file", spoken).end()
    else:
        program = start("live_srt", srt).until("epoch of belief")
        assert "epoch of belief" in words(srt.read_text(encoding="utf-8").splitlines()), "there before the talk is over"
        program.interrupt().end()
    read = pysubs2.load(str(srt))
    assert FIRST in words([event.text.replace("\\N", " ") for event in read])
    assert all(cue.start < cue.end <= after.start for cue, after in pairwise(read))


def test_every_program_with_options_explains_them(start: Start) -> None:
    """Those with our own client; the others' options are read by the tests that use them."""
    for path in sorted((ROOT / "examples").glob("*.py")):
        if "argparse" in path.read_text(encoding="utf-8") and path.name.startswith(("sdk_", "live_")):
            assert any(line.startswith("usage:") for line in start(path.stem, "--help").end())


def test_every_example_is_in_the_table_and_no_other() -> None:
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| \[`?([\w.]+)`?\]", table, re.MULTILINE))
    assert named == {path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".html")}
