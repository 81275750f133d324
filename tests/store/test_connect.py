"""The shared store: made once by whoever comes first, never of a version that it does not know."""

import re
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from stenowire.errors import ServiceUnavailable
from stenowire.settings import BadSettings, Settings
from stenowire.store import connect, schema
from stenowire.store.connect import Store
from stenowire.store.migrate import FOLDER

pytestmark = pytest.mark.unit


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.of(Settings.load(data=tmp_path))


def test_nothing_is_written_before_it_is_needed(store: Store, tmp_path: Path) -> None:
    assert not store.begun
    assert list(tmp_path.iterdir()) == []
    store.open()
    assert store.begun


def test_the_migrations_build_what_the_schema_says(store: Store) -> None:
    store.open()
    with store.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), schema.metadata) == []


def test_the_schema_is_of_the_newest_migration_and_migrations_are_numbered() -> None:
    scripts = ScriptDirectory(str(FOLDER))
    assert scripts.get_heads() == [schema.VERSION]
    assert all(re.fullmatch(r"\d{4}", script.revision) for script in scripts.walk_revisions())


def test_of_many_that_open_a_new_store_at_once_all_find_it_whole(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def begin() -> None:
        try:
            with Store.of(Settings.load(data=tmp_path)).reading() as db:
                assert db.execute(select(schema.changes)).one() == ("access", 0)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_store_of_a_newer_version_is_told_and_left_alone(store: Store, tmp_path: Path) -> None:
    store.open()
    store.close()
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadSettings, match=r"newer Stenowire \(schema 9999, this one knows"):
        store.open()


def test_what_fails_half_way_is_not_written(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as db:
        db.execute(insert(schema.changes).values(topic="x", version=1))
        raise RuntimeError("half way")
    with store.reading() as db:
        assert db.execute(select(schema.changes.c.topic)).scalars().all() == ["access"]


def test_a_store_that_another_holds_for_too_long_is_told_and_survived(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_S", 0.05)
    store.open()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ServiceUnavailable), store.writing():
        pass
    other.execute("ROLLBACK")
    other.close()
    with store.writing() as db:
        db.execute(insert(schema.changes).values(topic="x", version=1))


def test_a_file_that_is_no_database_is_told(store: Store, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database, and long enough to be one" * 100)
    with pytest.raises(ServiceUnavailable):
        store.open()


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name", "sqlite://", "postgresql://a:secret@host:x/name"])
def test_a_url_that_is_none_is_told_without_quoting_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSettings, match=r"^store: ") as refused:
        Store.of(Settings.load(data=tmp_path, store=url))
    assert "secret" not in str(refused.value)


def test_a_store_tells_where_it_is_without_its_password(tmp_path: Path) -> None:
    place = Store.of(Settings.load(data=tmp_path, store="postgres://me:secret@host/name")).place
    assert "host/name" in place and "secret" not in place
