"""What a client can make the task protocol hold, say or repeat is bounded."""

import json

import pytest

from dialects.frames import finish_task, run_task
from stenowire.dialects.base import Text
from stenowire.dialects.task import REMEMBERED, TaskDialect
from stenowire.dialects.task_client import TaskClient
from stenowire.dialects.task_open import MAX_HOTWORDS
from stenowire.dialects.task_wire import Parameters
from stenowire.events import Failed, Finish, Finished, Open, Opened

pytestmark = pytest.mark.unit


def run_and_end(dialect: TaskDialect, task_id: str) -> None:
    dialect.receive(json.dumps(run_task(task_id)), 0.0)
    dialect.send(Opened(task_id), 0.0)
    assert dialect.receive(json.dumps(finish_task(task_id)), 0.0) == [Finish(task_id)]
    assert len(dialect.send(Finished(task_id, 1.0), 0.0)) == 1


def late_finish(dialect: TaskDialect, task_id: str) -> int:
    return len(dialect.receive(json.dumps(finish_task(task_id)), 0.0))


def test_only_so_many_ended_tasks_are_remembered() -> None:
    dialect = TaskDialect(0.0)
    for number in range(REMEMBERED + 1):
        run_and_end(dialect, f"T{number}")
    assert late_finish(dialect, "T1") == 0
    assert late_finish(dialect, "T0") > 0


def test_an_id_used_again_is_remembered_anew() -> None:
    dialect = TaskDialect(0.0)
    for number in range(REMEMBERED):
        run_and_end(dialect, f"T{number}")
    run_and_end(dialect, "T0")
    run_and_end(dialect, "one more")
    assert late_finish(dialect, "T0") == 0
    assert late_finish(dialect, "T1") > 0


def test_every_frame_without_an_id_is_answered() -> None:
    dialect = TaskDialect(0.0)
    dialect.receive(json.dumps(run_task("T")), 0.0)
    for _ in range(2):
        (answer,) = dialect.receive('{"header":{"action":"finish-task"}}', 0.0)
        assert isinstance(answer, Text)


def test_an_answer_quotes_little_of_what_a_client_wrote() -> None:
    frame = run_task("T")
    frame["header"]["action"] = "x" * 100_000
    answer = TaskDialect(0.0).receive(json.dumps(frame), 0.0)[0]
    assert isinstance(answer, Text) and len(answer.data) < 500


def test_a_vocabulary_beyond_the_limit_is_cut() -> None:
    vocabulary = {f"word {number}": 1 for number in range(MAX_HOTWORDS + 5)}
    (opening,) = TaskDialect(0.0).receive(json.dumps(run_task("T", vocabulary=vocabulary)), 0.0)
    assert isinstance(opening, Open) and len(opening.hint.hotwords) == MAX_HOTWORDS


@pytest.mark.parametrize("frame", ["\ud800", '{"header":{"task_id":"\ud800"}}', '{"header":{"task_id":"\\ud800"}}'])
def test_half_a_character_is_a_fault_and_not_a_crash(frame: str) -> None:
    answer, _ = TaskDialect(0.0).receive(frame, 0.0)
    assert isinstance(answer, Text) and json.loads(answer.data)["header"]["task_id"] == ""
    (failed,) = TaskClient("T", "m", Parameters()).receive(frame)
    assert isinstance(failed, Failed)
