"""Who may come in: the ring of API keys.

Input: the keys of the settings, or the one kept in `<data>/keys.json`, made at first start. Output: the tenant behind
an `Authorization` header. Only SHA-256 digests are held and stored; a key made here has 256 random bits, so that no
slow hash is needed (which would let anyone burn processor time at the door). It knows nothing of sockets or logs.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from stenowire.errors import InvalidApiKey
from stenowire.settings import BadSettings, Settings

KEY_BITS = 256


class Tenant(msgspec.Struct, frozen=True):
    """Whoever holds one key. The name tells tenants apart in logs and cannot be turned back into the key."""

    name: str


class StoredKey(msgspec.Struct, frozen=True):
    """One line of `keys.json`."""

    sha256: str
    """Hex digest of the whole key."""


def make_key() -> str:
    return "sk-" + secrets.token_hex(KEY_BITS // 8)


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def bearer(authorization: str) -> str:
    """The key in the header; the scheme in any case, extra blanks tolerated. "" fits nobody."""
    scheme, _, key = authorization.strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


class KeyRing:
    """The keys that open the door."""

    def __init__(self, source: str, digests: list[bytes], made: str | None = None) -> None:
        self.source = source
        """For people: where the keys come from."""
        self.made = made
        """The key that was made just now, to be shown once; None at every later start."""
        self._tenants: list[tuple[bytes, Tenant]] = []
        for known in digests:
            self._add(known)

    @classmethod
    def open(cls, settings: Settings) -> "KeyRing":
        """The ring that the settings describe. Raises BadSettings when the key file cannot be used."""
        if settings.api_keys:
            return cls("the api_keys setting", [digest(key.get_secret_value()) for key in settings.api_keys])
        path = settings.data / "keys.json"
        try:
            if not path.exists():
                made = make_key()
                if _write_once(path, [StoredKey(digest(made).hex())]):
                    return cls(f"made at first start, kept hashed in {path}", [digest(made)], made)
            stored = msgspec.json.decode(path.read_bytes(), type=list[StoredKey])
            digests = [bytes.fromhex(key.sha256) for key in stored]
            if not digests or any(len(known) != KEY_BITS // 8 for known in digests):
                raise ValueError("not a list of SHA-256 digests")
        except OSError as error:
            raise BadSettings(f"data: cannot keep keys in {path}: {error.strerror or error}") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise BadSettings(f"data: {path} is damaged ({error}); delete it to have a new key made") from None
        return cls(f"made at first start, kept hashed in {path}", digests)

    def check(self, authorization: str | None) -> Tenant:
        """The tenant of an `Authorization: Bearer <key>` header."""
        return self.check_key(bearer(authorization or ""))

    def check_key(self, key: str) -> Tenant:
        """The tenant of a bare key. Takes the same time whether and wherever it matches."""
        offered = digest(key)
        found: Tenant | None = None
        for known, tenant in self._tenants:
            if hmac.compare_digest(known, offered):
                found = tenant
        if found is None:
            raise InvalidApiKey("Invalid API-key provided.")
        return found

    def named(self, name: str) -> Tenant:
        """The tenant of that name. Raises InvalidApiKey when its key is no longer here."""
        for _, tenant in self._tenants:
            if tenant.name == name:
                return tenant
        raise InvalidApiKey("Invalid API-key provided.")

    @property
    def owner(self) -> Tenant:
        """Who opens the captions page by the link that the server prints: the tenant of the first key."""
        return self._tenants[0][1]

    def add_ephemeral(self) -> str:
        """A fresh key that lives as long as this process."""
        key = make_key()
        self._add(digest(key))
        return key

    def _add(self, known: bytes) -> None:
        self._tenants.append((known, Tenant("tenant-" + hashlib.sha256(known).hexdigest()[:8])))


def _write_once(path: Path, keys: list[StoredKey]) -> bool:
    """Write the file whole, readable by its owner only. False when another process wrote one first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(keys))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
