"""The examples with OpenAI's own SDK do what they say."""

from pathlib import Path

import pysubs2
import pytest

from compat.sdks import spoken as words
from examples.conftest import Start

pytestmark = pytest.mark.compat

FIRST, LATER = "best of times it was the worst of times", "season of light"
SDK = {"package": "openai[realtime]", "version": "3.54.0"}


def test_the_file_program_writes_text(start: Start, spoken: Path) -> None:
    text = words(start("openai_file", spoken, **SDK).end())
    assert FIRST in text and LATER in text


def test_the_file_program_writes_subtitles(start: Start, spoken: Path) -> None:
    lines = start("openai_file", spoken, "--format", "srt", **SDK).end()
    read = pysubs2.SSAFile.from_string("\n".join(lines), format_="srt")
    assert FIRST in words([event.text.replace("\\N", " ") for event in read])


def test_the_realtime_program_shows_words_as_they_settle_and_then_the_transcript(start: Start, spoken: Path) -> None:
    lines = start("openai_realtime", spoken, "--speed", 4, **SDK).end()
    whole = words([line for line in lines if line.startswith("=")])
    assert FIRST in whole and LATER in whole
    assert words([line for line in lines if not line.startswith("=")])
