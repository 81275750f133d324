"""`stenowire serve` in a process of its own, on one port, so that it can die and come back."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from stenowire.models.paths import default_root

KEY = "sk-for-the-browser"
PATIENCE_S = 90.0
"""A guard against hanging, not a claim."""
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerProcess:
    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.scheme = "https" if "--https" in options else "http"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self._read = 0
        """How much of its log is from former lives."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = ["serve", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data), *self.options]
        given = {"STENOWIRE_API_KEYS": KEY, "STENOWIRE_MODELS": str(default_root()), "STENOWIRE_DRAIN_S": "5"}
        with (self.data / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stenowire", *arguments],
                env=os.environ | given,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await_ready()

    def end(self, by: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(by)
        self.process.wait(PATIENCE_S)

    def _await_ready(self) -> None:
        """Whether it listens and has its models; its log says so, whatever certificate it has."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            text = (self.data / "server.log").read_text(encoding="utf-8", errors="replace")
            if "answers to" in text[self._read :]:
                self._read = len(text)
                return
            assert self.process is not None and self.process.poll() is None, text[self._read :]
            time.sleep(0.05)
        raise AssertionError("the server did not become ready")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)
