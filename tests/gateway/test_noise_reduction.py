"""Noise reduction through a socket: in a thread, as long as what came in, by the session's word or the server's."""

import threading
from pathlib import Path

import pytest

from live_server import hear, live, pcm, run_task, whole_task
from stenowire.audio import rnnoise
from stenowire.cli.exits import Status, Stop
from stenowire.cli.serve import check_noise_reduction
from stenowire.core.session import Session
from stenowire.events import Audio
from stenowire.settings import Settings

pytestmark = pytest.mark.unit

Handled = list[tuple[str | None, bool]]


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> Handled:
    """For each piece of audio: the noise reduction in force, and whether the event loop's thread took it in."""
    seen: Handled = []
    handle = Session.handle

    def noted(self: Session, command, now):  # type: ignore[no-untyped-def]
        if isinstance(command, Audio):
            seen.append((self.opening.noise_reduction, threading.current_thread() is threading.main_thread()))
        return handle(self, command, now)

    monkeypatch.setattr(Session, "handle", noted)
    return seen


async def test_noise_is_reduced_beside_the_event_loop(tmp_path: Path, handled: Handled) -> None:
    async with live(tmp_path) as server, server.connect() as socket:
        heard = await whole_task(socket, "T1", pcm("w1 w2", 1500), noise_reduction="far_field")
    assert heard.events("T1")[-1] == "task-finished"
    assert handled and set(handled) == {("far_field", False)}


async def test_a_session_that_says_nothing_gets_what_the_server_is_set_to(tmp_path: Path, handled: Handled) -> None:
    async with live(tmp_path, noise_reduction="near_field") as server, server.connect() as socket:
        await whole_task(socket, "T1", pcm("w1", 1500))
        await whole_task(socket, "T2", pcm("w1", 1500), noise_reduction="off")
    assert set(handled) == {("near_field", False), ("off", True)}


async def test_a_suppressor_that_is_not_there_is_an_error_that_names_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rnnoise, "_library", lambda: None)
    async with live(tmp_path) as server, server.connect() as socket:
        await socket.send(run_task("T1", noise_reduction="near_field"))
        code, message = (await hear(socket, "T1")).failure("T1") or ("", "")
    assert code == "InvalidParameter" and "noise_reduction" in message
    async with live(tmp_path / "auto") as server, server.connect() as socket:
        heard = await whole_task(socket, "T2", pcm("w1", 1500), noise_reduction="auto")
    assert heard.finals("T2") == ["w1"]


def test_a_server_does_not_start_without_the_suppressor_that_it_is_set_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rnnoise, "_library", lambda: None)
    with pytest.raises(Stop) as stop:
        check_noise_reduction(Settings(noise_reduction="far_field"))
    assert stop.value.status == Status.USAGE
    check_noise_reduction(Settings(noise_reduction="auto"))
    assert "stenowire[noise]" in capsys.readouterr().err
