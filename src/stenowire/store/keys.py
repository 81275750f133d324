"""Who may come in: the ring of API keys that a server holds in memory.

Input: the keys of the settings and of the store. Output: who stands behind a key, without asking the database;
`refresh` takes over what has changed there. Only hashes are held. A key made here has 256 random bits, so that no slow
hash is needed (which would let anyone burn processor time at the door). It knows nothing of sockets or logs.
"""

import hashlib
import hmac
import threading
import time
from pathlib import Path

import msgspec

from stenowire.errors import InvalidApiKey, ServiceUnavailable
from stenowire.settings import BadSettings, Settings
from stenowire.store.accounts import ID_CHARS, SCOPES, Accounts, Book, Limits, new_key, tenant_of_digest
from stenowire.store.connect import Store
from stenowire.store.pepper import Pepper

PREFIX = "sk-"
DIGEST_BYTES = 32


class Tenant(msgspec.Struct, frozen=True):
    """Whoever holds keys. The name tells tenants apart in logs and cannot be turned back into a key."""

    name: str


class Holder(msgspec.Struct, frozen=True):
    """Who stands behind a good key, and what the key may do."""

    key: str
    """Its id, which is no secret."""
    tenant: Tenant
    scopes: frozenset[str] = SCOPES
    expires: float | None = None


class StoredDigest(msgspec.Struct, frozen=True):
    """One line of `keys.json`, where former versions kept keys."""

    sha256: str
    """Hex digest of the whole key."""


Entry = tuple[bytes, Holder]
"""The hash of a key, and who holds it."""
NO_ENTRY: Entry = (bytes(DIGEST_BYTES), Holder("", Tenant("")))
"""Compared with what is looked up and not there, so that this takes the same time. It is the hash of no key."""


class KeyRing:
    """The keys that open the door."""

    def __init__(self, accounts: Accounts, pepper: Pepper, settings: Settings) -> None:
        self.accounts = accounts
        self.pepper = pepper
        self.source = ""
        """For people: where the keys come from."""
        self.made: str | None = None
        """The key that was made just now, to be shown once; None at every later start."""
        self._default = Limits(
            tasks_per_s=settings.tenant_tasks_per_s,
            streams=settings.tenant_streams,
            audio_s_per_day=settings.tenant_audio_s_per_day,
        )
        self._own: list[Entry] = []
        """Of this process alone: keys of the settings, and ephemeral ones."""
        self._findable: dict[str, Entry] = {}
        self._others: list[Entry] = []
        self._limits: dict[str, Limits] = {}
        self._version = -1
        self._refreshing = threading.Lock()

    @classmethod
    def open(cls, settings: Settings) -> "KeyRing":
        """The ring that the settings describe. Raises BadSettings when its keys cannot be had."""
        pepper = Pepper.of(settings)
        ring = cls(Accounts(Store.of(settings), pepper), pepper, settings)
        for key in settings.api_keys:
            ring.add(key.get_secret_value())
        try:
            ring._begin(settings)
        except ServiceUnavailable:
            if not settings.api_keys:
                raise BadSettings(f"store: cannot keep keys in {ring.accounts.store.place}") from None
        return ring

    def _begin(self, settings: Settings) -> None:
        store = self.accounts.store
        self.source = f"kept hashed in {store.place}"
        if settings.api_keys:
            self.source = "the api_keys setting"
            if not store.begun:
                return
            self.source += f", and those kept hashed in {store.place}"
        else:
            self._import(settings.data / "keys.json")
            made = self.accounts.create_first_key()
            self.made = made[0] if made else None
        self.refresh()

    def _import(self, path: Path) -> None:
        """Take over the keys that a former version kept in a file; the file then steps aside."""
        if not path.exists():
            return
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=list[StoredDigest])
            digests = [bytes.fromhex(key.sha256) for key in stored]
            if not digests or any(len(known) != DIGEST_BYTES for known in digests):
                raise ValueError("not a list of SHA-256 digests")
            self.accounts.import_digests(digests)
            path.rename(path.with_name("keys.json.imported"))
        except FileNotFoundError:
            return  # another process that starts now has taken it over
        except OSError as error:
            raise BadSettings(f"data: cannot keep keys in {path.parent}: {error.strerror or error}") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise BadSettings(f"data: {path} is damaged ({error}); delete it to have a new key made") from None

    # ---- who is it ----------------------------------------------------------------------------------------------

    def find(self, key: str) -> Holder:
        """Who holds the key. Takes the same time whether and wherever it matches. Raises InvalidApiKey."""
        offered = self.pepper.mac(key)
        id = key[len(PREFIX) : len(PREFIX) + ID_CHARS]
        found: Holder | None = None
        for known, holder in (self._findable.get(id, NO_ENTRY), *self._others, *self._own):
            if hmac.compare_digest(known, offered):
                found = holder
        if found is None or _is_over(found):
            raise InvalidApiKey("Invalid API-key provided.")
        return found

    def holder(self, id: str) -> Holder:
        """Who holds the key of this id. Raises InvalidApiKey when it would not be let in now."""
        entries = [self._findable[id]] if id in self._findable else [*self._others, *self._own]
        for _, holder in entries:
            if holder.key == id and not _is_over(holder):
                return holder
        raise InvalidApiKey("Invalid API-key provided.")

    def named(self, name: str) -> Tenant:
        """The tenant of that name. Raises InvalidApiKey when it has no good key any more."""
        for _, holder in self._all():
            if holder.tenant.name == name and not _is_over(holder):
                return holder.tenant
        raise InvalidApiKey("Invalid API-key provided.")

    @property
    def owner(self) -> Tenant:
        """Whose link to the captions page the server prints: the tenant of its first key."""
        for _, holder in self._all():
            return holder.tenant
        return Tenant("default")

    def limits(self, tenant: str) -> Limits:
        """None of them is None."""
        own = self._limits.get(tenant, Limits())
        given = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self._default, **given)

    # ---- what changes -------------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take over what has changed in the store; whether anything had. Blocks. Raises ServiceUnavailable."""
        if not self.accounts.store.begun:
            return False
        with self._refreshing:
            if self.accounts.version() == self._version:
                return False
            self._take(self.accounts.book())
            return True

    def add(self, key: str) -> None:
        """A key of this process alone. It is a tenant of its own."""
        tenant = Tenant(tenant_of_digest(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()))
        self._own.append((self.pepper.mac(key), Holder(tenant.name.removeprefix("tenant-"), tenant)))

    def add_ephemeral(self) -> str:
        """A fresh key that lives as long as this process."""
        _, key = new_key()
        self.add(key)
        return key

    def _take(self, book: Book) -> None:
        tenants: dict[str, Tenant] = {}
        findable, others = dict[str, Entry](), list[Entry]()
        for stored in book.keys:
            key = stored.key
            tenant = tenants.setdefault(key.tenant, Tenant(key.tenant))
            entry = stored.mac, Holder(key.id, tenant, key.scopes, key.expires)
            if stored.findable:
                findable[key.id] = entry
            else:
                others.append(entry)
        self._findable, self._others, self._limits, self._version = findable, others, book.limits, book.version

    def _all(self) -> list[Entry]:
        return [*self._own, *self._others, *self._findable.values()]


def bearer(authorization: str) -> str:
    """The key in the header; the scheme in any case, extra blanks tolerated. "" fits nobody."""
    scheme, _, key = authorization.strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _is_over(holder: Holder) -> bool:
    return holder.expires is not None and time.time() >= holder.expires
