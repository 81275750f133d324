"""When something inside the server breaks, it breaks for one session."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from live_server import finish_task, hear, hear_all, live, pcm, run_task, send_audio, until, whole_task
from stenowire.core.session import Session
from stenowire.dialects.task import TaskDialect
from stenowire.engines.base import Job

pytestmark = pytest.mark.faults


def break_session(monkeypatch: pytest.MonkeyPatch, method: str, name: str) -> None:
    """Make `Session.method` raise for sessions of this name, with a message that must not get out."""
    original = getattr(Session, method)

    def broken(self: Session, *given: Any) -> Any:
        if self.name == name:
            raise ZeroDivisionError("w1 w2 sk-for-tests")
        return original(self, *given)

    monkeypatch.setattr(Session, method, broken)


@pytest.mark.parametrize("method", ["handle", "absorb", "begin", "tick"])
async def test_an_error_in_one_session_ends_that_session_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, capfd: pytest.CaptureFixture[str]
) -> None:
    break_session(monkeypatch, method, "bad")
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("good"))
        await send_audio(client, pcm("w1 w2"))
        await client.send(finish_task("good"))
        await client.send(run_task("bad"))
        await send_audio(client, pcm("w3 w4"))
        await client.send(finish_task("bad"))
        heard = await hear(client, "good", "bad")
        assert heard.finals("good") == ["w1 w2"] and heard.failure("good") is None
        assert heard.failure("bad") == (("InternalError", "Internal server error.") if method != "tick" else None)
    out, err = capfd.readouterr()
    assert "w1 w2 sk-for-tests" not in "".join(str(message) for message in heard.messages)
    assert method == "tick" or "ZeroDivisionError" in out + err


async def test_after_a_broken_session_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_session(monkeypatch, "absorb", "bad")
    async with live(tmp_path) as server:
        async with server.connect() as client:
            heard = await whole_task(client, "bad", pcm("w3 w4"))
            assert heard.failure("bad") is not None
        await server.at_rest()
        async with server.connect() as client:
            assert (await whole_task(client, "good", pcm("w3 w4"))).finals("good") == ["w3 w4"]


async def test_an_error_in_the_dialect_ends_its_connection_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = TaskDialect.receive

    def broken(self: TaskDialect, frame: str | bytes, now: float) -> Any:
        if isinstance(frame, str) and "break" in frame:
            raise ZeroDivisionError
        return original(self, frame, now)

    monkeypatch.setattr(TaskDialect, "receive", broken)
    async with live(tmp_path) as server, server.connect() as other, server.connect() as client:
        await other.send(run_task("a"))
        await send_audio(other, pcm("w1 w2"))
        await client.send(run_task("b"))
        await client.send("break")
        await hear_all(client)
        assert client.close_code == 1011
        await until(lambda: server.admission.streams == 1)
        await other.send(finish_task("a"))
        assert (await hear(other, "a")).finals("a") == ["w1 w2"]


async def test_an_engine_that_fails_once_is_asked_again(tmp_path: Path) -> None:
    calls = 0

    def fail_once(jobs: Sequence[Job]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise MemoryError

    async with live(tmp_path, before_step=fail_once) as server:
        async with server.connect() as client:
            assert (await whole_task(client, "a", pcm("w1 w2"))).finals("a") == ["w1 w2"]
        await server.at_rest()


async def test_an_engine_that_keeps_failing_fails_the_task(tmp_path: Path) -> None:
    def fail(jobs: Sequence[Job]) -> None:
        raise RuntimeError("w1 w2")

    async with live(tmp_path, before_step=fail) as server:
        async with server.connect() as client:
            failure = (await whole_task(client, "a", pcm("w1 w2"))).failure("a")
        assert failure is not None and failure[0] == "InternalError" and "w1" not in failure[1]
        await server.at_rest()
