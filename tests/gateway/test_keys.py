"""The ring of API keys: made once, kept hashed, checked strictly, and in step with the store."""

import hashlib
import json
import multiprocessing
import stat
import time
from pathlib import Path

import pytest

from stenowire.errors import InvalidApiKey, InvalidParameter
from stenowire.settings import BadSettings, Settings
from stenowire.store.accounts import ID_CHARS, SCOPES, Limits
from stenowire.store.keys import KeyRing, bearer

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STENOWIRE_API_KEYS", raising=False)


def opened(data: Path, **settings: str) -> KeyRing:
    return KeyRing.open(Settings.load(data=data, **settings))


def is_refused(ring: KeyRing, key: str) -> bool:
    try:
        ring.find(key)
    except InvalidApiKey:
        return True
    return False


def test_the_first_start_makes_a_key_and_later_ones_know_it(tmp_path: Path) -> None:
    first = opened(tmp_path)
    assert first.made is not None and first.made.startswith("sk-") and len(first.made) == 3 + ID_CHARS + 43
    later = opened(tmp_path)
    assert later.made is None
    assert later.find(first.made) == first.find(first.made)
    assert later.find(first.made).scopes == SCOPES


def test_the_key_itself_is_stored_nowhere_and_only_the_owner_may_read_what_is(tmp_path: Path) -> None:
    made = opened(tmp_path).made
    assert made is not None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"pepper", "store.db"} <= {path.name for path in files}
    for path in files:
        assert made[3 + ID_CHARS :].encode() not in path.read_bytes()
        assert hashlib.sha256(made.encode()).digest() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _open_ring(data: str) -> str | None:
    return opened(Path(data)).made


def test_of_many_processes_that_start_at_once_one_makes_the_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = [key for key in pool.map(_open_ring, [str(tmp_path)] * 8) if key]
    assert len(made) == 1
    opened(tmp_path).find(made[0])


def test_keys_of_the_settings_are_tenants_of_their_own_and_need_no_store(tmp_path: Path) -> None:
    ring = opened(tmp_path, api_keys="sk-one,sk-two")
    assert ring.made is None
    assert ring.find("sk-one").tenant != ring.find("sk-two").tenant
    assert [path.name for path in tmp_path.iterdir()] == ["pepper"]


def test_keys_of_the_settings_work_where_nothing_can_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    opened(blocked, api_keys="sk-one").find("sk-one")


def test_a_tenant_keeps_its_name_and_the_name_is_not_its_key(tmp_path: Path) -> None:
    name = opened(tmp_path, api_keys="sk-one").find("sk-one").tenant.name
    assert name == opened(tmp_path, api_keys="sk-one").find("sk-one").tenant.name
    assert "one" not in name


@pytest.mark.parametrize("header", ["Bearer sk-one", "bearer sk-one", "BEARER   sk-one", "  Bearer sk-one  "])
def test_the_scheme_is_read_in_any_case_and_blanks_do_not_matter(header: str) -> None:
    assert bearer(header) == "sk-one"


@pytest.mark.parametrize("key", ["", "sk-on", "sk-one2", "ü", "\udcff", "sk-", "SK-ONE"])
def test_anything_else_is_refused(tmp_path: Path, key: str) -> None:
    assert bearer("Basic sk-one") == bearer("sk-one") == ""
    assert is_refused(opened(tmp_path, api_keys="sk-one"), key)


def test_a_stored_key_with_one_letter_changed_is_refused(tmp_path: Path) -> None:
    ring = opened(tmp_path)
    assert ring.made is not None
    for at in (0, 3, 3 + ID_CHARS, -1):
        letters = list(ring.made)
        letters[at] = "x" if letters[at] != "x" else "y"
        assert is_refused(ring, "".join(letters))


def test_an_ephemeral_key_opens_this_ring_only(tmp_path: Path) -> None:
    ring = opened(tmp_path)
    key = ring.add_ephemeral()
    ring.find(key)
    assert is_refused(opened(tmp_path), key)


# ---- what a former version kept -------------------------------------------------------------------------------------


def test_keys_of_a_former_version_stay_good_and_stay_the_tenants_that_they_were(tmp_path: Path) -> None:
    key = "sk-" + "ab" * 32
    digest = hashlib.sha256(key.encode())
    (tmp_path / "keys.json").write_text(json.dumps([{"sha256": digest.hexdigest()}]))
    first = opened(tmp_path)
    assert first.made is None
    name = "tenant-" + hashlib.sha256(digest.digest()).hexdigest()[:8]
    assert first.find(key).tenant.name == opened(tmp_path).find(key).tenant.name == name
    assert not (tmp_path / "keys.json").exists()
    assert first.accounts.revoke(first.find(key).key)
    assert is_refused(opened(tmp_path), key)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", json.dumps([{"sha256": "00"}]), json.dumps([{"sha256": "xyz"}]), json.dumps([{"hash": "00"}])],
)
def test_a_damaged_file_is_told_and_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(BadSettings, match="damaged"):
        opened(tmp_path)
    assert path.read_text() == content


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(BadSettings, match="cannot keep keys"):
        opened(blocked)


def test_another_pepper_is_told_instead_of_locking_everyone_out(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(BadSettings, match="another pepper"):
        opened(tmp_path, pepper="p" * 32)


# ---- what changes while a server runs -------------------------------------------------------------------------------


def test_a_ring_takes_over_what_another_process_changes(tmp_path: Path) -> None:
    server, administrator = opened(tmp_path), opened(tmp_path).accounts
    key, made = administrator.create_key("acme", "for the hall", {"recognise"})
    assert is_refused(server, key)
    assert server.refresh() and not server.refresh()
    assert (server.find(key).tenant.name, server.find(key).scopes) == ("acme", {"recognise"})
    administrator.revoke(made.id)
    assert server.refresh() and is_refused(server, key)
    with pytest.raises(InvalidApiKey):
        server.holder(made.id)


def test_a_key_ends_at_its_time_without_anybody_telling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = opened(tmp_path)
    key, _ = ring.accounts.create_key("acme", lifetime_s=60)
    ring.refresh()
    ring.find(key)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert is_refused(ring, key)


def test_limits_of_a_tenant_win_over_those_of_the_settings(tmp_path: Path) -> None:
    ring = KeyRing.open(Settings.load(data=tmp_path, tenant_streams=5, tenant_tasks_per_s=7))
    ring.accounts.limit_tenant("acme", {"streams": 2, "audio_s_per_day": 60})
    ring.refresh()
    assert ring.limits("acme") == Limits(tasks_per_s=7, streams=2, audio_s_per_day=60)
    assert ring.limits("other") == Limits(tasks_per_s=7, streams=5, audio_s_per_day=0)


def test_a_deleted_tenant_takes_its_keys_along(tmp_path: Path) -> None:
    ring = opened(tmp_path)
    key, _ = ring.accounts.create_key("acme")
    ring.refresh()
    assert ring.accounts.delete_tenant("acme") and not ring.accounts.delete_tenant("acme")
    ring.refresh()
    assert is_refused(ring, key)
    with pytest.raises(InvalidApiKey):
        ring.named("acme")


@pytest.mark.parametrize("tenant", ["", "A", "a b", "-a", "a" * 65, "ä", "a/b"])
def test_a_tenant_has_a_plain_name(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(InvalidParameter, match="tenant"):
        opened(tmp_path).accounts.create_key(tenant)


def test_a_scope_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="scopes"):
        opened(tmp_path).accounts.create_key("acme", scopes={"everything"})
