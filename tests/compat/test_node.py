"""Programs in Node, over its `ws`, that write the vendor's protocols by hand."""

import json
import shutil
import subprocess
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from bench.server import Server

from compat.beckett import FIRST_SAID, LAST_SAID
from compat.sdks import ROOT, Line, named, spoken
from compat.talks import DETECTED, ITEM, ways

pytestmark = pytest.mark.compat

PROGRAMS = Path(__file__).with_name("node")
PATIENCE_S = 120
NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")
"""What npm says when there is nobody to install from."""

Run = Callable[..., list[Line]]


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder that `require` finds `ws` in; installed once, and again when package.json has changed."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm to run programs in JavaScript with")
    folder = ROOT / ".cache" / "compat" / "node"
    wanted = (PROGRAMS / "package.json").read_text(encoding="utf-8")
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return folder / "node_modules"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(wanted, encoding="utf-8")
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.write_text(wanted, encoding="utf-8")
        return folder / "node_modules"
    shutil.rmtree(folder, ignore_errors=True)
    if any(sign in done.stderr for sign in NO_REGISTRY):
        pytest.skip("no registry to install ws from")
    pytest.fail(f"ws could not be installed: {done.stderr.strip()[-400:]}")


@pytest.fixture(scope="module")
def run(server: Server, modules: Path) -> Run:
    """`run("session.cjs", model=..., file=..., session=...)` -> the lines that the program wrote."""

    def run(program: str, **job: Any) -> list[Line]:
        door = "/realtime" if program == "session.cjs" else "/inference"
        job = {"url": server.url.replace("/inference", door), "key": server.key, **job}
        command = ["node", str(PROGRAMS / program), json.dumps(job, default=str)]
        environment = {"NODE_PATH": str(modules), "PATH": str(Path(shutil.which("node") or "").parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"the program left with {done.returncode}: {done.stderr[-2000:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def order(lines: list[Line]) -> list[str]:
    """Types of the events, runs of the same told once."""
    kinds = [line["body"].get("type") or line["body"]["header"]["event"] for line in named(lines, "event")]
    return [kind for kind, _ in groupby(kinds)]


def transcripts(lines: list[Line]) -> list[str]:
    events = [line["body"] for line in named(lines, "event")]
    return [spoken([event["transcript"]]) for event in events if event["type"] == ITEM + "completed"]


def test_a_session_tells_what_silence_divides(run: Run, beckett: Path) -> None:
    session = {"input_audio_format": "pcm", "sample_rate": 16_000, "input_audio_transcription": {"language": "en"}}
    lines = run("session.cjs", model="qwen3-asr-flash-realtime", file=beckett, session=session)
    assert ways([line["body"] for line in named(lines, "event")]) == [DETECTED, DETECTED]
    assert transcripts(lines) == [FIRST_SAID, LAST_SAID]
    assert lines[-1] == {"what": "close", "code": 1000}


def test_a_session_tells_what_the_client_commits(run: Run, ending: Path) -> None:
    lines = run("session.cjs", model="qwen3-asr-flash-realtime", file=ending, session={"turn_detection": None})
    assert transcripts(lines) == [LAST_SAID]
    assert lines[-1] == {"what": "close", "code": 1000}


def test_a_connection_carries_one_task_after_another(run: Run, ending: Path) -> None:
    lines = run("task.cjs", model="fun-asr-realtime", file=ending, tasks=2)
    assert order(lines) == ["task-started", "result-generated", "task-finished"] * 2
    events = named(lines, "event")
    assert all(line["body"]["header"]["task_id"] == line["task"] for line in events)
    assert not any(line["binary"] for line in events)
    sentences = [line["body"]["payload"].get("output", {}).get("sentence") for line in events]
    finals = [sentence["text"] for sentence in sentences if sentence and sentence["sentence_end"]]
    assert spoken(finals) == f"{LAST_SAID} {LAST_SAID}"
    assert lines[-1] == {"what": "close", "code": 1000}


@pytest.mark.parametrize("program", ["session.cjs", "task.cjs"])
def test_a_wrong_key_is_refused_with_401(run: Run, ending: Path, program: str) -> None:
    lines = run(program, model="qwen3-asr-flash-realtime", file=ending, session={}, tasks=1, key="sk-wrong")
    assert [line["what"] for line in lines] == ["error", "close"]
    assert "401" in lines[0]["message"]
