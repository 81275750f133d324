"""A microphone that PortAudio knows, made of a recording by ALSA's file plugin, all the way to the text."""

import asyncio
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from live_server import KEY, live, pcm
from stenowire.client.microphone import NoDevice, Unsupported, devices, find

pytestmark = pytest.mark.faults

ALSA = Path("/usr/share/alsa/alsa.conf")

SCRIPT = """
import asyncio, sys
from stenowire import Final, transcribe
from stenowire.client.sources import of_pieces
from stenowire.client.microphone import Microphone, NoDevice, devices, find

url, key = sys.argv[1:]
peaks, events = [], []

async def main():
    assert find("virt").name == "virtual" and find(find("virtual").number).name == "virtual"
    try:
        find("no such thing")
    except NoDevice as error:
        assert "virtual" in str(error)
    pieces = []
    async with Microphone("spoken", on_level=lambda level: peaks.append(level.peak), on_event=events.append) as mic:
        assert mic.format.rate_hz == 16000, mic.format
        async for piece in mic.pieces():
            pieces.append(piece)
            if len(pieces) == 100:
                mic.stop()
    assert 0.2 < max(peaks) < 0.5, max(peaks)
    async for update in transcribe(of_pieces(pieces, mic.format), url, key=key):
        if isinstance(update, Final):
            print(update.sentence.text, flush=True)

asyncio.run(asyncio.wait_for(main(), 30))
"""


def config(folder: Path, audio: bytes) -> Path:
    """ALSA's own file with two devices more, which give a recording as fast as they are asked."""
    (folder / "said.raw").write_bytes(audio)
    path = folder / "asound.conf"
    path.write_text(
        f"<{ALSA}>\n"
        f"pcm.virtual {{ type file slave {{ pcm null }} file /dev/null infile {folder}/said.raw format raw }}\n"
        "pcm.spoken { type plug slave { pcm virtual rate 16000 channels 1 format S16_LE } }\n"
        "pcm.!default { type plug slave { pcm virtual rate 16000 channels 1 format S16_LE } }\n"
    )
    return path


def portaudio() -> str | None:
    """Why there is none, or None."""
    if find_spec("sounddevice") is None:
        return "the extra `microphone` is not installed"
    if not ALSA.exists():
        return f"no ALSA here ({ALSA})"
    try:
        devices()
    except Unsupported as error:
        return str(error)
    return None


async def test_what_is_said_into_a_microphone_comes_back_as_text(tmp_path: Path) -> None:
    if reason := portaudio():
        pytest.skip(reason)
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(config(tmp_path, pcm("w10 w20 w30", 1500) * 40))}
    async with live(tmp_path) as server:
        command = [sys.executable, "-c", SCRIPT, server.server.url, KEY]
        run = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "w10 w20 w30" in run.stdout.splitlines()


def test_without_a_microphone_the_error_lists_what_there_is() -> None:
    with pytest.raises((NoDevice, Unsupported), match=r"there are: |extra `microphone`|PortAudio"):
        find("no such device")
