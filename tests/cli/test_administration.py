"""Keys, tenants and usage on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from stenowire.cli.exits import Status, Stop
from stenowire.cli.main import app
from stenowire.errors import InvalidApiKey
from stenowire.settings import Settings
from stenowire.store.accounts import ID_CHARS
from stenowire.store.keys import KeyRing
from stenowire.store.usage import Usage

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("STENOWIRE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("STENOWIRE_API_KEYS", raising=False)
    yield tmp_path
    structlog.reset_defaults()


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, Stop):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(*arguments: str) -> Any:
    return json.loads(said(*arguments, "--json"))


def ring() -> KeyRing:
    return KeyRing.open(Settings.load())


def test_a_key_is_printed_once_opens_the_door_and_can_be_revoked() -> None:
    wanted = ["--tenant", "acme", "--name", "hall", "--scope", "recognise", "--expires", "90d"]
    key = said("keys", "create", *wanted).strip()
    assert ring().find(key).tenant.name == "acme"
    (row,) = rows("keys", "list")
    assert (row["id"], row["tenant"], row["state"]) == (key[3 : 3 + ID_CHARS], "acme", "good")
    assert row["scopes"] == ["recognise"] and row["expires"] > row["created"]
    assert key[3 + ID_CHARS :] not in said("keys", "list")
    said("keys", "revoke", row["id"])
    with pytest.raises(InvalidApiKey):
        ring().find(key)
    assert said("keys", "list").rstrip().endswith("\trevoked")
    assert said("keys", "list", "--tenant", "other") == ""


def test_a_tenant_is_made_limited_and_deleted_with_its_keys() -> None:
    said("tenants", "create", "acme", "--streams", "4")
    key = said("keys", "create", "--tenant", "acme").strip()
    said("tenants", "limit", "acme", "--audio-s-per-day", "3600", "--streams", "default")
    (row,) = rows("tenants", "list")
    assert (row["name"], row["keys"], row["streams"], row["audio_s_per_day"]) == ("acme", 1, None, 3600)
    with pytest.raises(Stop, match="--yes"):
        said("tenants", "delete", "acme")
    said("tenants", "delete", "acme", "--yes")
    assert rows("tenants", "list") == rows("keys", "list") == []
    with pytest.raises(InvalidApiKey):
        ring().find(key)


def test_usage_is_told_by_day_and_key() -> None:
    usage = Usage(ring().accounts.store)
    usage.add("k", "acme", sessions=1, requests=2, audio_ms=61_500)
    usage.write(usage.take())
    (row,) = rows("usage", "--tenant", "acme", "--days", "2")
    assert (row["key"], row["sessions"], row["requests"], row["audio_s"]) == ("k", 1, 2, 61.5)
    assert rows("usage", "--tenant", "other") == []


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["keys", "revoke", "nope"], "no key nope"),
        (["keys", "create", "--tenant", "B B"], "tenant"),
        (["keys", "create", "--scope", "all"], "scopes"),
        (["keys", "create", "--expires", "soon"], "--expires"),
        (["keys", "create", "--expires", "99999999d"], "--expires"),
        (["keys", "create", "--name", "x" * 65], "name"),
        (["tenants", "limit", "acme", "--streams", "-1"], "--streams"),
        (["tenants", "limit", "acme", "--tasks-per-s", "many"], "--tasks-per-s"),
        (["tenants", "delete", "nobody", "--yes"], "no tenant nobody"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it(arguments: list[str], about: str) -> None:
    with pytest.raises(Stop, match=about) as stopped:
        said(*arguments)
    assert stopped.value.status is Status.USAGE


def test_a_store_that_cannot_be_had_is_one_line(data: Path) -> None:
    (data / "data").mkdir()
    (data / "data" / "store.db").write_bytes(b"no database at all, and long enough" * 100)
    result = CliRunner().invoke(app, ["keys", "list"])
    assert isinstance(result.exception, Stop) and "store.db" in result.exception.line
    assert (result.exception.status, result.output) == (Status.FAILED, "")
