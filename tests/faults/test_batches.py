"""A batch that is interrupted, by Ctrl-C or by kill -9, goes on where it was, and ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.terminal import environment, piped
from faults.tmux import PATIENCE_S, Tmux

pytestmark = pytest.mark.faults

RECORDINGS = ("a.wav", "b.wav", "deep/c.wav", "deep/d.wav")
ALONE = ["--jobs", "1", "-f", "vtt"]


@pytest.fixture(scope="module")
def talks(moonshine_folder: Path, silero_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of the same words, and what becomes of them undisturbed."""
    folder = tmp_path_factory.mktemp("talks")
    for name in RECORDINGS:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(moonshine_folder / "two_cities.wav", folder / name)
    done = piped("transcribe", folder, *ALONE, "-o", folder.with_name("undisturbed"))
    assert done.returncode == 0, done.stderr
    return folder


def results(folder: Path) -> dict[str, str]:
    """Whatever lies there, whatever it is called."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_after_ctrl_c_the_same_command_goes_on(talks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Tmux("transcribe", talks, *ALONE, "-o", out) as terminal:
        terminal.until(lambda screen: "✓" in screen and "1 of 4 files" in screen)
        terminal.press("C-c")
        status, screen = terminal.ended()
    assert status == 130 and "the same command goes on with" in screen
    before = results(out)
    assert 0 < len(before) < 4
    with Tmux("transcribe", talks, *ALONE, "-o", out) as terminal:
        status, screen = terminal.ended()
    assert status == 0 and f"{len(before)} skipped as done before" in " ".join(screen.split())
    assert results(out) == results(talks.with_name("undisturbed"))


def test_after_kill_9_nothing_is_half_written_and_the_same_command_goes_on(talks: Path, tmp_path: Path) -> None:
    out, undisturbed = tmp_path / "out", results(talks.with_name("undisturbed"))
    command = [sys.executable, "-m", "stenowire", "transcribe", talks, *ALONE, "-o", out]
    for _ in range(2):
        had = len(results(out)) if out.exists() else 0
        process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while not out.exists() or len(results(out)) == had:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        there = {name: text for name, text in results(out).items() if name.endswith(".vtt")}
        assert there.items() <= undisturbed.items(), "what is there is whole"
    assert piped("transcribe", talks, *ALONE, "-o", out).returncode == 0
    left = {name for name in results(out) if not name.endswith(".vtt")}
    assert all(name.endswith(".part") for name in left)
    assert {name: text for name, text in results(out).items() if name not in left} == undisturbed
