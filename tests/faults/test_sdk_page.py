"""The programs on the page of the client run as they stand, against a server with another address."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from live_server import KEY, live, pcm

pytestmark = pytest.mark.faults

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"
SPOKEN = pcm("w10 w20 w30", 1500, "w40", 1500)


def programs() -> list[str]:
    blocks = re.findall(r"\n\n((?: {4}.*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
    return ["\n".join(line[4:] for line in block.splitlines()) for block in blocks if "import" in block]


def program(word: str) -> str:
    (found,) = [program for program in programs() if word in program]
    return found


@pytest.mark.parametrize("which", ["transcribe(", "bytes(32_000)", "Recogniser("])
async def test_a_program_of_the_page_runs(tmp_path: Path, which: str) -> None:
    recording = tmp_path / "a.wav"
    soundfile.write(recording, np.frombuffer(SPOKEN, "<i2"), 16_000)
    async with live(tmp_path) as server:
        code = program(which).replace("ws://127.0.0.1:8090", server.server.url)
        run = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", code, str(recording)],
            input=SPOKEN,
            env={**os.environ, "STENOWIRE_API_KEY": KEY},
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    if "bytes" not in which:
        assert re.findall(r"w.*", run.stdout.decode()) == ["w10 w20 w30", "w40"]
