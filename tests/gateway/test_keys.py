"""The ring of API keys: made once, kept hashed, checked strictly."""

import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from stenowire.errors import InvalidApiKey
from stenowire.settings import BadSettings, Settings
from stenowire.store.keys import KeyRing

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STENOWIRE_API_KEYS", raising=False)


def test_the_first_start_makes_a_key_and_later_ones_know_it(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path)
    first = KeyRing.open(settings)
    assert first.made is not None and first.made.startswith("sk-") and len(first.made) == 3 + 64
    later = KeyRing.open(settings)
    assert later.made is None
    assert later.check(f"Bearer {first.made}") == first.check(f"Bearer {first.made}")


def test_the_key_itself_is_stored_nowhere(tmp_path: Path) -> None:
    made = KeyRing.open(Settings.load(data=tmp_path)).made
    assert made is not None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["keys.json"]
    assert made not in files[0].read_text() and made.removeprefix("sk-") not in files[0].read_text()
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def _open_ring(data: str) -> str | None:
    return KeyRing.open(Settings.load(data=Path(data))).made


def test_of_many_processes_that_start_at_once_one_makes_the_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = [key for key in pool.map(_open_ring, [str(tmp_path)] * 8) if key]
    assert len(made) == 1
    KeyRing.open(Settings.load(data=tmp_path)).check_key(made[0])


def test_keys_of_the_settings_are_tenants_of_their_own(tmp_path: Path) -> None:
    ring = KeyRing.open(Settings.load(data=tmp_path, api_keys="sk-one,sk-two"))
    assert ring.made is None
    assert ring.check_key("sk-one") != ring.check_key("sk-two")
    assert not list(tmp_path.iterdir())


def test_a_tenant_keeps_its_name_and_the_name_is_not_its_key(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path, api_keys="sk-one")
    name = KeyRing.open(settings).check_key("sk-one").name
    assert name == KeyRing.open(settings).check_key("sk-one").name
    assert "one" not in name


@pytest.mark.parametrize("header", ["Bearer sk-one", "bearer sk-one", "BEARER   sk-one", "  Bearer sk-one  "])
def test_the_scheme_is_read_in_any_case_and_blanks_do_not_matter(tmp_path: Path, header: str) -> None:
    KeyRing.open(Settings.load(data=tmp_path, api_keys="sk-one")).check(header)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "sk-one", "Basic sk-one", "Bearer sk-on", "Bearer sk-one2", "Bearer ü"]
)
def test_anything_else_is_refused(tmp_path: Path, header: str | None) -> None:
    with pytest.raises(InvalidApiKey):
        KeyRing.open(Settings.load(data=tmp_path, api_keys="sk-one")).check(header)


def test_an_ephemeral_key_opens_this_ring_only(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path)
    ring = KeyRing.open(settings)
    key = ring.add_ephemeral()
    ring.check_key(key)
    with pytest.raises(InvalidApiKey):
        KeyRing.open(settings).check_key(key)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", json.dumps([{"sha256": "00"}]), json.dumps([{"sha256": "xyz"}]), json.dumps([{"hash": "00"}])],
)
def test_a_damaged_file_is_told_and_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(BadSettings, match="damaged"):
        KeyRing.open(Settings.load(data=tmp_path))
    assert path.read_text() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(BadSettings, match="cannot keep keys"):
        KeyRing.open(Settings.load(data=blocked))
