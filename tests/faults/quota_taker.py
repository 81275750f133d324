"""Uses up quotas in a process of its own: `python quota_taker.py URL STREAMS TASKS_PER_S AUDIO_S LEASE_S TRIES`.

At a line on stdin it tries to begin that many sessions; each that is granted hears audio, second by second, until none
is left. It then says how many it holds and how many seconds they heard, and keeps its sessions until it is killed.
"""

import asyncio
import os
import sys
from itertools import count

from stenowire.errors import Throttled
from stenowire.settings import Settings
from stenowire.store import redis_quotas
from stenowire.store.accounts import Limits
from stenowire.store.quotas import Lease
from stenowire.store.redis_quotas import RedisQuotas


async def run(url: str, limits: Limits, tries: int) -> None:
    quotas = RedisQuotas(Settings.load(redis=url))
    keeping = asyncio.create_task(quotas.run())
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    held, heard_s = 0, 0
    for number in range(tries):
        try:
            lease = await quotas.take(f"{os.getpid()}-{number}", "acme", limits)
        except Throttled:
            continue
        held += 1
        heard_s += await hear_all(quotas, lease) if limits.audio_s_per_day else 0
    print(held, heard_s, flush=True)
    await keeping


async def hear_all(quotas: RedisQuotas, lease: Lease) -> int:
    """Seconds until none is left."""
    for audio_s in count(1):
        try:
            await quotas.afford(lease, audio_s)
        except Throttled:
            return audio_s - 1
    raise AssertionError


if __name__ == "__main__":
    url, streams, tasks_per_s, audio_s, lease_s, tries = sys.argv[1:]
    redis_quotas.LEASE_S = float(lease_s)
    redis_quotas.RENEW_S = float(lease_s) / 3
    limits = Limits(streams=int(streams), tasks_per_s=int(tasks_per_s), audio_s_per_day=int(audio_s))
    asyncio.run(run(url, limits, int(tries)))
