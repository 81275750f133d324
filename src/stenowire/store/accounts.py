"""Tenants and their keys in the store: made, listed, limited, revoked, deleted.

Input: what an administrator asks. Output: rows, and whole keys when they are made and never again. Each change counts
up `changes`, by which servers that run see it. All calls block; they raise ServiceUnavailable when the store cannot be
had, and InvalidParameter when what was asked makes no sense.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update

from stenowire.errors import InvalidParameter
from stenowire.settings import BadSettings
from stenowire.store import schema
from stenowire.store.connect import Store
from stenowire.store.pepper import Pepper

Scope = Literal["recognise", "vocabulary", "captions-read", "history", "admin"]
"""What a key may do: have speech recognised; change lists of hot words; read captions; read and delete what the history
kept; whatever else there will be."""
SCOPES: frozenset[str] = frozenset(get_args(Scope))
USUAL_SCOPES = frozenset({"recognise", "vocabulary", "captions-read", "history"})

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
ID_CHARS = 8
ID_ALPHABET = "abcdefghijkmnopqrstuvwxyz23456789"
SECRET_BYTES = 32
ACCESS = "access"
"""The topic of `changes`."""
FIRST_TENANT = "default"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of one tenant; 0 is no limit. In the store, None is what the settings say."""

    tasks_per_s: int | None = None
    streams: int | None = None
    audio_s_per_day: int | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """All that is stored of a key, but for its hash."""

    id: str
    tenant: str
    name: str
    scopes: frozenset[str]
    created: float
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    created: float
    limits: Limits
    keys: int
    """That are not revoked."""


class StoredKey(msgspec.Struct, frozen=True):
    key: Key
    mac: bytes
    findable: bool


class Book(msgspec.Struct, frozen=True):
    """All that a server has to know."""

    version: int
    keys: list[StoredKey]
    limits: dict[str, Limits]


class Accounts:
    def __init__(self, store: Store, pepper: Pepper) -> None:
        self.store = store
        self._pepper = pepper

    # ---- keys ---------------------------------------------------------------------------------------------------

    def create_key(
        self,
        tenant: str,
        name: str = "",
        scopes: Collection[str] = USUAL_SCOPES,
        lifetime_s: float | None = None,
    ) -> tuple[str, Key]:
        """The whole key, which is stored nowhere, and what is stored of it. The tenant is made when it is new."""
        _check(scopes)
        with self.store.writing() as db:
            _turn(db)
            self._own(db)
            return self._create(db, tenant, name, scopes, lifetime_s)

    def create_first_key(self) -> tuple[str, Key] | None:
        """None when there are keys already, or ever were: of several processes that start at once, one makes it."""
        with self.store.writing() as db:
            _turn(db)
            self._own(db)
            if db.execute(select(schema.keys.c.id).limit(1)).first() is not None:
                return None
            return self._create(db, FIRST_TENANT, "made at first start", SCOPES, None)

    def import_digests(self, digests: Sequence[bytes]) -> None:
        """Take over keys of which only the SHA-256 is known. Each stays the tenant that it was. Harmless twice."""
        with self.store.writing() as db:
            _turn(db)
            self._own(db)
            known = set(db.execute(select(schema.keys.c.mac)).scalars())
            for digest in digests:
                mac = self._pepper.mac_of_digest(digest)
                if mac not in known:
                    tenant = tenant_of_digest(digest)
                    _add(db, new_id(), tenant, "from keys.json", mac, SCOPES, None, findable=False)

    def list_keys(self, tenant: str | None = None) -> list[Key]:
        wanted = select(schema.keys).order_by(schema.keys.c.created, schema.keys.c.id)
        if tenant is not None:
            wanted = wanted.where(schema.keys.c.tenant == tenant)
        with self.store.reading() as db:
            return [_key(row) for row in db.execute(wanted)]

    def revoke(self, id: str) -> Key | None:
        """The key that is good no more; None when there is none of that id. Harmless twice."""
        found = schema.keys.c.id == id
        with self.store.writing() as db:
            _turn(db)
            db.execute(update(schema.keys).where(found, schema.keys.c.revoked.is_(None)).values(revoked=time.time()))
            row = db.execute(select(schema.keys).where(found)).first()
            return None if row is None else _key(row)

    # ---- tenants ------------------------------------------------------------------------------------------------

    def create_tenant(self, name: str, limits: Limits) -> None:
        """Raises InvalidParameter when there is one of that name."""
        _check_name(name)
        with self.store.writing() as db:
            _turn(db)
            if db.execute(select(schema.tenants.c.name).where(schema.tenants.c.name == name)).first() is not None:
                raise InvalidParameter(f"there is a tenant {name} already", "name")
            values = msgspec.structs.asdict(limits)
            db.execute(insert(schema.tenants).values(name=name, created=time.time(), **values))

    def limit_tenant(self, name: str, changed: dict[str, int | None]) -> Limits:
        """Change these limits. A tenant of a key in the settings gets a row by it."""
        _check_name(name)
        with self.store.writing() as db:
            _turn(db)
            _have_tenant(db, name)
            if changed:
                db.execute(update(schema.tenants).where(schema.tenants.c.name == name).values(**changed))
            return _limits(db.execute(select(schema.tenants).where(schema.tenants.c.name == name)).one())

    def list_tenants(self) -> list[TenantRow]:
        with self.store.reading() as db:
            tenants = db.execute(select(schema.tenants).order_by(schema.tenants.c.name)).all()
            owners = list(db.execute(select(schema.keys.c.tenant).where(schema.keys.c.revoked.is_(None))).scalars())
        return [
            TenantRow(name=row.name, created=row.created, limits=_limits(row), keys=owners.count(row.name))
            for row in tenants
        ]

    def delete_tenant(self, name: str) -> bool:
        """With its keys, lists of hot words and usage. False when there is nothing of it."""
        with self.store.writing() as db:
            _turn(db)
            owned = (schema.keys, schema.vocabularies, schema.usage)
            gone = [db.execute(delete(table).where(table.c.tenant == name)).rowcount for table in owned]
            gone.append(db.execute(delete(schema.tenants).where(schema.tenants.c.name == name)).rowcount)
        return any(gone)

    # ---- for servers --------------------------------------------------------------------------------------------

    def version(self) -> int:
        """Changes whenever what `book` says does."""
        with self.store.reading() as db:
            return _version(db)

    def book(self) -> Book:
        """Everything about the keys that are good. Raises BadSettings when they were hashed with another pepper."""
        keys, now = schema.keys, time.time()
        good = select(keys).where(keys.c.revoked.is_(None), or_(keys.c.expires.is_(None), keys.c.expires > now))
        with self.store.reading() as db:
            fingerprint = db.execute(select(schema.facts.c.value).where(schema.facts.c.name == "pepper")).scalar()
            self._check_fingerprint(fingerprint)
            stored = [StoredKey(_key(row), row.mac, row.findable) for row in db.execute(good)]
            limits = {row.name: _limits(row) for row in db.execute(select(schema.tenants))}
            return Book(_version(db), stored, limits)

    # ---- inside -------------------------------------------------------------------------------------------------

    def _create(
        self, db: Connection, tenant: str, name: str, scopes: Collection[str], lifetime_s: float | None
    ) -> tuple[str, Key]:
        _check_name(tenant)
        if len(name) > 64 or not name.isprintable():
            raise InvalidParameter("a key's name has at most 64 printable characters", "name")
        id, key = new_key()
        expires = None if lifetime_s is None else time.time() + lifetime_s
        row = _add(db, id, tenant, name, self._pepper.mac(key), scopes, expires, findable=True)
        return key, row

    def _own(self, db: Connection) -> None:
        """Note the pepper with the first key, so that another one is noticed instead of locking everyone out."""
        fingerprint = db.execute(select(schema.facts.c.value).where(schema.facts.c.name == "pepper")).scalar()
        self._check_fingerprint(fingerprint)
        if fingerprint is None:
            db.execute(insert(schema.facts).values(name="pepper", value=self._pepper.fingerprint))

    def _check_fingerprint(self, fingerprint: bytes | None) -> None:
        if fingerprint is not None and fingerprint != self._pepper.fingerprint:
            raise BadSettings(
                f"pepper: the keys in {self.store.place} were made with another pepper; "
                "give this server the same `pepper` setting, or the same file"
            )


def new_id() -> str:
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_CHARS))


def new_key() -> tuple[str, str]:
    """An id, and a key that it can be looked up by: `sk-`, the id, 256 random bits."""
    id = new_id()
    return id, f"sk-{id}{secrets.token_urlsafe(SECRET_BYTES)}"


def tenant_of_digest(digest: bytes) -> str:
    """The tenant of a key without one: a name that cannot be turned back into the key."""
    return "tenant-" + hashlib.sha256(digest).hexdigest()[:8]


def _check(scopes: Collection[str]) -> None:
    unknown = sorted(set(scopes) - SCOPES)
    if unknown or not scopes:
        wrong, known = ", ".join(unknown) or "none", ", ".join(sorted(SCOPES))
        raise InvalidParameter(f"scopes: {wrong}; there are {known}", "scopes")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        reason = "1 to 64 small letters, digits, points, dashes and underscores, the first a letter or digit"
        raise InvalidParameter(f"tenant: {reason}", "tenant")


def _add(
    db: Connection,
    id: str,
    tenant: str,
    name: str,
    mac: bytes,
    scopes: Collection[str],
    expires: float | None,
    findable: bool,
) -> Key:
    now = time.time()
    _have_tenant(db, tenant)
    key = Key(id=id, tenant=tenant, name=name, scopes=frozenset(scopes), created=now, expires=expires)
    values = {**msgspec.structs.asdict(key), "scopes": sorted(scopes), "mac": mac, "findable": findable}
    db.execute(insert(schema.keys).values(values))
    return key


def _have_tenant(db: Connection, name: str) -> None:
    if db.execute(select(schema.tenants.c.name).where(schema.tenants.c.name == name)).first() is None:
        db.execute(insert(schema.tenants).values(name=name, created=time.time()))


def _turn(db: Connection) -> None:
    """Count the change, first of all: until this transaction ends, whoever else changes anything waits."""
    changed = update(schema.changes).where(schema.changes.c.topic == ACCESS)
    db.execute(changed.values(version=schema.changes.c.version + 1))


def _version(db: Connection) -> int:
    return db.execute(select(schema.changes.c.version).where(schema.changes.c.topic == ACCESS)).scalar() or 0


def _key(row: Any) -> Key:
    return Key(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        scopes=frozenset(row.scopes),
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        used=row.used,
    )


def _limits(row: Any) -> Limits:
    return Limits(tasks_per_s=row.tasks_per_s, streams=row.streams, audio_s_per_day=row.audio_s_per_day)
