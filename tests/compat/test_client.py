"""The 2.x client of the vendor's SDK: typed sessions, whole files, and several tasks on one connection."""

from pathlib import Path

import pytest

from compat.sdks import Drive, Line, named, spoken

pytestmark = pytest.mark.compat

VERSION = "2.0.2"
SAID = "best of times it was the worst of times"


def events(lines: list[Line], task: str) -> list[Line]:
    return [line for line in named(lines, "event") if line["task"] == task]


def finals(lines: list[Line], task: str) -> str:
    results = [line["payload"]["output"]["sentence"] for line in events(lines, task) if line["payload"]["output"]]
    return spoken([sentence["text"] for sentence in results if sentence["end_time"] is not None])


def test_a_session_yields_results_and_then_task_finished(drive: Drive, opening: Path) -> None:
    lines = drive("client", VERSION, scenario="single", files=[opening])
    kinds = [line["event"] for line in events(lines, "only")]
    assert set(kinds[:-1]) == {"result-generated"} and kinds[-1] == "task-finished"
    assert SAID in finals(lines, "only")


def test_request_id_usage_and_delays_are_there_for_the_caller(drive: Drive, opening: Path) -> None:
    lines = drive("client", VERSION, scenario="single", files=[opening])
    (done,) = named(lines, "done")
    assert done["request_id"] == events(lines, "only")[0]["task_id"]
    assert done["usage"]["duration"] == 10
    assert done["first_package_ms"] > 0 and done["last_package_ms"] > 0


def test_a_whole_file_is_recognised_in_one_call(drive: Drive, opening: Path) -> None:
    lines = drive("client", VERSION, scenario="file", files=[opening.with_suffix(".wav")])
    assert SAID in finals(lines, "file")
    assert events(lines, "file")[-1]["event"] == "task-finished"


def test_a_connection_carries_one_task_after_another(drive: Drive, opening: Path) -> None:
    lines = drive("client", VERSION, scenario="in_turn", files=[opening, opening])
    assert finals(lines, "first") == finals(lines, "second")
    first, second = named(lines, "done")
    assert first["request_id"] != second["request_id"]
    assert named(lines, "connection") == [{"what": "connection", "closed": False}]


def test_two_tasks_can_be_open_on_one_connection(drive: Drive, opening: Path) -> None:
    lines = drive("client", VERSION, scenario="at_once", files=[opening, opening])
    assert named(lines, "both open")
    assert SAID in finals(lines, "first") and SAID in finals(lines, "second")


def test_new_context_in_mid_stream_gives_no_event_of_its_own(drive: Drive, opening: Path) -> None:
    context = {"context": [{"role": "user", "content": [{"type": "input_text", "text": "Dickens, Paris, London"}]}]}
    lines = drive("client", VERSION, scenario="single", files=[opening], context=context)
    assert {line["event"] for line in events(lines, "only")} == {"result-generated", "task-finished"}
    assert SAID in finals(lines, "only")


def test_a_refused_key_raises_with_401(drive: Drive, opening: Path) -> None:
    (raised,) = drive("client", VERSION, scenario="single", files=[opening], key="sk-wrong")
    assert raised["what"] == "raised"
    assert raised["status_code"] == 401


def test_an_unknown_model_raises_by_its_code(drive: Drive, opening: Path) -> None:
    (raised,) = drive("client", VERSION, scenario="single", files=[opening], model="no-such-model")
    assert raised["code"] == "Model.NotExist"
    assert len(raised["request_id"]) == 32
