"""Stands for `sounddevice`, and so for PortAudio: one microphone that hears the file in SPOKEN, then silence.

The machines that run the tests have no sound card, and ALSA's files give a recording as fast as they are asked, which
no microphone does; the real library is driven that way in tests/faults. Only what the client calls is here.
"""

import os
import threading
import wave
from types import SimpleNamespace

SPEED = 2
"""Times the pace of speech."""
RATE_HZ = 16_000

default = SimpleNamespace(device=(0, 0))


class PortAudioError(Exception):
    pass


def query_devices():
    return [{"name": "a recording", "max_input_channels": 1, "default_samplerate": float(RATE_HZ)}]


def _initialize():
    pass


def _terminate():
    pass


class RawInputStream:
    def __init__(self, *, device, samplerate, channels, dtype, blocksize, callback):
        assert (device, samplerate, channels, dtype) == (0, RATE_HZ, 1, "int16")
        self._frames = blocksize
        self._callback = callback
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    @property
    def active(self):
        return self._thread.is_alive()

    def start(self):
        self._thread.start()

    def abort(self, ignore_errors=True):
        self._over.set()

    def close(self, ignore_errors=True):
        self._thread.join()

    def _play(self):
        with wave.open(os.environ["SPOKEN"]) as file:
            while not self._over.wait(self._frames / RATE_HZ / SPEED):
                data = file.readframes(self._frames).ljust(2 * self._frames, b"\0")
                self._callback(data, self._frames, None, None)
