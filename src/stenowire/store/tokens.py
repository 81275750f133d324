"""Temporary keys: short-lived stand-ins for a permanent key, to be given to a browser.

Input: the id of the key that asks for one. Output: the token, and later what it stands for. A token is sealed: it holds
its own meaning, so that every process with the same pepper and the same keys knows it, also after a restart. It is good
no longer than the key that made it. It knows nothing of sockets or logs.
"""

import time
from collections.abc import Callable

import msgspec

from stenowire.errors import InvalidParameter
from stenowire.store.pepper import Pepper
from stenowire.store.sealed import seal, unseal

PREFIX = "st-"
MOST_CHARS = 6000
"""Of a token: header lines of up to 8 KiB pass every common proxy."""


class Grant(msgspec.Struct, frozen=True, array_like=True):
    key: str
    """The id of the permanent key."""
    ends_at: float
    """On the clock of the tokens."""
    update: str | None = None
    """A client's event that opens each connection made with the token, as if the client had sent it."""


class Tokens:
    def __init__(self, pepper: Pepper, clock: Callable[[], float] = time.time) -> None:
        self._pepper = pepper
        self._clock = clock

    def issue(self, key: str, seconds: int, update: str | None = None) -> str:
        """A fresh token for the key of this id, good for so long. Raises InvalidParameter when the update is long."""
        token = seal(self._pepper, PREFIX, Grant(key, self._clock() + seconds, update))
        if len(token) > MOST_CHARS:
            raise InvalidParameter("session: too long to travel in a temporary key; send it as an update", "session")
        return token

    def find(self, token: str) -> Grant | None:
        """What it stands for; None when it never was, or has ended."""
        grant = unseal(self._pepper, PREFIX, token, Grant, MOST_CHARS)
        return grant if grant is not None and self._clock() < grant.ends_at else None
