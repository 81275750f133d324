"""Watches the store for keys that were made, revoked or limited, by whatever process.

Input: the ring of keys. Output: a ring that is never older than a second, and word when it has changed or time has
passed. While the store is away the ring stays as it is: those who are known come in, those who are not are told to try
again. The database is asked in threads, never by more than one at a time.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from stenowire.errors import InvalidApiKey, ServiceUnavailable
from stenowire.settings import BadSettings
from stenowire.store.keys import KeyRing

log = structlog.get_logger(__name__)

T = TypeVar("T")

POLL_S = 1.0
"""A revoked key ends its connections within about this, and the time of one small read."""

TROUBLE_S = 3.0
"""The same, while the store does not answer."""


class Watch:
    def __init__(self, keys: KeyRing, look: Callable[[], None]) -> None:
        """`look` is called after every poll: keys also end by the clock."""
        self._keys = keys
        self._look = look
        self._asking: asyncio.Task[object] | None = None
        self.well = True
        """Whether the store answered when it was last asked."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(POLL_S if self.well else TROUBLE_S)
            try:
                await self.refresh()
            except ServiceUnavailable:
                pass
            except BadSettings as error:
                log.error("keys cannot be read", reason=str(error))
            self._look()

    async def known(self, find: Callable[[], T]) -> T:
        """What `find` finds. When it knows no such key, the store is asked first: the key may be a moment old."""
        try:
            return find()
        except InvalidApiKey:
            await self.refresh()
        return find()

    async def refresh(self) -> None:
        """Take over all that has changed by now. Raises ServiceUnavailable."""
        if not self._keys.accounts.store.begun:
            return
        before = self._asking
        if before is not None and not before.done():
            await asyncio.wait([before])  # it may have looked too early
        if self._asking is before:
            self._asking = asyncio.create_task(asyncio.to_thread(self._keys.refresh))
        assert self._asking is not None
        try:
            await asyncio.shield(self._asking)
        except ServiceUnavailable:
            self.well = False
            raise
        self.well = True
