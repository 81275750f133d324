"""The tables of the shared store, as data: who may do what, the lists that belong to them, and what they used.

Input: none. Output: SQLAlchemy tables, the same on SQLite and PostgreSQL. Times are seconds since 1970, UTC. What is
written here must be what the migrations build: `tests/store/test_migrations.py` compares them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

VERSION = "0001"
"""The newest migration in `migrations/versions`. Versions are numbers, so that a newer one is known as such."""

metadata = MetaData()

tenants = Table(
    "tenants",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created", Double, nullable=False),
    # A limit that is NULL is the one of the settings; 0 is no limit.
    Column("tasks_per_s", Integer),
    Column("streams", Integer),
    Column("audio_s_per_day", Integer),
)
"""Tenants of keys that the settings hold need no row."""

keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    # HMAC-SHA256, under the server's pepper, of the SHA-256 of the whole key.
    Column("mac", LargeBinary(32), nullable=False, unique=True),
    # Whether the key begins with its id, so that it can be looked up; keys of former versions do not.
    Column("findable", Boolean, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("used", Double),
)

vocabularies = Table(
    "vocabularies",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("target_model", String(64), nullable=False),
    Column("entries", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Column("modified", Double, nullable=False),
    Column("status", String(16), nullable=False),
    Index("vocabularies_of_tenant", "tenant", "prefix", "created"),
)

usage = Table(
    "usage",
    metadata,
    # Of a key; "" for what was done without one, such as work in the background.
    Column("key", String(16), primary_key=True),
    # Days since 1970, UTC.
    Column("day", Integer, primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("sessions", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("audio_ms", BigInteger, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("topic", String(16), primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""Counts the changes of a topic, such as "access": other processes see by one small read whether there was any."""

facts = Table(
    "facts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""What is true of the whole store: "pepper" is a fingerprint of the pepper that its keys were hashed with."""
