"""A real server for the vendor's SDKs to talk to, and the speech that they send."""

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import soundfile
from bench.server import Server

from compat.beckett import LAST_S
from compat.sdks import Drive, Line, sdk, write_audio
from stenowire.types import SESSION_RATE_HZ, Samples

DRIVERS = Path(__file__).with_name("drivers")
PATIENCE_S = 120


@pytest.fixture(scope="session")
def server(moonshine_folder: Path, silero_folder: Path) -> Iterator[Server]:
    """The product as people run it, with the real engine, for as long as these tests last."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def opening(two_cities: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten seconds of the novel: 16 kHz, 16 bit, as bare samples (.pcm) beside the same as .wav."""
    return write_audio(tmp_path_factory.mktemp("audio") / "opening.pcm", two_cities[: 10 * SESSION_RATE_HZ])


@pytest.fixture(scope="session")
def beckett(moonshine_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six very short sentences in ten seconds, a second of silence before the last two; .pcm beside .wav as above."""
    samples, rate_hz = soundfile.read(moonshine_folder / "beckett.wav", dtype="float32")
    return write_audio(tmp_path_factory.mktemp("audio") / "beckett.pcm", samples, rate_hz)


@pytest.fixture(scope="session")
def ending(beckett: Path) -> Path:
    """The last two of them: one utterance of three seconds, .pcm beside .wav."""
    samples, rate_hz = soundfile.read(beckett.with_suffix(".wav"), dtype="float32")
    begin, end = (int(at_s * rate_hz) for at_s in LAST_S)
    return write_audio(beckett.with_name("ending.pcm"), samples[begin:end], rate_hz)


@pytest.fixture(scope="session")
def drive(server: Server) -> Drive:
    """`drive("recognition", "2.0.2", scenario=..., ...)` -> the lines that the driver wrote in that environment.

    `package` is what the environment holds in that version, where it is not the vendor's SDK.
    """

    def run(driver: str, version: str, package: str = "dashscope", **job: Any) -> list[Line]:
        defaults = {"url": server.url, "key": server.key, "model": "fun-asr-realtime", "rate_hz": SESSION_RATE_HZ}
        command = [str(sdk(version, package)), str(DRIVERS / f"{driver}.py"), json.dumps(defaults | job, default=str)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"the driver left with {done.returncode}: {done.stderr[-2000:]}"
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]

    return run


@pytest.fixture(scope="session")
def streamed(drive: Drive, opening: Path) -> Callable[[str], list[Line]]:
    """One plain start, send_audio_frame, stop with each version; several claims look at the same run."""
    return cache(lambda version: drive("recognition", version, scenario="stream", file=opening, format="pcm"))
