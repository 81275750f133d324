"""Sealed keys: temporary keys that hold their own meaning, so that they outlive a restart and need no table.

Input: what a key is for. Output: its text, and later what it is for. A key is `sw-`, the claim in base64, a point and
its HMAC-SHA-256 (RFC 2104) under a secret of this server, kept in the data folder with mode 0600; whoever deletes that
file ends all sealed keys. It knows nothing of sockets.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import structlog

log = structlog.get_logger(__name__)

PREFIX = "sw-"
SECRET_BYTES = 32
MOST_CHARS = 512
"""A key is never longer: the name in it has at most 64 characters."""

Purpose = Literal["link", "page", "captions"]
"""link: may be changed into a page key. page: recognition, for a page. captions: may read the captions of `name`."""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    purpose: Purpose
    tenant: str
    ends_at: int
    """Seconds since 1970."""
    name: str = ""


class Seal:
    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """`path` is read, or made, when a key is first sealed or opened."""
        self._path = path
        self._clock = clock
        self._secret = b""

    def issue(self, purpose: Purpose, tenant: str, seconds: int, name: str = "") -> tuple[str, int]:
        """A key that is good for so long, and when it ends, in seconds since 1970."""
        ends_at = int(self._clock()) + seconds
        claim = msgspec.json.encode(Claim(purpose, tenant, ends_at, name))
        return f"{PREFIX}{_coded(claim)}.{_coded(self._mac(claim))}", ends_at

    def open(self, key: str) -> Claim | None:
        """What the key is for; None when it is not ours, was changed, or has ended."""
        if not key.startswith(PREFIX) or len(key) > MOST_CHARS or not key.isascii():
            return None
        claim, _, mac = key.removeprefix(PREFIX).partition(".")
        try:
            told = _decoded(claim)
            if not hmac.compare_digest(_decoded(mac), self._mac(told)):
                return None
            opened = msgspec.json.decode(told, type=Claim)
        except (binascii.Error, ValueError):
            return None
        return opened if self._clock() < opened.ends_at else None

    def _mac(self, claim: bytes) -> bytes:
        self._secret = self._secret or _kept_secret(self._path)
        return hmac.digest(self._secret, claim, hashlib.sha256)


def _kept_secret(path: Path) -> bytes:
    """The secret in the file, made now if there is none; where nothing can be kept, one that ends with the process."""
    made = secrets.token_bytes(SECRET_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(made)
            os.link(draft, path)
        except FileExistsError:
            kept = path.read_bytes()
            if len(kept) == SECRET_BYTES:
                return kept
            log.warning("the secret of sealed keys is damaged: they end with this process", path=str(path))
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        log.warning("sealed keys end with this process", path=str(path), reason=error.strerror)
    return made


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
