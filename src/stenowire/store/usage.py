"""What each key has used on each day: sessions, requests, seconds of audio.

Input: what happened, as it happens. Output: sums in the store, written in batches. What is not written yet is held in
memory, one row per key and day: a clean stop writes it, a killed process loses what came since the last batch.
"""

import time
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from stenowire.store import schema
from stenowire.store.connect import Store
from stenowire.store.quotas import DAY_S

table = schema.usage
INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Both know ON CONFLICT, each in its own way."""


class Used(msgspec.Struct, kw_only=True):
    """By one key on one day."""

    key: str
    """Its id; "" for what was done in the background, or with a key of the captions page."""
    tenant: str
    day: int
    """Since 1970, UTC."""
    sessions: int = 0
    requests: int = 0
    audio_ms: int = 0


class Usage:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending: dict[tuple[str, str, int], Used] = {}

    def add(self, key: str, tenant: str, *, sessions: int = 0, requests: int = 0, audio_ms: int = 0) -> None:
        self._merge(
            Used(
                key=key,
                tenant=tenant,
                day=int(time.time() // DAY_S),
                sessions=sessions,
                requests=requests,
                audio_ms=audio_ms,
            )
        )

    def take(self) -> list[Used]:
        """What is not written yet, to be given to `write`; from the thread that adds."""
        taken, self._pending = list(self._pending.values()), {}
        return taken

    def put_back(self, batch: Iterable[Used]) -> None:
        """It could not be written."""
        for used in batch:
            self._merge(used)

    def write(self, batch: Iterable[Used]) -> None:
        """Add it to what is stored, and note when each key was used. Blocks. Raises ServiceUnavailable."""
        now = time.time()
        with self._store.writing() as db:
            # In one order in all processes: two that lock the same rows must not wait for each other.
            for used in sorted(batch, key=lambda used: (used.key, used.tenant, used.day)):
                _add(db, used)
                db.execute(update(schema.keys).where(schema.keys.c.id == used.key).values(used=now))

    def read(self, first_day: int, tenant: str | None = None) -> list[Used]:
        """From that day on, oldest first. Blocks."""
        wanted = select(table).where(table.c.day >= first_day).order_by(table.c.day, table.c.tenant, table.c.key)
        if tenant is not None:
            wanted = wanted.where(table.c.tenant == tenant)
        with self._store.reading() as db:
            return [Used(**row._mapping) for row in db.execute(wanted)]

    def _merge(self, used: Used) -> None:
        known = self._pending.setdefault((used.key, used.tenant, used.day), used)
        if known is not used:
            known.sessions += used.sessions
            known.requests += used.requests
            known.audio_ms += used.audio_ms


def _add(db: Connection, used: Used) -> None:
    more = {name: table.c[name] + getattr(used, name) for name in ("sessions", "requests", "audio_ms")}
    row = INSERTS[db.dialect.name](table).values(msgspec.structs.asdict(used))
    db.execute(row.on_conflict_do_update(index_elements=list(table.primary_key), set_=more))
