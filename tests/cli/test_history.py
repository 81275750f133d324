"""The history on the command line."""

import io
import time
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stenowire.cli.exits import Stop
from stenowire.cli.main import app
from stenowire.settings import Settings
from stenowire.store.history import History
from stenowire.types import Sentence, Word

pytestmark = pytest.mark.unit

ID = "0123456789abcdef0123456789abcdef"


def sentence(id: int, *words: str) -> Sentence:
    said = tuple(Word(word, 1000 * id, 1000 * id + 900) for word in words)
    return Sentence(id, 1000 * id, 1000 * id + 900, said, len(said), True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    history = History(Settings.load(data=tmp_path))
    with history.writing() as pen:
        pen.begin(ID, "default", "fun-asr-realtime", time.time())
        pen.add(ID, sentence(1, "Bulge", "Bracket"))
        pen.add(ID, sentence(2, "wrong"))
        pen.add(ID, sentence(2, "right"))
        pen.note(ID, 60_000, time.time())
    history.sound(ID).write_bytes(b"\1\0" * 800)
    history.close()
    return tmp_path


def history(data: Path, *arguments: str) -> bytes:
    result = CliRunner().invoke(app, ["history", *arguments, "--data", str(data)])
    if isinstance(result.exception, Stop):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def test_sessions_are_listed_and_searched(data: Path) -> None:
    row = history(data, "list").decode().split("\t")
    assert (row[0], row[2], row[4]) == (ID, "1.0", "Bulge Bracket\n")
    assert history(data, "list", "RIGHT").decode().endswith("\tright\n")
    assert history(data, "list", "wrong") == b"", "a sentence told again replaces itself"
    assert history(data, "list", "--tenant", "other") == b""


def test_text_subtitles_and_sound_come_out(data: Path) -> None:
    assert history(data, "export", ID) == b"Bulge Bracket\nright\n"
    assert b"00:00:01,000 --> " in history(data, "export", ID, "-f", "srt")
    with wave.open(io.BytesIO(history(data, "export", ID, "-f", "wav"))) as file:
        assert file.readframes(1000) == b"\1\0" * 800


def test_what_is_deleted_is_gone(data: Path) -> None:
    with pytest.raises(Stop, match="name a recording"):
        history(data, "delete")
    assert history(data, "delete", "--older-than", "1") == b"0\n"
    history(data, "delete", ID)
    assert history(data, "list") == b"" and not list(data.glob("history/*.pcm"))
    with pytest.raises(Stop, match="no recording"):
        history(data, "export", ID)


def test_without_any_history_the_switch_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="history = true"):
        history(tmp_path, "list")
