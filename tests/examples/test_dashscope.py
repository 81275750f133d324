"""The examples with the vendor's own SDK do what they say, in its older and its newer generation."""

from pathlib import Path

import pytest
from bench.server import Server

from compat.sdks import spoken as words
from examples.conftest import Start, kill_and_restart

pytestmark = pytest.mark.compat

FIRST, LATER = "best of times it was the worst of times", "season of light"
every_version = pytest.mark.parametrize("version", ["1.25.10", "2.0.2"])
NEW = {"package": "dashscope", "version": "2.0.2"}


def said(lines: list[str]) -> str:
    return words([line for line in lines if not line.startswith("[")])


@every_version
def test_the_microphone_program_shows_what_is_said_until_it_is_interrupted(start: Start, version: str) -> None:
    program = start("dashscope_microphone", package="dashscope", version=version)
    lines = program.until("epoch of belief").interrupt().end()
    assert FIRST in said(lines)
    assert lines[-1] == "[bye]"


def test_the_microphone_program_connects_again_when_the_server_has_died(start: Start, mortal: Server) -> None:
    program = start("dashscope_microphone", **NEW, at=mortal).until("[listening]")
    kill_and_restart(mortal)
    lines = program.until("times").interrupt().end()
    assert any("connection lost" in line for line in lines)
    assert said(lines)


@every_version
def test_the_file_program_tells_all_of_a_recording(start: Start, spoken: Path, version: str) -> None:
    lines = start("dashscope_file", spoken, "--speed", 4, package="dashscope", version=version).end()
    assert FIRST in said(lines) and LATER in said(lines)


@every_version
def test_the_file_program_can_send_everything_at_once(start: Start, spoken: Path, version: str) -> None:
    lines = start("dashscope_file", spoken, "--at-once", package="dashscope", version=version).end()
    assert FIRST in said(lines) and LATER in said(lines)


def test_the_file_program_goes_on_where_it_was_when_the_server_has_died(
    start: Start, spoken: Path, mortal: Server
) -> None:
    program = start("dashscope_file", spoken, "--speed", 2, **NEW, at=mortal).until("times")
    kill_and_restart(mortal)
    lines = program.end()
    assert any("connection lost" in line for line in lines)
    assert said(lines).count(FIRST) == said(lines).count(LATER) == 1


@every_version
def test_the_vocabulary_program_shows_what_a_list_changes(start: Start, spoken: Path, version: str) -> None:
    without, with_list = start("dashscope_vocabulary", spoken, "WISDOM", package="dashscope", version=version).end()
    assert without.startswith("without:") and "wisdom" in without
    assert with_list.startswith("with:") and "WISDOM" in with_list


@every_version
def test_the_context_program_writes_names_as_the_context_does(start: Start, spoken: Path, version: str) -> None:
    given = [spoken, "--context", "The Age of WISDOM, a novel", "--speed", 4]
    lines = start("qwen_context", *given, package="dashscope", version=version).end()
    assert FIRST in said(lines) and LATER in said(lines)
    assert "WISDOM" in " ".join(lines)


@every_version
def test_the_agent_answers_each_turn_that_is_committed(start: Start, spoken: Path, version: str) -> None:
    lines = start("push_to_talk", spoken, spoken, package="dashscope", version=version).end()
    assert [line.partition(":")[0] for line in lines] == ["you", "agent", "you", "agent"]
    assert FIRST in words(lines[:1]) and FIRST in words(lines[2:3])
