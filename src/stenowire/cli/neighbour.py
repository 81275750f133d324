"""A server as a process beside this one, for as long as a block runs.

In: settings. Out: where it is and the key that opens it. It drains and leaves with this process, however this one ends:
it watches the standard input that this one holds open.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from stenowire.cli.exits import Status, Stop
from stenowire.client.urls import TASK_PATH
from stenowire.settings import Settings

HOST = "127.0.0.1"
START_S = 120.0
"""The very first start builds the model's graphs; one that takes longer than this will not come."""
STOP_S = 40.0

# A proxy set for the outside world has no business between two processes of one machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Neighbour(msgspec.Struct, frozen=True):
    port: int
    key: str
    log: Path

    @property
    def base(self) -> str:
        return f"ws://{HOST}:{self.port}"

    @property
    def http(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def endpoint(self) -> str:
        return self.base + TASK_PATH


@contextmanager
def neighbour(settings: Settings, console: Console) -> Iterator[Neighbour]:
    """Yields once the server is ready. Raises Stop when its port is taken or it does not come up."""
    port = free_port(settings.port)
    log = settings.data / f"demo-{port}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    server = Neighbour(port, f"sk-demo-{secrets.token_urlsafe(18)}", log)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "stenowire",
                "serve",
                "--host",
                HOST,
                "--port",
                str(server.port),
                "--stop-with-stdin",
            ],
            env=os.environ | {"STENOWIRE_API_KEYS": server.key, "STENOWIRE_DATA": str(settings.data)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the other in good order
        )
    try:
        with console.status("Starting the server ..."):
            _await_ready(server, process)
        yield server
    finally:
        _stop(process)


def free_port(wanted: int) -> int:
    """`wanted`, or any free one for 0. Raises Stop when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            line = (
                f"port {wanted} of {HOST} is not to be had ({(error.strerror or '').lower()}); try another: --port 8091"
            )
            raise Stop(Status.FAILED, line) from error
        port: int = probe.getsockname()[1]
        return port


def _await_ready(server: Neighbour, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Stop(Status.FAILED, f"the server did not start: {_last_line(server.log)}")
        try:
            OPENER.open(f"{server.http}/ready", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise Stop(Status.FAILED, f"the server is not ready after {START_S:g} s; see {server.log}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
