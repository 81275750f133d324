"""`stenowire doctor` finds what is wrong, says what helps, and is quiet about what is right."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.terminal import piped
from live_server import KEY, live
from stenowire.cli.check_machine import clock, cpu_features, extras, folder, models
from stenowire.cli.check_server import certificate, port, there
from stenowire.cli.doctor import line, summary, worst
from stenowire.cli.findings import Finding, ok, problem, warning
from stenowire.gateway.tls import own
from stenowire.settings import Settings

pytestmark = pytest.mark.unit


def grades(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.grade for finding in findings}


async def test_a_server_that_is_well_is_told_to_be(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        found = await asyncio.to_thread(lambda: list(there(server.server.url, KEY)))
    assert grades(found) == {"server": "ok", "ready": "ok", "clock": "ok", "key": "ok"}


async def test_a_key_that_is_refused_is_a_problem(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        found = await asyncio.to_thread(lambda: list(there(server.server.url, "sk-wrong")))
    assert grades(found)["key"] == "problem"


async def test_a_full_server_is_a_problem_that_passes(tmp_path: Path) -> None:
    async with live(tmp_path, max_streams=1) as server:
        server.admission.draining = True
        found = await asyncio.to_thread(lambda: list(there(server.server.url, KEY)))
    assert [finding.what for finding in found if finding.subject == "ready"] == ["takes no sessions now: draining"]


def test_nobody_there_is_a_problem(unused_tcp_port: int) -> None:
    [found] = there(f"127.0.0.1:{unused_tcp_port}", KEY)
    assert found.grade == "problem" and "Connection refused" in found.what


@contextmanager
def stranger(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Somebody who answers every connection with these bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = server.accept()
                with context.wrap_socket(plain, server_side=True) if context else plain as client:
                    client.recv(4096)
                    client.sendall(answer)
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_a_port_that_another_program_has_is_a_problem() -> None:
    with stranger(b"HTTP/1.0 200 OK\r\n\r\nhello") as number:
        found = port("127.0.0.1", number)
    assert found.grade == "problem" and "stenowire serve --port" in found.remedy


async def test_a_port_where_stenowire_serves_is_well(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        found = await asyncio.to_thread(port, *server.address)
    assert found.grade == "ok" and "serves there" in found.what


def test_a_certificate_that_nobody_has_signed_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own(tmp_path))
    with stranger(b"", context) as number:
        [found] = there(f"https://localhost:{number}", KEY)
    assert (found.subject, found.grade) == ("certificate", "problem") and "SSL_CERT_FILE" in found.remedy


def test_a_certificate_of_ones_own_is_read(tmp_path: Path) -> None:
    path = own(tmp_path)
    assert [finding.grade for finding in certificate(path, path)] == ["ok"]
    path.write_text("no certificate")
    assert [finding.grade for finding in certificate(path, path)] == ["problem"]


def test_models_that_are_not_here_and_models_that_are_damaged_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "silero-vad").mkdir()
    found = {finding.subject: finding for finding in models(tmp_path)}
    assert found["model silero-vad"].grade == "problem" and "is missing" in found["model silero-vad"].what
    assert found["model moonshine-tiny-en"].grade == "warning"
    assert found["model moonshine-tiny-en"].remedy == "stenowire models pull moonshine-tiny-en"


def test_an_extra_that_the_settings_need_is_a_problem_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stenowire.cli.check_machine.find_spec", lambda name: None)
    idle = grades(list(extras(Settings.load())))
    asked = grades(list(extras(Settings.load(redis="redis://127.0.0.1/0", store="postgresql+psycopg://127.0.0.1/x"))))
    assert (idle["extra redis"], idle["extra postgres"], idle["extra codecs"]) == ("ok", "ok", "warning")
    assert (asked["extra redis"], asked["extra postgres"]) == ("problem", "problem")


def test_a_secret_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text("x")
    (tmp_path / "pepper").chmod(0o644)
    assert [finding.remedy for finding in folder(tmp_path) if finding.grade == "warning"] == [
        f"chmod 600 {tmp_path / 'pepper'}"
    ]


def test_a_clock_of_the_past_is_a_problem() -> None:
    assert clock(0.0).grade == "problem" and clock(1_800_000_000.0).grade == "ok"


@pytest.mark.parametrize(
    ("text", "feature"), [("flags\t\t: fpu avx2 avx512_vnni\n", "avx2"), ("Features\t: fp asimddp\n", "asimddp")]
)
def test_features_are_read_of_either_kind_of_processor(text: str, feature: str) -> None:
    assert feature in cpu_features("processor : 0\n" + text)


def test_what_is_found_is_a_line_with_its_remedy() -> None:
    found = [ok("python", "3.11"), warning("disk", "little", "make room"), problem("port 1", "taken", "another")]
    assert [str(line(finding)).splitlines() for finding in found] == [
        ["✓ python                    3.11"],
        ["! disk                      little", "                            → make room"],
        ["✗ port 1                    taken", "                            → another"],
    ]
    assert (worst(found), summary(found)) == ("problem", "1 warning, 1 problem")


@pytest.mark.engine
def test_bad_settings_are_a_problem_and_status_1(tmp_path: Path) -> None:
    done = piped("doctor", "--json", STENOWIRE_PORT="70000", STENOWIRE_DATA=str(tmp_path))
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["worst"] == "problem"
    assert told["findings"][0]["subject"] == "settings" and "port" in told["findings"][0]["what"]


@pytest.mark.engine
def test_a_machine_that_is_well_is_status_0(unused_tcp_port: int, moonshine_folder: Path, silero_folder: Path) -> None:
    done = piped("doctor", "--port", str(unused_tcp_port))
    assert done.returncode == 0, done.stdout
    assert f"✓ port {unused_tcp_port}" in done.stdout and "✗" not in done.stdout
