"""What was said in earlier sessions, and the sound of it: kept only where the operator has switched it on.

Input: recordings as they go on, and questions about them. Output: rows, and files of sound. Everything belongs to a
tenant. Transcripts lie in one SQLite file with an index of their words, the sound of each in a file: 16 bit, 16 kHz,
one channel, no header, so that it can be written at any place and read while it grows. All calls block.
"""

import re
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection, Row

import msgspec

from stenowire.settings import Settings
from stenowire.store.database import Database
from stenowire.types import SESSION_RATE_HZ, Sentence

SCHEMA = """
CREATE TABLE IF NOT EXISTS recordings (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    model TEXT NOT NULL,
    began REAL NOT NULL,
    changed REAL NOT NULL,
    audio_ms INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS recordings_of_tenant ON recordings (tenant, began);
CREATE TABLE IF NOT EXISTS sentences (
    number INTEGER PRIMARY KEY,
    recording TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (recording, id)
);
CREATE VIRTUAL TABLE IF NOT EXISTS said USING fts5 (text, tokenize = "unicode61 remove_diacritics 2");
"""
SAMPLE_BYTES = 2
BYTES_PER_MS = SESSION_RATE_HZ * SAMPLE_BYTES // 1000
ID = re.compile("[0-9a-f]{32}")
MOST_ROWS = 1000


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    """32 hexadecimal digits."""
    tenant: str
    model: str
    began: float
    """Seconds since 1970, as is `changed`."""
    changed: float
    audio_ms: int = 0
    sentences: int = 0
    begins: str = ""
    """The first words of it; of what was searched for: the first sentence that fits."""


class History:
    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.data / "history" / "history.db", SCHEMA)
        self.folder = settings.data / "history"

    @property
    def begun(self) -> bool:
        return self._database.begun

    def close(self) -> None:
        self._database.close()

    # ---- writing ------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> "Iterator[Pen]":
        """One transaction; durable when the block ends."""
        with self._database.transaction() as db:
            yield Pen(db)

    def sound(self, id: str) -> Path:
        """Where the sound of a recording lies, if it was kept. Raises ValueError unless `id` is one."""
        if not ID.fullmatch(id):
            raise ValueError("not the id of a recording")
        return self.folder / f"{id}.pcm"

    def delete(self, tenant: str, id: str) -> bool:
        """With its sound. False when the tenant has no such recording."""
        with self._database.transaction() as db:
            found = db.execute("SELECT id FROM recordings WHERE tenant = ? AND id = ?", (tenant, id)).fetchall()
            self._forget(db, [row["id"] for row in found])
        return bool(found)

    def delete_before(self, unix_s: float, tenant: str | None = None) -> int:
        """All that was last written before then; how many."""
        whose, values = ("", (unix_s,)) if tenant is None else (" AND tenant = ?", (unix_s, tenant))
        with self._database.transaction() as db:
            rows = db.execute(f"SELECT id FROM recordings WHERE changed < ?{whose}", values).fetchall()
            self._forget(db, [row["id"] for row in rows])
        return len(rows)

    def shrink(self, most_bytes: int) -> int:
        """Delete the oldest recordings until all sound together has at most so many bytes; how many."""
        with self._database.transaction() as db:
            rows = db.execute("SELECT id FROM recordings ORDER BY changed DESC").fetchall()
            total, gone = 0, []
            for row in rows:
                total += _size(self.sound(row["id"]))
                if total > most_bytes:
                    gone.append(row["id"])
            self._forget(db, gone)
        return len(gone)

    def _forget(self, db: Connection, ids: Sequence[str]) -> None:
        for id in ids:
            db.execute("DELETE FROM said WHERE rowid IN (SELECT number FROM sentences WHERE recording = ?)", (id,))
            db.execute("DELETE FROM recordings WHERE id = ?", (id,))
            self.sound(id).unlink(missing_ok=True)

    # ---- reading ------------------------------------------------------------------------------------------------

    def page(self, tenant: str, words: str = "", before: float | None = None, most: int = 50) -> list[Recording]:
        """Newest first; with `words` only recordings in which a sentence has all of them."""
        before = time.time() + 1 if before is None else before
        with self._database.transaction() as db:
            if query := _query(words):
                rows = db.execute(FOUND, (query, tenant, before, min(most, MOST_ROWS))).fetchall()
            else:
                rows = db.execute(NEWEST, (tenant, before, min(most, MOST_ROWS))).fetchall()
            return [_recording(row) for row in rows]

    def get(self, tenant: str, id: str) -> tuple[Recording, list[Sentence]] | None:
        with self._database.transaction() as db:
            row = db.execute(ONE, (tenant, id)).fetchone()
            if row is None:
                return None
            bodies = db.execute("SELECT body FROM sentences WHERE recording = ? ORDER BY id", (id,)).fetchall()
        return _recording(row), [msgspec.json.decode(body["body"], type=Sentence) for body in bodies]


COLUMNS = """SELECT recordings.*, (SELECT count(*) FROM sentences WHERE recording = recordings.id) AS sentences"""
FIRST = """(SELECT text FROM said JOIN sentences ON said.rowid = number WHERE recording = recordings.id
            ORDER BY id LIMIT 1)"""
NEWEST = f"""{COLUMNS}, {FIRST} AS begins FROM recordings
             WHERE tenant = ? AND began < ? ORDER BY began DESC LIMIT ?"""
ONE = f"{COLUMNS}, {FIRST} AS begins FROM recordings WHERE tenant = ? AND recordings.id = ?"
FOUND = f"""{COLUMNS}, hit.text AS begins FROM
            (SELECT recording, text, min(sentences.id) FROM said JOIN sentences ON said.rowid = number
             WHERE said MATCH ? GROUP BY recording) AS hit
            JOIN recordings ON recordings.id = hit.recording
            WHERE tenant = ? AND began < ? ORDER BY began DESC LIMIT ?"""


class Pen:
    """Writes inside a transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def begin(self, id: str, tenant: str, model: str, now: float) -> None:
        """A recording that was begun already goes on, if it is the same tenant's."""
        self._db.execute(
            "INSERT INTO recordings (id, tenant, model, began, changed) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET changed = excluded.changed",
            (id, tenant, model, now, now),
        )

    def add(self, id: str, sentence: Sentence) -> None:
        """A sentence told again, after a connection was lost, replaces itself."""
        old = self._db.execute(
            "DELETE FROM sentences WHERE recording = ? AND id = ? RETURNING number", (id, sentence.id)
        ).fetchall()
        self._db.executemany("DELETE FROM said WHERE rowid = ?", [(row["number"],) for row in old])
        body = msgspec.json.encode(sentence)
        number = self._db.execute(
            "INSERT INTO sentences (recording, id, body) VALUES (?, ?, ?)", (id, sentence.id, body)
        ).lastrowid
        self._db.execute("INSERT INTO said (rowid, text) VALUES (?, ?)", (number, sentence.text))

    def note(self, id: str, audio_ms: int, now: float) -> None:
        self._db.execute(
            "UPDATE recordings SET audio_ms = max(audio_ms, ?), changed = ? WHERE id = ?", (audio_ms, now, id)
        )


def wav_header(size: int) -> bytes:
    """What makes so many bytes of a recording's sound a WAV file."""
    rate, block = SESSION_RATE_HZ, SAMPLE_BYTES
    riff = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    return riff + struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, rate, rate * block, block, 8 * block, b"data", size)


def _query(words: str) -> str:
    """Each word as a literal, so that nothing in it is an operator of the index's language."""
    return " ".join(f'"{word}"' for word in re.findall(r"\w+", words)[:16])


def _recording(row: Row) -> Recording:
    return msgspec.convert(dict(row) | {"begins": row["begins"] or ""}, Recording)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
