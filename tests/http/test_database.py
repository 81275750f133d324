"""The server's one database: whole writes, and failures that are told and survived."""

import sqlite3
import threading
from pathlib import Path

import pytest

from stenowire.errors import ServiceUnavailable, Throttled
from stenowire.store.database import Database
from stenowire.store.tasks import SCHEMA, Outcome, Request, Tasks

pytestmark = pytest.mark.unit

REQUEST = Request(model="m", urls=("oss://x",))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "deep" / "stenowire.db", SCHEMA)


@pytest.fixture
def tasks(database: Database) -> Tasks:
    return Tasks(database)


def test_nothing_is_written_before_it_is_needed(database: Database, tmp_path: Path) -> None:
    assert not database.begun
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_may_read_the_file(tasks: Tasks, tmp_path: Path) -> None:
    tasks.submit("a", "t", REQUEST, 1.0, 9)
    assert (tmp_path / "deep" / "stenowire.db").stat().st_mode & 0o077 == 0


def test_what_fails_half_way_is_not_written(database: Database, tasks: Tasks) -> None:
    tasks.submit("a", "t", REQUEST, 1.0, 9)
    with pytest.raises(RuntimeError), database.transaction() as db:
        db.execute("DELETE FROM tasks")
        raise RuntimeError("half way")
    assert tasks.find("a", "t")


def test_a_database_that_another_holds_for_too_long_is_told_and_survived(
    database: Database, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stenowire.store.database.BUSY_S", 0.05)
    tasks.submit("a", "t", REQUEST, 1.0, 9)
    other = sqlite3.connect(tmp_path / "deep" / "stenowire.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ServiceUnavailable):
        tasks.submit("b", "t", REQUEST, 1.0, 9)
    other.execute("ROLLBACK")
    tasks.submit("b", "t", REQUEST, 1.0, 9)
    other.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "stenowire.db"
    path.write_bytes(b"this is no database, and long enough to be one" * 100)
    with pytest.raises(ServiceUnavailable):
        Tasks(Database(path, SCHEMA)).find("a", "t")


def test_two_processes_never_hold_one_task(tmp_path: Path) -> None:
    """Two connections stand for two processes; each claims as fast as it can."""
    path, claimed = tmp_path / "stenowire.db", list[str]()
    first = Tasks(Database(path, SCHEMA))
    for number in range(30):
        first.submit(str(number), "t", REQUEST, number, 100)

    def claim(tasks: Tasks) -> None:
        while (task := tasks.claim(100.0, 200.0)) is not None:
            claimed.append(task.id)

    threads = [threading.Thread(target=claim, args=(Tasks(Database(path, SCHEMA)),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed, key=int) == [str(number) for number in range(30)]


def test_a_lease_holds_until_it_ends_and_can_be_renewed(tasks: Tasks) -> None:
    tasks.submit("a", "t", REQUEST, 1.0, 9)
    assert tasks.claim(10.0, 20.0)
    assert tasks.claim(20.0, 30.0) is None
    tasks.renew("a", 40.0)
    assert tasks.claim(39.0, 50.0) is None
    again = tasks.claim(41.0, 50.0)
    assert again is not None and (again.attempts, again.scheduled_at) == (2, 10.0)


def test_the_oldest_task_comes_first(tasks: Tasks) -> None:
    for id, at in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        tasks.submit(id, "t", REQUEST, at, 9)
    taken = [tasks.claim(10.0, 20.0) for _ in range(3)]
    assert [task.id for task in taken if task] == ["a", "b", "c"]


def test_a_released_task_waits_as_if_never_begun(tasks: Tasks) -> None:
    tasks.submit("a", "t", REQUEST, 1.0, 9)
    tasks.claim(10.0, 20.0)
    tasks.note("a", 0, Outcome(code="DECODE_ERROR", message="m"))
    tasks.release("a")
    task = tasks.claim(11.0, 21.0)
    assert task is not None and task.attempts == 1
    assert task.outcomes[0].code == "DECODE_ERROR"


def test_a_task_that_ended_counts_no_more_against_its_tenant(tasks: Tasks) -> None:
    tasks.submit("a", "t", REQUEST, 1.0, 1)
    with pytest.raises(Throttled):
        tasks.submit("b", "t", REQUEST, 1.0, 1)
    tasks.end("a", "FAILED", 2.0)
    tasks.submit("b", "t", REQUEST, 1.0, 1)
