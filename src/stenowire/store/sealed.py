"""Sealed keys: temporary keys that hold their own meaning, so that they outlive a restart and need no table.

Input: what a key is for. Output: its text, and later what it is for. A key is a prefix, the claim in base64, a point
and its HMAC-SHA-256 (RFC 2104) under the server's pepper: any process with the same pepper can open them, and whoever
changes the pepper ends them all. It knows nothing of sockets.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from stenowire.store.pepper import Pepper

T = TypeVar("T")
PREFIX = "sw-"
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
    def __init__(self, pepper: Pepper, clock: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._clock = clock

    def issue(self, purpose: Purpose, tenant: str, seconds: int, name: str = "") -> tuple[str, int]:
        """A key that is good for so long, and when it ends, in seconds since 1970."""
        ends_at = int(self._clock()) + seconds
        return seal(self._pepper, PREFIX, Claim(purpose, tenant, ends_at, name)), ends_at

    def open(self, key: str) -> Claim | None:
        """What the key is for; None when it is not ours, was changed, or has ended."""
        opened = unseal(self._pepper, PREFIX, key, Claim, MOST_CHARS)
        return opened if opened is not None and self._clock() < opened.ends_at else None


def seal(pepper: Pepper, prefix: str, claim: msgspec.Struct) -> str:
    told = msgspec.json.encode(claim)
    return f"{prefix}{_coded(told)}.{_coded(pepper.sign(prefix.encode(), told))}"


def unseal(pepper: Pepper, prefix: str, key: str, type: type[T], most_chars: int) -> T | None:
    """What was sealed with this prefix; None when it was not sealed here, or was changed."""
    if not key.startswith(prefix) or len(key) > most_chars or not key.isascii():
        return None
    claim, _, mac = key.removeprefix(prefix).partition(".")
    try:
        told = _decoded(claim)
        if not hmac.compare_digest(_decoded(mac), pepper.sign(prefix.encode(), told)):
            return None
        return msgspec.json.decode(told, type=type)
    except (binascii.Error, ValueError):
        return None


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
