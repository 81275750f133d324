"""Brings a database to the schema of this version, once, however many processes start at the same time.

Input: an engine. Output: nothing; afterwards the tables are there. Raises BadSettings when the database was made by a
newer version, which this one must not touch. A new migration is one more file in `migrations/versions`, numbered, with
the same change in `schema.py` and its number in `schema.VERSION`.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from stenowire.settings import BadSettings
from stenowire.store.schema import VERSION

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x5354454E
"""PostgreSQL's advisory lock that whoever migrates holds: "STEN"."""


def migrate(engine: Engine) -> None:
    with engine.connect() as db:
        if _is_current(db):
            return
    with engine.execution_options(writes=True).begin() as db:  # on SQLite this is the lock
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        if not _is_current(db):
            upgrade(db)


def upgrade(db: Connection) -> None:
    # Imported late: most starts find the schema as it should be.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = db
    command.upgrade(config, VERSION)


def _is_current(db: Connection) -> bool:
    if not inspect(db).has_table("alembic_version"):
        return False
    version = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if version is not None and int(version) > int(VERSION):
        raise BadSettings(
            f"store: the database is of a newer Stenowire (schema {version}, this one knows {VERSION}): update this one"
        )
    return version == VERSION
