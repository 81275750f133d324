"""The demonstration and the in-process way, end to end, with the real engine and the recording that comes with it."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from threading import Thread
from typing import Any

import pytest

from cli.terminal import PATIENCE_S, Terminal, piped, plain

pytestmark = pytest.mark.engine

PHRASES = ["it was the best of times", "it was the age of wisdom", "the winter of despair", "direct to heaven"]
DIM = "\x1b[2m"


class Watched:
    """One demonstration in a terminal that went on serving, and one in a pipe that left."""

    def __init__(self, terminal: Terminal, once: CompletedProcess[str]) -> None:
        self.terminal = terminal
        self.screen = plain(terminal.out)
        self.once = once

    def said(self, pattern: str) -> str:
        found = re.search(pattern, self.screen)
        assert found, f"{pattern} is not in:\n{self.screen}"
        return found[1]


@pytest.fixture(scope="module")
def surroundings(
    models_root: Path, moonshine_folder: Path, silero_folder: Path, tmp_path_factory: Any
) -> dict[str, str]:
    """A data folder of its own, the models of everyone, and finals that do not depend on how busy the machine is."""
    data = str(tmp_path_factory.mktemp("data"))
    return {"STENOWIRE_DATA": data, "STENOWIRE_MODELS": str(models_root), "STENOWIRE_BEAM": "always"}


@pytest.fixture(scope="module")
def watched(surroundings: dict[str, str]) -> Iterator[Watched]:
    done: list[CompletedProcess[str]] = []
    once = Thread(target=lambda: done.append(piped("demo", "--once", "--port", "0", **surroundings)))
    with Terminal("demo", "--port", "0", **surroundings) as terminal:
        once.start()
        terminal.read_until(lambda screen: "--api-key" in screen)
        once.join()
        yield Watched(terminal, done[0])


def test_once_leaves_with_0_and_plain_lines(watched: Watched) -> None:
    assert (watched.once.returncode, watched.once.stderr) == (0, "")
    assert "\x1b" not in watched.once.stdout
    captions = re.findall(r"^(\d\d:\d\d\.\d) → (\d\d:\d\d\.\d)  (.+)$", watched.once.stdout, re.MULTILINE)
    times = [time for begin, end, _ in captions for time in (begin, end)]
    assert times == sorted(times) and times[-1] < "00:45.0"
    text = " ".join(text for *_, text in captions).lower()
    assert all(phrase in text for phrase in PHRASES)


def test_captions_grow_in_the_terminal_and_finals_have_their_times(watched: Watched) -> None:
    assert re.search(r"00:01\.\d → \.\.\.", watched.screen) and DIM in watched.terminal.out
    assert re.search(r"00:01\.\d → 00:\d\d\.\d  It was the best of times", watched.screen)


def test_its_key_and_endpoint_serve_other_programs(watched: Watched, moonshine_folder: Path) -> None:
    endpoint = watched.said(r"DASHSCOPE_WEBSOCKET_BASE_URL=(\S+)")
    key = watched.said(r"DASHSCOPE_API_KEY=(\S+)")
    recording = moonshine_folder / "beckett.wav"
    done = piped("transcribe", recording, "--url", endpoint, DASHSCOPE_API_KEY=key)
    assert done.returncode == 0 and "fail better" in done.stdout.lower()
    assert piped("transcribe", recording, "--url", endpoint, DASHSCOPE_API_KEY="sk-other").returncode == 4


def test_the_text_is_the_same_with_and_without_a_server(watched: Watched, moonshine_folder: Path) -> None:
    recording = moonshine_folder / "beckett.wav"
    url, key = watched.said(r"--url (ws://\S+)"), watched.said(r"DASHSCOPE_API_KEY=(\S+)")
    local, remote = (
        piped("transcribe", recording, "-f", "json", *way) for way in ([], ["--url", url, "--api-key", key])
    )
    assert local.stdout == remote.stdout and "fail better" in local.stdout.lower()


def test_ctrl_c_ends_it_and_its_server_in_good_order(watched: Watched) -> None:
    port = int(watched.said(r"--url ws://127\.0\.0\.1:(\d+)"))
    watched.terminal.press_ctrl_c()
    assert watched.terminal.read_all() == 0
    assert "Traceback" not in watched.terminal.out
    assert not answers(port)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_server_never_outlives_its_demonstration(end: signal.Signals, surroundings: dict[str, str]) -> None:
    with Terminal("demo", "--port", "0", **surroundings) as terminal:
        screen = terminal.read_until(lambda screen: "Playing" in screen)
        found = re.search(r"listens on ws://127\.0\.0\.1:(\d+)", screen)
        assert found and answers(int(found[1]))
        terminal.process.send_signal(end)
        terminal.process.wait(PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while answers(int(found[1])):
            assert time.monotonic() < deadline, "the server is still there"
            time.sleep(0.05)


def test_a_taken_port_is_told_in_one_line(surroundings: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = piped("demo", "--once", "--port", str(port), **surroundings)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port} of 127.0.0.1 is not to be had (address already in use)" in done.stderr
    assert done.stderr.count("\n") == 1


def test_nothing_recognised_in_an_unsupported_language_is_an_error(moonshine_folder: Path) -> None:
    done = piped("transcribe", moonshine_folder / "beckett.wav", "--language", "zh")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "'zh' is not covered" in done.stderr


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
