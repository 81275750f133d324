"""Quotas of several processes, counted in Redis, exactly: each question is one script that Redis runs whole.

Input: as `quotas`. Output: as there. A session holds its place by a lease that is renewed; those of a process that died
run out. A lease that ran out (this process could not reach Redis for long) is taken up again only where there is still
room, so that it never pushes out another. While Redis is away, sessions that go on do so; whether new ones may begin is
a setting. Times are Redis's own, so clocks of several machines need not agree.
"""

import asyncio
import math
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

import structlog

from stenowire.errors import ServiceUnavailable, Throttled
from stenowire.settings import BadSettings, Settings
from stenowire.store.accounts import Limits
from stenowire.store.quotas import BLOCK_S, DAY_S, RATE, Lease, LocalQuotas, is_unlimited, spent, too_many

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_S = 10.0
ANSWER_S = 1.0
"""How long to wait for Redis."""
REST_S = 2.0
"""How long to leave Redis alone that did not answer."""
AWAY = "Quotas cannot be checked now, please try again later."

TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local id, rate, streams, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 1000000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if streams > 0 and redis.call('ZCARD', KEYS[2]) >= streams then return 'streams' end
if rate > 0 and redis.call('ZCARD', KEYS[1]) >= rate then return 'rate' end
if rate > 0 then
  redis.call('ZADD', KEYS[1], now, id)
  redis.call('PEXPIRE', KEYS[1], 2000)
end
redis.call('ZADD', KEYS[2], now + lease, id)
redis.call('PEXPIRE', KEYS[2], lease / 500)
return 'taken'
"""
"""KEYS: beginnings, leases. ARGV: id, most beginnings within a second, most leases, length of a lease in us."""

RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local id, streams, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not redis.call('ZSCORE', KEYS[1], id) then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  if streams > 0 and redis.call('ZCARD', KEYS[1]) >= streams then return 0 end
end
redis.call('ZADD', KEYS[1], now + lease, id)
redis.call('PEXPIRE', KEYS[1], lease / 500)
return 1
"""
"""KEYS: leases. ARGV: id, most leases, length in us."""

GRANT = """
local need, block, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left = most - tonumber(redis.call('GET', KEYS[1]) or '0')
if left < need then return -1 end
local granted = math.min(left, math.max(need, block))
redis.call('INCRBY', KEYS[1], granted)
redis.call('EXPIRE', KEYS[1], 172800)
return granted
"""
"""KEYS: audio of the day in ms. ARGV, in ms: needed, usual block, most of the day."""


class RedisQuotas:
    def __init__(self, settings: Settings) -> None:
        """Raises BadSettings when the URL is none, or the client is not installed."""
        assert settings.redis is not None
        self._redis = connect(settings.redis.get_secret_value())
        self._take = self._redis.register_script(TAKE)
        self._renew = self._redis.register_script(RENEW)
        self._grant = self._redis.register_script(GRANT)
        self._local = LocalQuotas() if settings.quotas_without_redis == "local" else None
        self._leases: set[Lease] = set()
        self._away_until = 0.0

    @property
    def well(self) -> bool:
        return time.monotonic() >= self._away_until

    async def take(self, id: str, tenant: str, limits: Limits) -> Lease:
        if is_unlimited(limits):
            return Lease(id, tenant, limits)
        lease = Lease(id, tenant, limits, granted_s=0.0 if limits.audio_s_per_day else math.inf)
        args: list[str | int] = [id, limits.tasks_per_s or 0, limits.streams or 0, round(LEASE_S * 1e6)]
        try:
            said = await self._ask(self._take(keys=[_key(tenant, "begun"), _key(tenant, "streams")], args=args))
        except ServiceUnavailable:
            if self._local is None:
                raise
            lease = await self._local.take(id, tenant, limits)
            lease.local = True
            return lease
        if said == b"streams":
            raise too_many(limits)
        if said == b"rate":
            raise Throttled(RATE)
        self._leases.add(lease)
        try:
            await self.afford(lease, 0.001)
        except Throttled:
            await self.free(lease, 0.0)
            raise
        return lease

    async def afford(self, lease: Lease, audio_s: float) -> None:
        if lease.lost:
            raise too_many(lease.limits)
        if lease.local and self._local is not None:
            return await self._local.afford(lease, audio_s)
        if audio_s <= lease.granted_s:
            return
        day = int(time.time() // DAY_S)
        need_ms = math.ceil((audio_s - lease.granted_s) * 1000)
        args = [need_ms, round(BLOCK_S * 1000), (lease.limits.audio_s_per_day or 0) * 1000]
        try:
            granted_ms = await self._ask(self._grant(keys=[_key(lease.tenant, f"audio:{day}")], args=args))
        except ServiceUnavailable:
            return  # who speaks already goes on; what is heard meanwhile is asked for when Redis is back
        if granted_ms < 0:
            raise spent(lease.limits)
        lease.granted_s += granted_ms / 1000
        lease.day = day

    async def free(self, lease: Lease, audio_s: float) -> None:
        self._leases.discard(lease)
        if is_unlimited(lease.limits):
            return
        if lease.local and self._local is not None:
            return await self._local.free(lease, audio_s)
        unused_ms = round((lease.granted_s - audio_s) * 1000) if math.isfinite(lease.granted_s) else 0
        try:
            await self._ask(self._redis.zrem(_key(lease.tenant, "streams"), lease.id))
            if unused_ms > 0 and lease.day == int(time.time() // DAY_S):
                await self._ask(self._redis.decrby(_key(lease.tenant, f"audio:{lease.day}"), unused_ms))
        except ServiceUnavailable:
            return  # it runs out by itself

    async def run(self) -> None:
        try:
            while True:
                await asyncio.sleep(RENEW_S)
                for lease in list(self._leases):
                    await self._keep(lease)
        finally:
            await self._redis.aclose()

    async def _keep(self, lease: Lease) -> None:
        args: list[str | int] = [lease.id, lease.limits.streams or 0, round(LEASE_S * 1e6)]
        try:
            kept = await self._ask(self._renew(keys=[_key(lease.tenant, "streams")], args=args))
        except ServiceUnavailable:
            return
        if lease not in self._leases:  # it was freed meanwhile
            await self.free(lease, lease.granted_s)
        elif not kept:
            log.warning("a session has lost its place to others", tenant=lease.tenant)
            lease.lost = True
            self._leases.discard(lease)

    async def _ask(self, question: Awaitable[Any]) -> Any:
        """Raises ServiceUnavailable, at once when Redis has just failed."""
        from redis.exceptions import RedisError

        if not self.well:
            cast(Any, question).close()
            raise ServiceUnavailable(AWAY)
        try:
            return await question
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + REST_S
            log.error("redis failed", reason=type(error).__name__)
            raise ServiceUnavailable(AWAY) from None


def connect(url: str) -> "Redis":
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ModuleNotFoundError:
        raise BadSettings("redis: it needs its client: pip install 'stenowire[redis]'") from None
    try:
        # One retry: a connection that lay idle may have been closed by the other side.
        return Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=Retry(NoBackoff(), 1)
        )
    except ValueError:
        raise BadSettings("redis: not a URL like redis://:password@host:6379/0") from None


def _key(tenant: str, what: str) -> str:
    """In braces: all keys of one tenant lie together in a cluster."""
    return f"stenowire:{{{tenant}}}:{what}"
