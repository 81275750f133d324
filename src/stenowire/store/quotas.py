"""What each tenant may use at once, in a second and in a day, counted in this process.

Input: a tenant and its limits, when a session begins; how much it has heard, while it goes on. Output: a lease for the
session, or Throttled. Within one process the counts are exact; `redis_quotas` counts for several. It knows no sockets.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from stenowire.errors import Throttled
from stenowire.store.accounts import Limits

DAY_S = 86_400
BLOCK_S = 10.0
"""Of a day's audio, taken at once: a session that is killed wastes at most this much of it."""
RATE = "Requests rate limit exceeded, please try again later."


class AudioSpent(Throttled):
    """Nothing more today."""

    @property
    def wait_s(self) -> int:
        """Until the next day of UTC."""
        return math.ceil(DAY_S - time.time() % DAY_S)


class Lease(msgspec.Struct, eq=False):
    """One session's part of what its tenant may use."""

    id: str
    tenant: str
    limits: Limits
    granted_s: float = math.inf
    """Audio that it may hear before it has to ask again."""
    day: int = 0
    """From which the newest block was taken, in days since 1970."""
    lost: bool = False
    """Whether another has its place now."""
    local: bool = False
    """Whether it is counted in this process alone."""


class Quotas(Protocol):
    @property
    def well(self) -> bool:
        """Whether quotas can be counted now."""
        ...

    async def take(self, id: str, tenant: str, limits: Limits) -> Lease:
        """A place for one more session. Raises Throttled, or ServiceUnavailable when nobody can tell."""
        ...

    async def afford(self, lease: Lease, audio_s: float) -> None:
        """Make sure that so much audio is granted. Raises Throttled."""
        ...

    async def free(self, lease: Lease, audio_s: float) -> None:
        """The session has ended, and heard so much."""
        ...

    async def run(self) -> None:
        """Keep the leases, until cancelled."""
        ...


def is_unlimited(limits: Limits) -> bool:
    return not (limits.tasks_per_s or limits.streams or limits.audio_s_per_day)


def check_rate(within_s: int, limits: Limits) -> None:
    if limits.tasks_per_s and within_s >= limits.tasks_per_s:
        raise Throttled(RATE)


def check_streams(open_now: int, limits: Limits) -> None:
    if limits.streams and open_now >= limits.streams:
        raise too_many(limits)


def too_many(limits: Limits) -> Throttled:
    return Throttled(f"Too many sessions at once (limit {limits.streams}), please try again later.")


def spent(limits: Limits) -> AudioSpent:
    return AudioSpent(f"The day's audio is used up (limit {limits.audio_s_per_day} s); the next begins at 0:00 UTC.")


class _Counts:
    """Of one tenant."""

    def __init__(self) -> None:
        self.begun: deque[float] = deque()
        """When sessions began, within the last second."""
        self.streams = 0
        self.day = 0
        self.audio_s = 0.0
        """Granted on that day."""


class LocalQuotas:
    """In memory: gone with the process, as are the sessions."""

    well = True

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tenants: dict[str, _Counts] = {}

    async def take(self, id: str, tenant: str, limits: Limits) -> Lease:
        if is_unlimited(limits):
            return Lease(id, tenant, limits)
        counts, now = self._counts(tenant), self._clock()
        while counts.begun and counts.begun[0] <= now - 1.0:
            counts.begun.popleft()
        check_streams(counts.streams, limits)
        check_rate(len(counts.begun), limits)
        lease = Lease(id, tenant, limits, granted_s=0.0 if limits.audio_s_per_day else math.inf)
        if limits.audio_s_per_day:
            self._grant(counts, lease, 0.001)
        counts.begun.append(now)
        counts.streams += 1
        return lease

    async def afford(self, lease: Lease, audio_s: float) -> None:
        if audio_s > lease.granted_s:
            self._grant(self._counts(lease.tenant), lease, audio_s - lease.granted_s)

    async def free(self, lease: Lease, audio_s: float) -> None:
        if is_unlimited(lease.limits):
            return
        counts = self._counts(lease.tenant)
        counts.streams -= 1
        if counts.day == lease.day and math.isfinite(lease.granted_s):
            counts.audio_s -= max(0.0, lease.granted_s - audio_s)

    async def run(self) -> None:
        """Nothing to keep: a lease ends with its session or with the process."""

    def _counts(self, tenant: str) -> _Counts:
        counts = self._tenants.setdefault(tenant, _Counts())
        today = int(self._clock() // DAY_S)
        if counts.day != today:
            counts.day, counts.audio_s = today, 0.0
        return counts

    def _grant(self, counts: _Counts, lease: Lease, need_s: float) -> None:
        left_s = (lease.limits.audio_s_per_day or 0) - counts.audio_s
        if left_s < need_s:
            raise spent(lease.limits)
        block_s = min(left_s, max(need_s, BLOCK_S))
        counts.audio_s += block_s
        lease.granted_s += block_s
        lease.day = counts.day
