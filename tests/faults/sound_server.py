"""A PulseAudio server without any hardware: what is played into its room is what its microphone hears."""

import os
import shutil
import signal
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stenowire.client.errors import ClientError

PLUGIN = "libasound_module_pcm_pulse.so"
START_S = 20.0


class Room:
    """`env` is what a program needs to hear it."""

    def __init__(self, socket: Path, process: "subprocess.Popen[bytes]") -> None:
        self.env = {
            "PULSE_SERVER": f"unix:{socket}",
            "XDG_RUNTIME_DIR": str(socket.parent),
            "JACK_NO_START_SERVER": "1",
        }
        self._process = process

    def control(self, *order: str) -> str:
        done = subprocess.run(["pactl", *order], env=os.environ | self.env, check=True, capture_output=True, text=True)
        return done.stdout

    @contextmanager
    def playing(self, path: Path, sink: str = "room") -> Iterator[None]:
        player = subprocess.Popen(["paplay", f"--device={sink}", str(path)], env=os.environ | self.env)
        try:
            yield
        finally:
            player.kill()
            player.wait()

    def freeze(self) -> None:
        """From now on nothing comes from it, as from a device that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


def missing() -> str | None:
    """Why there can be none, or None."""
    from stenowire.client.microphone import devices

    if any(shutil.which(name) is None for name in ("pulseaudio", "pactl", "paplay", "parec")):
        return "no PulseAudio here (apt install pulseaudio pulseaudio-utils)"
    if not any(Path("/usr/lib").glob(f"*/alsa-lib/{PLUGIN}")):
        return "ALSA does not know PulseAudio here (apt install libasound2-plugins)"
    try:
        devices()
    except ClientError as error:
        return str(error)
    return None


@contextmanager
def room(folder: Path) -> Iterator[Room]:
    """With the sinks `room`, where everything is played unless told otherwise, and `mouth`."""
    if reason := missing():
        pytest.skip(reason)
    socket, script = folder / "native", folder / "start.pa"
    script.write_text(
        f"load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n"
        "load-module module-null-sink sink_name=room rate=48000 channels=1\n"
        "load-module module-null-sink sink_name=mouth rate=48000 channels=1\n"
        "set-default-sink room\n"
    )
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-F", str(script)]
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with (folder / "pulse.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | home, stdout=log, stderr=log)
    try:
        found = Room(socket, process)
        deadline = time.monotonic() + START_S
        while process.poll() is None and not socket.exists():
            assert time.monotonic() < deadline, (folder / "pulse.log").read_text()
            time.sleep(0.05)
        assert process.poll() is None, (folder / "pulse.log").read_text()
        yield found
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def write_wav(path: Path, pcm: bytes, rate_hz: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return path
