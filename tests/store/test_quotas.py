"""Quotas in memory: exact within a process."""

import math

import pytest

from stenowire.errors import Throttled
from stenowire.store.accounts import Limits
from stenowire.store.quotas import BLOCK_S, DAY_S, RATE, AudioSpent, Lease, LocalQuotas

pytestmark = pytest.mark.unit


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quotas(clock: Clock) -> LocalQuotas:
    return LocalQuotas(clock)


async def taken(quotas: LocalQuotas, count: int, limits: Limits, tenant: str = "t") -> list[Lease]:
    leases = []
    for number in range(count):
        try:
            leases.append(await quotas.take(str(number), tenant, limits))
        except Throttled:
            continue
    return leases


async def test_without_limits_everything_is_granted(quotas: LocalQuotas) -> None:
    lease = (await taken(quotas, 1, Limits(tasks_per_s=0, streams=0, audio_s_per_day=0)))[0]
    assert lease.granted_s == math.inf


async def test_within_any_second_only_so_many_begin(quotas: LocalQuotas, clock: Clock) -> None:
    limits = Limits(tasks_per_s=3)
    assert len(await taken(quotas, 2, limits)) == 2
    clock.now += 0.6
    assert len(await taken(quotas, 5, limits)) == 1
    clock.now += 0.5
    assert len(await taken(quotas, 5, limits)) == 2
    with pytest.raises(Throttled, match=RATE):
        await quotas.take("x", "t", limits)


async def test_a_session_that_was_refused_does_not_count(quotas: LocalQuotas, clock: Clock) -> None:
    limits = Limits(tasks_per_s=1)
    await taken(quotas, 50, limits)
    clock.now += 1.0
    assert len(await taken(quotas, 1, limits)) == 1


async def test_so_many_sessions_at_once_and_one_that_ends_makes_room(quotas: LocalQuotas) -> None:
    limits = Limits(streams=2)
    leases = await taken(quotas, 5, limits)
    assert len(leases) == 2
    await quotas.free(leases[0], 0.0)
    assert len(await taken(quotas, 5, limits)) == 1


async def test_tenants_do_not_count_against_each_other(quotas: LocalQuotas) -> None:
    limits = Limits(streams=1, tasks_per_s=1)
    assert len(await taken(quotas, 3, limits, "a")) == len(await taken(quotas, 3, limits, "b")) == 1


async def test_a_day_grants_its_audio_and_no_second_more(quotas: LocalQuotas) -> None:
    limits = Limits(audio_s_per_day=25)
    first, second = await taken(quotas, 2, limits)
    heard = 0
    for lease in (first, second):
        for audio_s in range(1, 100):
            try:
                await quotas.afford(lease, audio_s)
            except AudioSpent:
                break
            heard += 1
    assert heard == 25
    assert await taken(quotas, 1, limits) == []


async def test_what_a_session_did_not_use_is_given_back(quotas: LocalQuotas) -> None:
    limits = Limits(audio_s_per_day=int(BLOCK_S))
    (lease,) = await taken(quotas, 1, limits)
    assert await taken(quotas, 1, limits) == []
    await quotas.afford(lease, 4.0)
    await quotas.free(lease, 4.0)
    (again,) = await taken(quotas, 1, limits)
    await quotas.afford(again, 6.0)
    with pytest.raises(AudioSpent):
        await quotas.afford(again, 6.1)


async def test_a_new_day_begins_anew(quotas: LocalQuotas, clock: Clock) -> None:
    limits = Limits(audio_s_per_day=5)
    assert len(await taken(quotas, 1, limits)) == 1
    clock.now += DAY_S
    assert len(await taken(quotas, 1, limits)) == 1
