"""PostgreSQL and Redis of a test's own: on loopback, in folders of their own, gone when the block ends.

Debian has both: packages `postgresql` and `redis-server`. Where a binary is missing the test is skipped and says so.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOST = "127.0.0.1"
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        pytest.skip("no PostgreSQL here: install Debian's package postgresql")
    binaries, port = folders[-1], free_port()
    with tempfile.TemporaryDirectory(prefix="stenowire-postgres-") as folder:
        data = f"{folder}/data"
        as_user = _as_postgres(Path(folder))
        initdb = [binaries / "initdb", "-D", data, "-U", "stenowire", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*as_user, *initdb], check=True, stdout=subprocess.DEVNULL)
        options = {"port": port, "listen_addresses": HOST, "unix_socket_directories": folder, "fsync": "off"}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen([*as_user, binaries / "postgres", "-D", data, *given], stdout=log, stderr=log)
        try:
            _until(server, lambda: _answers(binaries, port))
            yield f"postgresql://stenowire:canary-password@{HOST}:{port}/postgres"
        finally:
            server.send_signal(2)  # SIGINT: a fast shutdown
            server.wait()


class Redis:
    def __init__(self, folder: str, port: int) -> None:
        self.url = f"redis://{HOST}:{port}/0"
        self._command = ["redis-server", "--bind", HOST, "--port", str(port), "--save", "", "--dir", folder]
        self._port = port
        self.start()

    def start(self) -> None:
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        _until(self._server, self._listens)

    def kill(self) -> None:
        """As a crash does. Nothing was saved."""
        self._server.kill()
        self._server.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self._port)) == 0


@contextmanager
def redis() -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("no Redis here: install Debian's package redis-server")
    with tempfile.TemporaryDirectory(prefix="stenowire-redis-") as folder:
        server = Redis(folder, free_port())
        try:
            yield server
        finally:
            server.kill()


def _as_postgres(folder: Path) -> list[str]:
    """PostgreSQL does not run as root: give the folder to the user that its package made."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _answers(binaries: Path, port: int) -> bool:
    done = subprocess.run([binaries / "pg_isready", "-q", "-h", HOST, "-p", str(port)])
    return done.returncode == 0


def _until(server: "subprocess.Popen[bytes]", true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert server.poll() is None and time.monotonic() < deadline, "the daemon did not start"
        time.sleep(0.05)
