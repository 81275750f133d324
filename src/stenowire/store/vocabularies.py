"""Lists of hot words, each belonging to one tenant.

Input: a tenant's name and what to do. Output: lists, or `NotThere` where the tenant has no such list, whoever else may
have one. All calls block for a transaction: call them in a thread. Entries are taken as they are; `entries.py` judges.
"""

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from stenowire.errors import InvalidParameter, Throttled
from stenowire.store.connect import Store
from stenowire.store.entries import Entry
from stenowire.store.schema import vocabularies as table

ID_BYTES = 16


class NotThere(InvalidParameter):
    """This tenant has no list of that id."""


class AllocationQuota(Throttled):
    """As many lists are kept as may be; waiting does not help."""

    code = "Throttling.AllocationQuota"
    retryable = False


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    prefix: str
    target_model: str
    entries: tuple[Entry, ...]
    created: float
    """Seconds since 1970, as is `modified`."""
    modified: float


class Vocabularies:
    def __init__(self, store: Store, most_lists: int) -> None:
        self._store = store
        self._most_lists = most_lists

    def create(self, tenant: str, prefix: str, target_model: str, entries: Sequence[Entry]) -> Vocabulary:
        """Raises AllocationQuota when the tenant has as many as it may."""
        now = time.time()
        id = f"vocab-{prefix}-{secrets.token_hex(ID_BYTES)}"
        made = Vocabulary(
            id=id, prefix=prefix, target_model=target_model, entries=tuple(entries), created=now, modified=now
        )
        with self._store.writing() as db:
            _one_at_a_time(db, tenant)
            count = _count(db, tenant)
            if self._most_lists and count >= self._most_lists:
                raise AllocationQuota(f"There are {count} lists of hot words already (limit {self._most_lists}).")
            values = {name: getattr(made, name) for name in ("id", "prefix", "target_model", "created", "modified")}
            db.execute(insert(table).values(**values, tenant=tenant, status="OK", entries=msgspec.to_builtins(entries)))
        return made

    def page(self, tenant: str, prefix: str | None, index: int, size: int) -> list[Vocabulary]:
        """Newest first."""
        newest = select(table).where(_mine(tenant, prefix)).order_by(table.c.created.desc(), table.c.id)
        with self._store.reading() as db:
            return [_read(row) for row in db.execute(newest.offset(index * size).limit(size))]

    def count(self, tenant: str, prefix: str | None = None) -> int:
        with self._store.reading() as db:
            return _count(db, tenant, prefix)

    def get(self, tenant: str, id: str) -> Vocabulary:
        """Raises NotThere."""
        if not self._store.begun:
            raise _not_there(id)
        with self._store.reading() as db:
            row = db.execute(select(table).where(table.c.tenant == tenant, table.c.id == id)).one_or_none()
        if row is None:
            raise _not_there(id)
        return _read(row)

    def replace(self, tenant: str, id: str, entries: Sequence[Entry]) -> None:
        """All entries at once. Raises NotThere."""
        mine = update(table).where(table.c.tenant == tenant, table.c.id == id)
        with self._store.writing() as db:
            changed = db.execute(mine.values(entries=msgspec.to_builtins(entries), modified=time.time()))
            if not changed.rowcount:
                raise _not_there(id)

    def delete(self, tenant: str, id: str) -> None:
        """Raises NotThere."""
        with self._store.writing() as db:
            if not db.execute(delete(table).where(table.c.tenant == tenant, table.c.id == id)).rowcount:
                raise _not_there(id)


def _mine(tenant: str, prefix: str | None) -> ColumnElement[bool]:
    mine = table.c.tenant == tenant
    return mine & (table.c.prefix == prefix) if prefix else mine


def _count(db: Connection, tenant: str, prefix: str | None = None) -> int:
    return db.scalar(select(func.count()).select_from(table).where(_mine(tenant, prefix))) or 0


def _one_at_a_time(db: Connection, tenant: str) -> None:
    """So that two cannot both take the last place. A writer on SQLite is alone in any case."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(tenant))))


def _read(row: Row[Any]) -> Vocabulary:
    return Vocabulary(
        id=row.id,
        prefix=row.prefix,
        target_model=row.target_model,
        entries=msgspec.convert(row.entries, tuple[Entry, ...]),
        created=row.created,
        modified=row.modified,
    )


def _not_there(id: str) -> NotThere:
    return NotThere(f"vocabulary_id: there is no list {id[:80]!r}", "vocabulary_id")
