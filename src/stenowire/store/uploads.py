"""Recordings that clients put down here for a while, to name them in a later request.

Input: permissions to upload, files. Output: where a file lies. Each permission is one unguessable name, good for one
file of one tenant; the file is readable only for that tenant's requests, and deleted when it is old. Calls block; use a
thread.
"""

import hashlib
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

import msgspec

from stenowire.errors import AccessDenied, ServiceUnavailable, Throttled
from stenowire.store.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    permission BLOB NOT NULL UNIQUE,
    made_at REAL NOT NULL,
    name TEXT,
    size INTEGER NOT NULL DEFAULT 0
);
"""

PERMISSION_S = 300
MOST_PERMISSIONS = 200
"""Of one tenant, not used yet."""


class Permission(msgspec.Struct, frozen=True):
    secret: str
    folder: str
    """What the address of the file begins with, after the scheme."""


class Uploads:
    def __init__(self, database: Database, folder: Path, most_bytes: int) -> None:
        self._database = database
        self._folder = folder
        self._most_bytes = most_bytes

    def permit(self, tenant: str, now: float) -> Permission:
        """Raises Throttled when the tenant has too many permissions that it did not use."""
        id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
        with self._database.transaction() as db:
            db.execute("DELETE FROM uploads WHERE name IS NULL AND made_at < ?", (now - PERMISSION_S,))
            unused = "SELECT count(*) FROM uploads WHERE name IS NULL AND tenant = ?"
            if db.execute(unused, (tenant,)).fetchone()[0] >= MOST_PERMISSIONS:
                raise Throttled("Too many uploads were announced and not made.")
            db.execute(
                "INSERT INTO uploads (id, tenant, permission, made_at) VALUES (?, ?, ?, ?)",
                (id, tenant, _digest(secret), now),
            )
        return Permission(secret, f"stenowire/{id}")

    def check(self, secret: str, now: float) -> str:
        """The folder that may be uploaded into. Raises AccessDenied."""
        with self._database.transaction() as db:
            open_one = "SELECT id FROM uploads WHERE permission = ? AND name IS NULL AND made_at >= ?"
            row = db.execute(open_one, (_digest(secret), now - PERMISSION_S)).fetchone()
        if row is None:
            raise AccessDenied("This upload was not permitted, or its permission has ended or been used.")
        return f"stenowire/{row['id']}"

    def keep(self, folder: str, name: str, file: BinaryIO) -> None:
        """Store the file. Raises AccessDenied when there is one already, ServiceUnavailable when there is no room."""
        id = folder.rpartition("/")[2]
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{id}.{secrets.token_hex(8)}"
        try:
            size = _copy(file, draft)
            self._claim(id, name, size)
            draft.rename(self._folder / id)
        except OSError as error:
            raise ServiceUnavailable("The recording cannot be stored now, please try again later.") from error
        finally:
            draft.unlink(missing_ok=True)

    def _claim(self, id: str, name: str, size: int) -> None:
        with self._database.transaction() as db:
            stored: int = db.execute("SELECT coalesce(sum(size), 0) FROM uploads").fetchone()[0]
            if stored + size > self._most_bytes:
                raise ServiceUnavailable("There is no room for more recordings now, please try again later.")
            taken = db.execute("UPDATE uploads SET name = ?, size = ? WHERE id = ? AND name IS NULL", (name, size, id))
            if taken.rowcount == 0:
                raise AccessDenied("This upload has been made already.")

    def find(self, path: str, tenant: str) -> Path | None:
        """The file at `folder/name`, if it is this tenant's."""
        root, _, rest = path.partition("/")
        id, _, name = rest.partition("/")
        with self._database.transaction() as db:
            known = "SELECT id FROM uploads WHERE id = ? AND name = ? AND tenant = ?"
            row = db.execute(known, (id, name, tenant)).fetchone()
        return self._folder / row["id"] if root == "stenowire" and row is not None else None

    def forget(self, before: float) -> None:
        """Delete what was uploaded before then."""
        with self._database.transaction() as db:
            old = db.execute("DELETE FROM uploads WHERE made_at < ? RETURNING id", (before,)).fetchall()
        for row in old:
            (self._folder / row["id"]).unlink(missing_ok=True)


def _copy(file: BinaryIO, path: Path) -> int:
    """Bytes copied."""
    file.seek(0)
    with path.open("xb") as kept:
        shutil.copyfileobj(file, kept)
        return kept.tell()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
