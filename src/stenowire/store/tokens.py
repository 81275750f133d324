"""Temporary keys: short-lived stand-ins for a permanent key, to be given to a browser.

Input: the tenant who asks for one. Output: the token, and later who stands behind it. Only SHA-256 digests are held, in
memory: a restart ends all of them, which costs a client one more request. It knows nothing of sockets or logs.
"""

import hashlib
import secrets
import time
from collections.abc import Callable

import msgspec

from stenowire.errors import Throttled
from stenowire.store.keys import Tenant

PREFIX = "st-"
TOKEN_BITS = 256
MOST_TOKENS = 10_000
"""Valid at once, of all tenants: some 3 MB."""


class Grant(msgspec.Struct, frozen=True):
    tenant: Tenant
    ends_at: float
    """On the clock of the tokens."""
    update: str | None = None
    """A client's event that opens each connection made with the token, as if the client had sent it."""


class Tokens:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[bytes, Grant] = {}

    def issue(self, tenant: Tenant, seconds: int, update: str | None = None) -> str:
        """A fresh token that is good for so long. Raises Throttled when too many are out."""
        if len(self._grants) >= MOST_TOKENS:
            self._forget_old()
        if len(self._grants) >= MOST_TOKENS:
            raise Throttled(f"Too many temporary keys are valid at once (limit {MOST_TOKENS}).")
        token = PREFIX + secrets.token_urlsafe(TOKEN_BITS // 8)
        self._grants[_digest(token)] = Grant(tenant, self._clock() + seconds, update)
        return token

    def find(self, token: str) -> Grant | None:
        """What it stands for; None when it never was, or has ended."""
        grant = self._grants.get(_digest(token))
        return grant if grant is not None and self._clock() < grant.ends_at else None

    def _forget_old(self) -> None:
        now = self._clock()
        self._grants = {digest: grant for digest, grant in self._grants.items() if now < grant.ends_at}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
