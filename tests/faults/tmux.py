"""A terminal that people use: the command runs in tmux, and its screen is read as it is shown."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from cli.terminal import QUIET

PATIENCE_S = 120.0
"""A guard against hanging, not a claim."""
WIDTH, HEIGHT = 100, 40


class Tmux:
    """One pane in a tmux server of its own. When the command ends its status stands on the screen."""

    def __init__(self, *arguments: str | Path, **env: str) -> None:
        if shutil.which("tmux") is None:
            pytest.skip("no tmux here (apt install tmux)")
        self._socket = f"stenowire-{uuid.uuid4().hex[:8]}"
        self._command = [sys.executable, "-m", "stenowire", *map(str, arguments)]
        self._env = os.environ | QUIET | env

    def __enter__(self) -> Self:
        # A shell that catches Ctrl-C, and does nothing then, outlives the command.
        script = 'trap : INT; "$@"; echo "ended with $?"; read -r _'
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "sh", "-c", script, "sh", *self._command)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)

    def screen(self, *, colours: bool = False) -> str:
        shown = self._tmux("capture-pane", "-p", "-J", *(["-e"] if colours else []))
        return "\n".join(line.rstrip() for line in shown.splitlines() if line.strip())

    def until(self, seen: Callable[[str], bool]) -> str:
        """The screen, once it is as wished."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen(screen := self.screen()):
            assert time.monotonic() < deadline and "ended with" not in screen, f"not seen:\n{screen}"
            time.sleep(0.05)
        return screen

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def ended(self) -> tuple[int, str]:
        """The status and the last screen."""
        deadline = time.monotonic() + PATIENCE_S
        while "ended with" not in (screen := self.screen()):
            assert time.monotonic() < deadline, f"it goes on:\n{screen}"
            time.sleep(0.05)
        shown, _, status = screen.rpartition("ended with ")
        return int(status.split()[0]), shown

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, env=self._env, check=True, capture_output=True, text=True).stdout
