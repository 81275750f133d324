"""The one SQLite file of a server: what must outlive it.

Input: a path. Output: short transactions on one connection, one at a time; call them in a thread. Several processes may
share the file. It is opened when it is first needed: a server that cannot write it still recognises speech.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from stenowire.errors import ServiceUnavailable

log = structlog.get_logger(__name__)

BUSY_S = 5.0
"""How long to wait for another process."""


class Database:
    def __init__(self, path: Path, schema: str) -> None:
        """`schema` is run whenever the file is opened, and must be harmless when it was run before."""
        self._path = path
        self._schema = schema
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What happens inside is written whole, durably, or not at all. Raises ServiceUnavailable."""
        with self._lock:
            try:
                connection = self._connection = self._connection or self._open()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                self._drop()
                log.error("database failed", path=str(self._path), reason=str(error))
                raise ServiceUnavailable("The server cannot store anything now, please try again later.") from error
            except BaseException:
                self._drop()
                raise

    @property
    def begun(self) -> bool:
        """Whether anything was ever kept here."""
        return self._connection is not None or self._path.exists()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        """After a failure nobody knows what state the connection is in; the next transaction has a fresh one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._path.chmod(0o600)
            connection.row_factory = sqlite3.Row
            # A write-ahead log lets others read meanwhile; FULL keeps what was acknowledged through a power cut.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.executescript(self._schema)
        except BaseException:
            connection.close()
            raise
        return connection
