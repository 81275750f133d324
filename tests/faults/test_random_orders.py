"""5,000 random orders of events against every session protocol, each with a real session behind it and a strict reader.

The readers know the rules: one answer to every item, in order, one end, and nothing after it.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from dialects.test_openai_line import test_in_any_order_of_things_the_rules_hold as openai_holds
from dialects.test_realtime_session import test_in_any_order_of_things_the_rules_hold as session_holds
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.qwen import QwenDialect

pytestmark = pytest.mark.faults

SEQUENCES = 5_000
LONGEST = 9
SPOKEN = [("speak", "w1"), ("speak", "w4"), ("pause", 200), ("pause", 900)]
SAID = ["commit", "clear", "vad", "manual", "hold", "answer", "deafen", "hear"]


def session(kind: type[QwenDialect]) -> Callable[[list[tuple[str, Any]]], None]:
    inner = session_holds.hypothesis.inner_test
    return lambda actions: inner(kind=kind, actions=actions)


def openai(actions: list[tuple[str, Any]]) -> None:
    openai_holds.hypothesis.inner_test(actions=actions)


DOORS = {
    "qwen": (session(QwenDialect), SAID),
    "omni": (session(OmniDialect), [*SAID, "create", "cancel"]),
    "openai": (openai, [*SAID, "semantic"]),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_order_of_events_breaks_a_rule(door: str) -> None:
    holds, said = DOORS[door]
    choices = SPOKEN + [(word, 0) for word in said]
    chance = random.Random(door)
    for _ in range(SEQUENCES // len(DOORS) + 1):
        actions = [chance.choice(choices) for _ in range(chance.randint(1, LONGEST))]
        try:
            holds(actions)
        except Exception as error:
            raise AssertionError(f"{actions}: {error!r}") from error
