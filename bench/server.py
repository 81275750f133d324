"""A real server as a process of its own, on a free loopback port with a fresh data folder.

In: the interpreter that has `stenowire`. Out: its URLs, its process times, its metrics. Only the standard library
and platformdirs, so that tests can use it too.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import platformdirs

from bench.environment import SERVER_PYTHON

KEY = "sk-bench-0123456789abcdef"
READY_S = 60.0
"""Patience with the first start, which builds the graphs; a later start takes a second or two."""
STOP_S = 40.0


class Server:
    """`with Server() as server:` starts `stenowire serve`, waits until it is ready and stops it by its pid."""

    def __init__(self, key: str = KEY, **settings: str) -> None:
        self.key = key
        self._settings = {f"STENOWIRE_{name.upper()}": value for name, value in settings.items()}
        self._folder = tempfile.TemporaryDirectory(prefix="stenowire-bench-")
        self.log = Path(self._folder.name) / "server.log"
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Of the task protocol."""
        return f"{self.base}/api-ws/v1/inference"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def __enter__(self) -> Self:
        python = os.environ.get(SERVER_PYTHON, sys.executable)
        data = Path(self._folder.name) / "data"
        program = str(Path(python).with_name("stenowire"))
        command = [program, "serve", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(data)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=self._environment(), stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> int | None:
        """SIGTERM, then SIGKILL after a patient wait. The exit status."""
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            with suppress(OSError):
                self._folder.cleanup()

    def get(self, path: str, timeout_s: float = 5.0) -> str:
        """The body of a plain GET with the server's key."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return str(answer.read().decode())

    def metrics(self) -> dict[str, float]:
        """Sample name with labels -> value, from /metrics."""
        samples = re.findall(r"^([a-zA-Z_:][^ ]*(?:\{.*\})?) ([0-9.eE+-]+|NaN|\+Inf)$", self.get("/metrics"), re.M)
        return {name: float(value) for name, value in samples}

    def cpu_s(self) -> float:
        """Processor seconds of the server and its children so far, user and system."""
        import psutil

        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in family)

    def memory_mb(self) -> float:
        import psutil

        return float(psutil.Process(self.pid).memory_info().rss) / 2**20

    def _environment(self) -> dict[str, str]:
        models = os.environ.get("STENOWIRE_MODELS") or str(platformdirs.user_data_path("stenowire", False) / "models")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STENOWIRE_")}
        return {**clean, "STENOWIRE_API_KEYS": self.key, "STENOWIRE_MODELS": models, **self._settings}

    def _wait_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server left with {self.process.returncode}: {self.tail()}")
            with suppress(urllib.error.URLError, OSError):
                self.get("/ready", 1.0)
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server was not ready in {READY_S:.0f} s: {self.tail()}")

    def tail(self, characters: int = 600) -> str:
        """The end of what the server wrote."""
        return self.log.read_text(errors="replace")[-characters:].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
