"""Who is served first, and what gives way under load."""

import msgspec
import numpy as np
import pytest

from stenowire.events import Step
from stenowire.serving.scheduler import Scheduler

pytestmark = pytest.mark.unit


def step(stream: int, kind: str = "partial", due: float = 0.0, seconds: float = 2.0, spacing_ms: int = 0) -> Step:
    clip = np.zeros(int(seconds * 16_000), np.float32)
    return Step("T", stream=stream, clip=clip, kind=kind, due=due, spacing_ms=spacing_ms)  # type: ignore[arg-type]


def streams(scheduler: Scheduler, now: float) -> list[int] | None:
    batch = scheduler.next(now)
    return None if batch is None else [chosen.stream for chosen in batch.steps]


def test_an_urgent_final_goes_before_interims_that_waited_longer() -> None:
    scheduler = Scheduler(workers=1, batch=4)
    scheduler.submit(1, step(1), 0.0)
    scheduler.submit(2, step(2, "final", due=1.1), 1.0)
    assert streams(scheduler, 1.0) == [2]
    assert streams(scheduler, 1.0) == [1]


def test_a_final_that_can_wait_lets_interims_go_first() -> None:
    scheduler = Scheduler(workers=1, batch=4)
    scheduler.submit(1, step(1, "final", due=9.0), 0.0)
    scheduler.submit(2, step(2), 0.5)
    assert streams(scheduler, 0.5) == [2]
    assert streams(scheduler, 0.5) == [1]


def test_finals_go_by_their_due_times() -> None:
    scheduler = Scheduler(workers=1, batch=4)
    for stream, due in ((1, 3.0), (2, 1.0), (3, 2.0)):
        scheduler.submit(stream, step(stream, "final", due=due), 0.0)
    assert [streams(scheduler, 3.0) for _ in range(3)] == [[2], [3], [1]]


def test_interims_share_a_batch_and_finals_never_do() -> None:
    scheduler = Scheduler(workers=1, batch=2)
    for stream in (1, 2, 3):
        scheduler.submit(stream, step(stream), 0.0)
    scheduler.submit(4, step(4, "final"), 0.0)
    assert [streams(scheduler, 0.0) for _ in range(3)] == [[4], [1, 2], [3]]


def test_a_newer_interim_replaces_one_that_waits_and_keeps_its_turn() -> None:
    scheduler = Scheduler(workers=1, batch=1)
    scheduler.submit(1, step(1, seconds=1), 0.0)
    scheduler.submit(2, step(2), 0.1)
    scheduler.submit(1, step(1, seconds=3), 0.2)
    batch = scheduler.next(0.3)
    assert batch is not None
    assert (batch.steps[0].stream, len(batch.steps[0].clip)) == (1, 48_000)
    assert scheduler.coalesced == 1


def test_one_step_of_a_stream_is_in_flight_at_a_time() -> None:
    scheduler = Scheduler(workers=2, batch=4)
    scheduler.submit(1, step(1), 0.0)
    batch = scheduler.next(0.0)
    scheduler.submit(1, step(1, "final"), 0.1)
    assert streams(scheduler, 0.1) is None
    assert batch is not None
    scheduler.done(batch, 0.05)
    assert streams(scheduler, 0.2) == [1]


def test_interims_of_one_stream_keep_their_distance() -> None:
    scheduler = Scheduler(workers=1, batch=4)
    scheduler.submit(1, step(1), 0.0)
    batch = scheduler.next(0.0)
    assert batch is not None
    scheduler.done(batch, 0.01)
    scheduler.submit(1, step(1, spacing_ms=300), 0.05)
    assert streams(scheduler, 0.1) is None
    assert scheduler.wake() == pytest.approx(0.3)
    assert streams(scheduler, 0.3) == [1]


def test_more_streams_make_interims_rarer_up_to_a_bound() -> None:
    scheduler = Scheduler(workers=2, batch=1)
    ticks = []
    for stream in range(40):
        scheduler.submit(stream, step(stream), 0.0)
        ticks.append(scheduler.tick_s)
    assert ticks == sorted(ticks)
    assert ticks[0] < 0.1
    assert ticks[-1] == 0.4


def test_a_final_is_searched_by_beam_while_that_meets_its_due_time() -> None:
    scheduler = Scheduler(workers=1, batch=1)
    scheduler.submit(1, step(1, "final", due=1.0, seconds=10), 0.0)
    batch = scheduler.next(0.0)
    assert batch is not None
    assert batch.effort == "beam"


def test_many_finals_at_once_are_decoded_greedily() -> None:
    scheduler = Scheduler(workers=1, batch=1)
    for stream in range(8):
        scheduler.submit(stream, step(stream, "final", due=0.0, seconds=10), 0.0)
    batch = scheduler.next(0.0)
    assert batch is not None
    assert batch.effort == "greedy"


def test_what_a_second_sound_costs_is_known_apart() -> None:
    """Noise in one session makes no final of another one greedy."""
    scheduler = Scheduler(workers=1, batch=1)
    noisy = msgspec.structs.replace(step(1, "final", due=0.5, seconds=10), again=np.zeros(160_000, np.float32))
    for number in range(60):
        scheduler.submit(number, msgspec.structs.replace(noisy, due=99.0), 0.0)
        batch = scheduler.next(0.0)
        assert batch is not None
        scheduler.done(batch, 2.0)
        scheduler.forget(number)
    efforts = []
    for one in (step(100, "final", due=0.5, seconds=10), noisy):
        scheduler.submit(100, one, 0.0)
        batch = scheduler.next(0.0)
        assert batch is not None
        scheduler.done(batch, 0.2)
        efforts.append(batch.effort)
    assert efforts == ["beam", "greedy"]


def test_a_policy_overrules_the_clock() -> None:
    always = Scheduler(workers=1, batch=1, beam="always")
    never = Scheduler(workers=1, batch=1, beam="never")
    for scheduler, effort in ((always, "beam"), (never, "greedy")):
        scheduler.submit(1, step(1, "final", due=-100.0), 0.0)
        batch = scheduler.next(0.0)
        assert batch is not None
        assert batch.effort == effort


def test_a_forgotten_stream_is_not_served() -> None:
    scheduler = Scheduler(workers=1, batch=1)
    scheduler.submit(1, step(1), 0.0)
    assert scheduler.forget(1)
    assert streams(scheduler, 1.0) is None
    assert (scheduler.depth, scheduler.streams) == (0, 0)
