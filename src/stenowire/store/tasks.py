"""File transcriptions that were asked for, and what became of them.

Input: what clients ask and what a worker finds out. Output: tasks. A worker holds a task by a lease that it renews:
when it dies, with its server or without, the lease runs out and the task is taken up again, with the files that are
done left alone. Times are seconds since 1970. All calls block for a disk write; call them in a thread.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from typing import Literal

import msgspec

from stenowire.errors import Throttled
from stenowire.store.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    request BLOB NOT NULL,
    status TEXT NOT NULL,
    submitted_at REAL NOT NULL,
    scheduled_at REAL,
    ended_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS tasks_waiting ON tasks (status, submitted_at);
CREATE TABLE IF NOT EXISTS files (
    task TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE,
    number INTEGER NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (task, number)
);
CREATE TABLE IF NOT EXISTS results (
    name TEXT PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE,
    body BLOB NOT NULL
);
"""

NAME_BYTES = 32
"""Of a result: whoever knows the name may read it."""
MOST_ATTEMPTS = 3
"""A task that was begun so often and never ended takes its server down, and is given up."""

Status = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    model: str
    urls: tuple[str, ...]
    language: str | None = None
    starred: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    single: bool = False
    """Asked for with one `file_url`, and answered in the shape of that."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Of one file. With a result it succeeded, with a code it failed."""

    result: str | None = None
    code: str | None = None
    message: str = ""
    audio_s: float = 0.0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    tenant: str
    request: Request
    status: Status
    submitted_at: float
    scheduled_at: float | None
    ended_at: float | None
    attempts: int
    outcomes: dict[int, Outcome]
    """By the number of the file, from 0."""


class Tasks:
    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- for clients --------------------------------------------------------------------------------------------

    def submit(self, id: str, tenant: str, request: Request, now: float, most_waiting: int) -> None:
        """Raises Throttled when too many of the tenant's wait."""
        with self._database.transaction() as db:
            waits = "SELECT count(*) FROM tasks WHERE tenant = ? AND status IN ('PENDING', 'RUNNING')"
            if db.execute(waits, (tenant,)).fetchone()[0] >= most_waiting:
                raise Throttled(f"Too many tasks are waiting (limit {most_waiting}), please try again later.")
            values = (id, tenant, msgspec.json.encode(request), now)
            db.execute(
                "INSERT INTO tasks (id, tenant, request, status, submitted_at) VALUES (?, ?, ?, 'PENDING', ?)", values
            )

    def find(self, id: str, tenant: str) -> Task | None:
        """None also for another tenant's."""
        with self._database.transaction() as db:
            row = db.execute("SELECT * FROM tasks WHERE id = ? AND tenant = ?", (id, tenant)).fetchone()
            return None if row is None else _task(db, row)

    def cancel(self, id: str, tenant: str, now: float) -> bool:
        """False when it does not wait any more, or never did."""
        with self._database.transaction() as db:
            cancel = (
                "UPDATE tasks SET status = 'CANCELED', ended_at = ? WHERE id = ? AND tenant = ? AND status = 'PENDING'"
            )
            return db.execute(cancel, (now, id, tenant)).rowcount > 0

    def result(self, name: str) -> bytes | None:
        with self._database.transaction() as db:
            row = db.execute("SELECT body FROM results WHERE name = ?", (name,)).fetchone()
            return None if row is None else bytes(row["body"])

    # ---- for workers --------------------------------------------------------------------------------------------

    def claim(self, now: float, lease_until: float) -> Task | None:
        """The oldest task that waits or was abandoned, held until then by whoever asked."""
        with self._database.transaction() as db:
            oldest = (
                "SELECT id FROM tasks WHERE status = 'PENDING' OR (status = 'RUNNING' AND lease_until < ?)"
                " ORDER BY submitted_at LIMIT 1"
            )
            take = (
                "UPDATE tasks SET status = 'RUNNING', lease_until = ?, attempts = attempts + 1,"
                f" scheduled_at = coalesce(scheduled_at, ?) WHERE id = ({oldest}) RETURNING *"
            )
            row = db.execute(take, (lease_until, now, now)).fetchone()
            return None if row is None else _task(db, row)

    def renew(self, id: str, lease_until: float) -> None:
        with self._database.transaction() as db:
            db.execute("UPDATE tasks SET lease_until = ? WHERE id = ? AND status = 'RUNNING'", (lease_until, id))

    def release(self, id: str) -> None:
        """Let it wait again, as if it had not been begun."""
        with self._database.transaction() as db:
            again = "UPDATE tasks SET status = 'PENDING', attempts = attempts - 1 WHERE id = ? AND status = 'RUNNING'"
            db.execute(again, (id,))

    def note(self, id: str, number: int, outcome: Outcome) -> None:
        """What became of one file that failed."""
        with self._database.transaction() as db:
            _note(db, id, number, outcome)

    def keep(self, id: str, number: int, audio_s: float, body: bytes) -> Outcome:
        """The result of one file."""
        name = secrets.token_urlsafe(NAME_BYTES)
        outcome = Outcome(result=name, audio_s=audio_s)
        with self._database.transaction() as db:
            db.execute("INSERT INTO results VALUES (?, ?, ?)", (name, id, body))
            _note(db, id, number, outcome)
        return outcome

    def end(self, id: str, status: Status, now: float) -> None:
        with self._database.transaction() as db:
            db.execute("UPDATE tasks SET status = ?, ended_at = ? WHERE id = ?", (status, now, id))

    def forget(self, before: float) -> None:
        """Delete what ended before then, with its results."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM tasks WHERE ended_at < ?", (before,))


def ended_as(outcomes: Sequence[Outcome]) -> Status:
    """A task fails when all of its files did."""
    return "SUCCEEDED" if any(outcome.result for outcome in outcomes) else "FAILED"


def _note(db: sqlite3.Connection, id: str, number: int, outcome: Outcome) -> None:
    db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (id, number, msgspec.json.encode(outcome)))


def _task(db: sqlite3.Connection, row: sqlite3.Row) -> Task:
    files = db.execute("SELECT number, outcome FROM files WHERE task = ?", (row["id"],))
    return Task(
        id=row["id"],
        tenant=row["tenant"],
        request=msgspec.json.decode(row["request"], type=Request),
        status=row["status"],
        submitted_at=row["submitted_at"],
        scheduled_at=row["scheduled_at"],
        ended_at=row["ended_at"],
        attempts=row["attempts"],
        outcomes={file["number"]: msgspec.json.decode(file["outcome"], type=Outcome) for file in files},
    )
