"""Every conversation holds, and the player would notice if one did not."""

from pathlib import Path

import pytest

from dialects.conversation import CONVERSATIONS, play

pytestmark = pytest.mark.unit

FILES = sorted(CONVERSATIONS.rglob("*.wire"))

RUN = (
    '> {"header":{"action":"run-task","task_id":"T"},'
    '"payload":{"model":"m","parameters":{"format":"pcm","sample_rate":16000}}}\n'
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONVERSATIONS)))
def test_the_conversation_holds(path: Path) -> None:
    play(path.read_text(encoding="utf-8"))


def test_every_hard_rule_has_its_conversation() -> None:
    names = {path.name.split("-")[0] for path in FILES}
    assert {f"R{number:02}" for number in range(1, 13)} <= names


@pytest.mark.parametrize(
    "lines",
    [
        "! task\n" + RUN,
        "! task\n" + RUN + '= Open {"model":"n"}\n',
        "! task\n" + RUN + '= Open {"format":{"rate_hz":16000.0}}\n',
        "! task\n" + RUN + "= Finish T\n",
        "! task\n" + RUN + '= Open {"model":"m"}\n= Hangup T\n',
        "! task\n" + RUN + '= Open {"model":"m"}\n~ Opened T\n< {"header":"...","payload":{"output":{}}}\n',
        "! task\n" + RUN + '= Open {"model":"m"}\n~ Opened T\n< close 1000\n',
        "! task\n" + RUN + '= Open {"model":"m"}\n> <4 bytes>\n= Audio T <5 bytes>\n',
        "! task idle_s=60.0\n@ next 59.0\n",
        "! task idle_s=60.0\n@ 60.0\n",
    ],
)
def test_a_conversation_that_does_not_hold_is_noticed(lines: str) -> None:
    with pytest.raises(AssertionError):
        play(lines)
