"""Runs the programs in `examples` as their readers do: `python examples/NAME.py`, against a real server."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from bench.server import Server

from compat.sdks import sdk, write_audio
from stenowire.types import SESSION_RATE_HZ, Samples

ROOT = Path(__file__).parents[2]
DEVICES = Path(__file__).with_name("devices")
CODES = re.compile(r"\x1b\[[0-9]*[A-Za-z]")
PATIENCE_S = 180
"""A guard against hanging, not a claim."""


class Program:
    """A running example."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._stdout = io.TextIOWrapper(self._process.stdout, encoding="utf-8", newline="\n")
        self._stderr = self._process.stderr
        self._guard = threading.Timer(PATIENCE_S, self._process.kill)
        self._guard.start()

    def until(self, sign: str) -> Self:
        """Read on until a line contains the sign."""
        for line in self._stdout:
            self.lines.append(seen(line))
            if sign in self.lines[-1]:
                return self
        self._close()
        raise AssertionError(f"{sign!r} never came: {self.lines} {self.errors}")

    def interrupt(self) -> Self:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        return self

    def end(self) -> list[str]:
        """All its lines, once it has left."""
        self.lines += map(seen, self._stdout)
        self._close()
        assert self._process.returncode == 0, f"{self.lines} {self.errors[-3000:]}"
        return self.lines

    def _close(self) -> None:
        self.errors = self._stderr.read().decode()
        self._process.wait()
        self._stdout.close()
        self._stderr.close()
        self._guard.cancel()


def seen(line: str) -> str:
    """What a terminal shows of it: as it was last, without colours."""
    return CODES.sub("", line.rstrip("\r\n").rpartition("\r")[2])


Start = Callable[..., Program]


@pytest.fixture(scope="session")
def server(moonshine_folder: Path, silero_folder: Path) -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def mortal(moonshine_folder: Path, silero_folder: Path) -> Iterator[Server]:
    """A server that a test may kill."""
    with Server() as running:
        yield running


def kill_and_restart(server: Server) -> None:
    """As a power cut does; it comes back on the same port."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.__enter__()


@pytest.fixture(scope="session")
def spoken(two_cities: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of a novel: two sentences or more, wav at 16 kHz."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.pcm"
    return write_audio(path, two_cities[: 20 * SESSION_RATE_HZ]).with_suffix(".wav")


@pytest.fixture(scope="session")
def start(server: Server, spoken: Path) -> Start:
    """`start("sdk_file", "talk.wav")`, with the SDK `package=…` in version `version=…`, or with our own client."""

    def started(name: str, *given: object, package: str = "", version: str = "", at: Server = server) -> Program:
        python = sdk(version, package) if package else sys.executable
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("STENOWIRE_", "DASHSCOPE_"))},
            "STENOWIRE_URL": at.base,
            "STENOWIRE_API_KEY": at.key,
            "PYTHONPATH": str(DEVICES),
            "PYTHONUNBUFFERED": "1",
            "SPOKEN": str(spoken),
        }
        return Program([str(python), f"examples/{name}.py", *map(str, given)], environment)

    return started
