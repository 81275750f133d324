"""The command `stenowire` as people and programs run it: with pipes, or in a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND = [sys.executable, "-m", "stenowire"]
PATIENCE_S = 120.0
"""A guard against hanging, not a claim."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
QUIET = {"STENOWIRE_API_KEY": "", "DASHSCOPE_API_KEY": "", "STENOWIRE_API_KEYS": "", "STENOWIRE_CONFIG": ""}


def environment(**more: str) -> dict[str, str]:
    return os.environ | QUIET | {"TERM": "xterm-256color", "NO_COLOR": ""} | more


def piped(*arguments: str | Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[str]:
    """Run to the end without any terminal."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment(**env),
        timeout=PATIENCE_S,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def plain(text: str) -> str:
    """Without escape sequences and line endings of terminals."""
    return ESCAPES.sub("", text).replace("\r\n", "\n")


class Terminal:
    """A terminal of 100 columns in which the command runs. `out` keeps everything that it wrote, escapes and all."""

    def __init__(self, *arguments: str | Path, stdout: Any = None, **env: str) -> None:
        self.out = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=environment(**env),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def read_until(self, seen: Callable[[str], bool]) -> str:
        """Read until the plain text is as wished. Fails when the command ends, or takes too long, before that."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen(plain(self.out)):
            assert time.monotonic() < deadline and self._read(), f"not seen in:\n{plain(self.out)}"
        return plain(self.out)

    def read_all(self) -> int:
        """Read until the command has ended; its status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_S)

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    def close(self) -> None:
        """What closing a terminal's window does."""
        os.killpg(self.process.pid, signal.SIGHUP)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], PATIENCE_S)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Linux says EIO once nobody holds the other end
            return False
        self.out += data.decode(errors="replace")
        return bool(data)
