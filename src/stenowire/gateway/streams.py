"""Who is heard now: each session's place in the server and in the quotas of its tenant, and what it uses.

Input: callers that begin sessions, the seconds of audio that these hear. Output: streams, or Throttled; sums of usage,
written every few seconds and at the end. It knows no sockets and no engines.
"""

import asyncio
import contextlib
import uuid

import structlog

from stenowire.errors import ServiceUnavailable
from stenowire.gateway.admission import Admission
from stenowire.gateway.credentials import Caller
from stenowire.settings import BadSettings
from stenowire.store.keys import KeyRing
from stenowire.store.quotas import Lease, Quotas
from stenowire.store.usage import Usage

log = structlog.get_logger(__name__)

WRITE_S = 5.0
"""A killed process loses the usage of at most so long."""
TROUBLE_S = 30.0
"""How long to leave a store alone that could not be written."""


class Stream:
    """One session, as far as counting goes."""

    def __init__(self, caller: Caller, lease: Lease, quotas: Quotas) -> None:
        self.caller = caller
        self.lease = lease
        self.audio_s = 0.0
        self._quotas = quotas
        self._counted_ms = 0

    async def heard(self, audio_s: float) -> None:
        """So much by now, since it began. Raises Throttled when that is more than there is."""
        self.audio_s = audio_s
        if audio_s > self.lease.granted_s or self.lease.lost:
            await self._quotas.afford(self.lease, audio_s)

    def uncounted_ms(self) -> int:
        """Heard since this was last asked."""
        before, self._counted_ms = self._counted_ms, round(self.audio_s * 1000)
        return self._counted_ms - before


class Streams:
    def __init__(self, keys: KeyRing, admission: Admission, quotas: Quotas, usage: Usage | None) -> None:
        """Without `usage` none is kept."""
        self._keys = keys
        self._admission = admission
        self.quotas = quotas
        self._usage = usage
        self._open: set[Stream] = set()
        self._freeing: set[asyncio.Task[None]] = set()

    async def take(self, caller: Caller) -> Stream:
        """A place for one more session. Raises Throttled or ServiceUnavailable."""
        self._admission.take_stream()
        try:
            limits = self._keys.limits(caller.tenant.name)
            lease = await self.quotas.take(uuid.uuid4().hex, caller.tenant.name, limits)
        except BaseException:
            self._admission.free_stream()
            raise
        stream = Stream(caller, lease, self.quotas)
        self._open.add(stream)
        self._note(caller, sessions=1)
        return stream

    def free(self, stream: Stream) -> None:
        self._admission.free_stream()
        self._open.discard(stream)
        self._note(stream.caller, audio_ms=stream.uncounted_ms())
        freeing = asyncio.ensure_future(self.quotas.free(stream.lease, stream.audio_s))
        self._freeing.add(freeing)
        freeing.add_done_callback(self._freeing.discard)

    def requested(self, caller: Caller) -> None:
        self._note(caller, requests=1)

    async def run(self) -> None:
        """Until cancelled; what is not written then is written last."""
        keeping = asyncio.create_task(self.quotas.run())
        try:
            while True:
                wait_s = WRITE_S if await self._write() else TROUBLE_S
                await asyncio.sleep(wait_s)
        finally:
            await asyncio.gather(*self._freeing, return_exceptions=True)
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
            await self._write()

    async def _write(self) -> bool:
        """Whether nothing is left to be written."""
        if self._usage is None:
            return True
        for stream in self._open:
            self._note(stream.caller, audio_ms=stream.uncounted_ms())
        batch = self._usage.take()
        if not batch:
            return True
        try:
            await asyncio.to_thread(self._usage.write, batch)
        except (ServiceUnavailable, BadSettings):
            log.warning("usage waits to be written", rows=len(batch))
            self._usage.put_back(batch)
            return False
        return True

    def _note(self, caller: Caller, *, sessions: int = 0, requests: int = 0, audio_ms: int = 0) -> None:
        if self._usage is not None and (sessions or requests or audio_ms):
            name = caller.tenant.name
            self._usage.add(caller.key, name, sessions=sessions, requests=requests, audio_ms=audio_ms)
