"""The way into the shared store: SQLite in the data folder by default, PostgreSQL by URL.

How it is used, in a thread (all calls block):

    with store.writing() as db:  # one transaction: durable when the block ends, or nothing of it
        db.execute(insert(vocabularies).values(...))  # SQLAlchemy Core, the tables of `store.schema`
    with store.reading() as db:  # sees one state of the database throughout
        rows = db.execute(select(vocabularies).where(...)).all()

Inside the gateway: `await asyncio.to_thread(function_with_such_a_block)`, on `runtime.store`.

Input: a URL. Output: transactions, or ServiceUnavailable when the database cannot be had now, BadSettings when it never
will. IntegrityError (a key that exists already) reaches the caller. The database is opened and brought up to date when
it is first needed: a server that cannot write it still recognises speech.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from stenowire.errors import ServiceUnavailable
from stenowire.settings import BadSettings, Settings
from stenowire.store.migrate import migrate

log = structlog.get_logger(__name__)

BUSY_S = 5.0
"""How long to wait for another process, or for a PostgreSQL server that does not answer."""
HUNG_S = 15.0
"""A statement that PostgreSQL has not answered by then is given up."""
POOL = 4
"""Connections of one process: vocabularies, usage, the watch over keys, and one more."""
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
UNAVAILABLE = "The server cannot store anything now, please try again later."


class Store:
    def __init__(self, url: URL) -> None:
        self._url = url
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Store":
        """The store that the settings name; nothing is opened yet. Raises BadSettings."""
        if settings.store is None:
            return cls(URL.create("sqlite", database=str(settings.data / "store.db")))
        return cls(read_url(settings.store.get_secret_value()))

    @property
    def place(self) -> str:
        """For people; without its password."""
        return self._file or self._url.render_as_string(hide_password=True)

    @property
    def begun(self) -> bool:
        """Whether there may be anything in it. A PostgreSQL database may always hold what others wrote."""
        return self._file is None or Path(self._file).exists()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._transaction(writes=True) as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._transaction(writes=False) as db:
            yield db

    def open(self) -> None:
        """Have it there and up to date. Raises BadSettings when it is of a newer version, ServiceUnavailable."""
        with self._told():
            self._ready()

    def close(self) -> None:
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    # ---- inside -------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> str | None:
        return self._url.database if self._url.get_backend_name() == "sqlite" else None

    @contextmanager
    def _transaction(self, writes: bool) -> Iterator[Connection]:
        with self._told():
            engine = self._ready().execution_options(writes=writes)
            if self._file is None and not writes:
                engine = engine.execution_options(isolation_level="REPEATABLE READ")
            with engine.begin() as db:
                yield db

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a database can fail with into one error; its own words may quote what was to be stored."""
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            log.error("store failed", place=self.place, reason=reason_of(error))
            raise ServiceUnavailable(UNAVAILABLE) from None

    def _ready(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = self._connect()
                try:
                    migrate(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _connect(self) -> Engine:
        options: dict[str, Any] = {
            "pool_size": POOL,
            "max_overflow": 0,
            "pool_timeout": BUSY_S,
            "hide_parameters": True,
        }
        if self._file is None:
            busy_ms, hung_ms = round(BUSY_S * 1000), round(HUNG_S * 1000)
            waits = {
                "connect_timeout": round(BUSY_S),
                "tcp_user_timeout": hung_ms,
                "options": f"-c lock_timeout={busy_ms} -c statement_timeout={hung_ms}",
            }
            return create_engine(self._url, pool_pre_ping=True, connect_args=waits, **options)
        _make_private(Path(self._file))
        engine = create_engine(self._url, connect_args={"timeout": BUSY_S, "isolation_level": None}, **options)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def read_url(text: str) -> URL:
    """Raises BadSettings, which never quotes the URL: it may hold a password."""
    try:
        url = make_url(text)
        url = url.set(drivername=DRIVERS[url.drivername])
        create_engine(url).dispose()
    except (ArgumentError, KeyError, ValueError):
        raise BadSettings("store: not a URL like postgresql://user:password@host/name or sqlite:////a/file") from None
    except (ModuleNotFoundError, NoSuchModuleError):
        raise BadSettings("store: PostgreSQL needs its client: pip install 'stenowire[postgres]'") from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise BadSettings("store: a SQLite database must be a file")
    return url


def reason_of(error: BaseException) -> str:
    """What failed, fit for a log."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    name = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    detail = os.strerror(original.errno) if isinstance(original, OSError) and original.errno else name
    return f"{type(original).__name__} {detail or ''}".strip()


def _make_private(path: Path) -> None:
    """The file, and with it the log beside it, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _set_up_sqlite(connection: Any, _: object) -> None:
    # A write-ahead log lets others read meanwhile; FULL keeps what was acknowledged through a power cut.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    # Who will write waits for its turn at the start: to become a writer half way fails at once when another is.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
