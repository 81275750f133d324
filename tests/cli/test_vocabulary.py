"""Lists of hot words on the command line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stenowire.cli.exits import Stop
from stenowire.cli.main import app

pytestmark = pytest.mark.unit

FILE = "# names\nBulge Bracket\nSiobhan\t5\tshivawn, shi von\n\n"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STENOWIRE_DATA", str(tmp_path / "data"))
    return tmp_path


def vocabulary(*arguments: str, given: str | None = None) -> str:
    result = CliRunner().invoke(app, ["vocabulary", *arguments], input=given, catch_exceptions=True)
    if isinstance(result.exception, Stop):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_list_is_made_shown_changed_and_deleted(data: Path) -> None:
    words = data / "words.txt"
    words.write_text(FILE)
    id = vocabulary("create", str(words), "--model", "fun-asr-realtime", "--prefix", "bank").strip()
    assert id.startswith("vocab-bank-")
    assert vocabulary("list").split("\t")[:3] == [id, "fun-asr-realtime", "2"]
    assert vocabulary("list", "--tenant", "other") == ""
    shown = vocabulary("show", id)
    assert shown == "Bulge Bracket\t4\nSiobhan\t5\tshivawn, shi von\n"
    vocabulary("update", id, "-", given=shown + "Planet Nine\n")
    assert vocabulary("show", id).splitlines()[-1] == "Planet Nine\t4"
    vocabulary("delete", id)
    assert vocabulary("list") == ""


def test_the_json_of_the_api_is_read_too() -> None:
    json = '[{"text": "Bund", "weight": 3, "lang": "en"}]'
    id = vocabulary("create", "-", "--model", "fun-asr-realtime", given=json).strip()
    assert vocabulary("show", id) == "Bund\t3\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [("Bund\t9\n", "line 1"), ("ok\n\nBund\tx\n", "line 3"), ("[{}]", "text"), ("", "at least one")],
)
def test_a_fault_in_a_file_is_named(given: str, says: str) -> None:
    with pytest.raises(Stop, match=says):
        vocabulary("create", "-", "--model", "fun-asr-realtime", given=given)


def test_a_model_that_nobody_can_ask_for_is_refused() -> None:
    with pytest.raises(Stop, match="no model"):
        vocabulary("create", "-", "--model", "nobody", given="Bund\n")
