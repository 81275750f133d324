"""Programs for the vendor's Java SDK: a microphone's, a local file's, two tasks on one connection, and sessions.

They are built by Maven, once, into the cache; what they print is what these claims look at.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from bench.server import Server

from compat.beckett import FIRST_SAID, LAST_SAID
from compat.sdks import ROOT, spoken
from compat.talks import COMMITTED, DETECTED, ITEM, ways

pytestmark = pytest.mark.compat

PROJECT = Path(__file__).with_name("java")
BUILT = ROOT / ".cache" / "compat" / "java"
PATIENCE_S = 120
NO_INDEX = ("Could not transfer", "Unknown host", "Connection refused", "Connect timed out", "Network is unreachable")
"""What Maven says when there is nobody to fetch from."""
FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
METRICS = re.compile(r"request ([0-9a-f-]{36}), first package (-?\d+) ms, last package (-?\d+) ms")

Launch = Callable[..., subprocess.CompletedProcess[str]]
Run = Callable[..., list[str]]


@pytest.fixture(scope="module")
def classpath() -> str:
    """Built once, and again when a source has changed."""
    for program in ("java", "javac", "mvn"):
        if not shutil.which(program):
            pytest.skip(f"no {program} to build and run Java programs with")
    files = sorted(path for path in PROJECT.rglob("*") if path.is_file())
    wanted = sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    stamp = BUILT / ".built"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(BUILT, ignore_errors=True)
        _build()
        stamp.write_text(wanted)
    return os.pathsep.join((str(BUILT / "classes"), str(BUILT / "dependency" / "*")))


def _build() -> None:
    """Without the index first: where everything has been fetched before, that is quicker and needs no network."""
    for offline in (["-o"], []):
        command = ["mvn", "-q", "-B", *offline, "-f", str(PROJECT), "compile"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    if any(sign in done.stdout for sign in NO_INDEX):
        pytest.skip("no index to fetch the Java SDK from")
    pytest.fail(f"the Java programs could not be built: {done.stdout.strip()[-800:]}")


@pytest.fixture(scope="module")
def launch(server: Server, classpath: str) -> Launch:
    """`launch("Microphone", url, file)` -> the program when it has ended. The key is in its environment."""

    def launch(program: str, *arguments: Any, key: str = server.key) -> subprocess.CompletedProcess[str]:
        command = ["java", *FAST_START, "-cp", classpath, f"programs.{program}", *map(str, arguments)]
        environment = os.environ | {"DASHSCOPE_API_KEY": key}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"the program left with {done.returncode}: {done.stderr[-2000:]}"
        return done

    return launch


@pytest.fixture(scope="module")
def run(launch: Launch) -> Run:
    """The same -> the lines that it printed."""
    return lambda program, *arguments: launch(program, *arguments).stdout.splitlines()


def told(lines: list[str], kind: str) -> list[str]:
    """What a recognition program printed of a kind: interim, final, complete, error."""
    return [match[1] for line in lines if (match := re.search(rf"(?:^|\] ){kind}(?:: (.*))?$", line))]


def metrics(lines: list[str]) -> list[tuple[str, int, int]]:
    """(request id, first package delay in ms, last package delay in ms) of each task."""
    found = [METRICS.fullmatch(line) for line in lines]
    return [(match[1], int(match[2]), int(match[3])) for match in found if match]


# ---- the task protocol ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def microphone(run: Run, server: Server, ending: Path) -> list[str]:
    return run("Microphone", server.url, ending.with_suffix(".wav"))


@pytest.fixture(scope="module")
def local_file(run: Run, server: Server, ending: Path) -> list[str]:
    return run("LocalFile", server.url, http(server), ending.with_suffix(".wav"))


def http(server: Server) -> str:
    return server.url.replace("ws://", "http://").replace("/api-ws/v1/inference", "/api/v1")


@pytest.fixture(params=["microphone", "local_file"])
def lines(request: pytest.FixtureRequest) -> list[str]:
    return list(request.getfixturevalue(request.param))


def test_interims_come_before_the_final_which_holds_what_was_said(lines: list[str]) -> None:
    """The microphone's bare samples go under the name of a format that has a header, as the vendor's guide shows it."""
    kinds = [kind for line in lines for kind in ("interim", "final", "complete") if told([line], kind)]
    assert [kind for kind, _ in groupby(kinds)] == ["interim", "final", "complete"]
    assert spoken(told(lines, "final")) == LAST_SAID


def test_a_task_completes_once_and_without_an_error(lines: list[str]) -> None:
    assert len(told(lines, "complete")) == 1
    assert not told(lines, "error")


def test_the_request_id_and_both_delays_are_there_for_the_caller(lines: list[str]) -> None:
    ((_, first_ms, last_ms),) = metrics(lines)
    assert first_ms > 0 and last_ms >= 0


def test_the_program_for_files_warms_up_and_names_its_input(local_file: list[str], ending: Path) -> None:
    assert f"input: {ending.with_suffix('.wav')}" in local_file
    (warmed,) = [line for line in local_file if line.startswith("warmed up: ")]
    answer = json.loads(warmed.removeprefix("warmed up: "))
    assert (answer["object"], answer["data"]) == ("list", [])


def test_the_next_task_goes_over_the_connection_of_the_first(run: Run, server: Server, ending: Path) -> None:
    before = connections(server)
    lines = run("TwoTasks", server.url, ending.with_suffix(".wav"))
    assert spoken(told(lines, "final")) == f"{LAST_SAID} {LAST_SAID}"
    assert len(told(lines, "complete")) == 2
    first, second = metrics(lines)
    assert first[0] != second[0]
    assert connections(server) == before + 1


def connections(server: Server) -> int:
    return server.log.read_text(encoding="utf-8").count("connection opened")


def test_a_refused_key_is_told_at_once_and_not_tried_again(launch: Launch, server: Server, ending: Path) -> None:
    """The SDK gives up on the words of the refusal; on others it would try twice more, ten seconds apart. Whether its
    callback still prints them before the program, which may send no more audio, has left is a matter of luck."""
    before = refusals(server)
    done = launch("Microphone", server.url, ending.with_suffix(".wav"), key="sk-wrong")
    assert "was '401 Unauthorized'" in done.stderr and "InvalidApiKey" in done.stderr
    assert not {"interim", "final", "complete"} & {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert refusals(server) == before + 1


def refusals(server: Server) -> int:
    return server.log.read_text(encoding="utf-8").count("handshake refused")


# ---- the session protocol -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(run: Run, server: Server) -> Callable[[str, Path], list[dict[str, Any]]]:
    """`session("vad", file)` -> the events, then how the connection was closed, then the session's id."""
    url = server.url.replace("/inference", "/realtime")

    @cache
    def session(mode: str, file: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in run("Session", url, file, mode)]

    return session


Session = Callable[[str, Path], list[dict[str, Any]]]


def transcripts(events: list[dict[str, Any]]) -> list[str]:
    return [spoken([event["transcript"]]) for event in events if event["type"] == ITEM + "completed"]


def test_a_session_tells_what_silence_divides(session: Session, beckett: Path) -> None:
    events = session("vad", beckett)
    assert ways(events) == [DETECTED, DETECTED]
    assert transcripts(events) == [FIRST_SAID, LAST_SAID]


def test_settled_text_only_grows(session: Session, beckett: Path) -> None:
    interims = [event for event in session("vad", beckett) if event["type"] == ITEM + "text"]
    assert interims
    for earlier, later in pairwise(interims):
        assert later["item_id"] != earlier["item_id"] or later["text"].startswith(earlier["text"])


def test_a_session_ends_before_the_patience_of_its_client(session: Session, beckett: Path) -> None:
    """The SDK closes with 1000 when the end was told, and with 1011 when it had to give up waiting."""
    *_, finished, closed, done = events = session("vad", beckett)
    assert finished["type"] == "session.finished"
    assert closed == {"type": "close", "code": 1000}
    assert done["session_id"] == events[0]["session"]["id"]


def test_a_session_tells_what_the_client_commits(session: Session, ending: Path) -> None:
    events = session("manual", ending)
    (updated,) = [event["session"] for event in events if event["type"] == "session.updated"]
    assert updated["turn_detection"] is None
    assert updated["input_audio_transcription"]["corpus"] == {"text": "Samuel Beckett, Worstward Ho"}
    assert ways(events) == [COMMITTED]
    assert transcripts(events) == [LAST_SAID]


def test_a_commit_that_turn_detection_forbids_costs_no_words(session: Session, ending: Path) -> None:
    """A published sample of the vendor's makes it."""
    events = session("confused", ending)
    assert [event["error"]["code"] for event in events if event["type"] == "error"] == ["commit_not_allowed"]
    assert transcripts(events) == [LAST_SAID]
    assert events[-2] == {"type": "close", "code": 1000}
