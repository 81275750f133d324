"""Stands for PyAudio where there is no sound card: a microphone that hears the file in SPOKEN, then silence.

The package on the index is source that needs PortAudio's headers and a compiler, and the machines that run the tests
have no sound card anyway. Only what the examples call is here, with PyAudio's names and meanings.
"""

import os
import time
import wave

paInt16 = 8
SPEED = 2
"""Times the pace of speech."""


class Stream:
    def __init__(self, rate):
        self._file = wave.open(os.environ["SPOKEN"])  # noqa: SIM115 (it is open as long as the device is)
        assert self._file.getframerate() == rate

    def read(self, frames, exception_on_overflow=True):
        time.sleep(frames / self._file.getframerate() / SPEED)
        return self._file.readframes(frames).ljust(2 * frames, b"\0")

    def close(self):
        self._file.close()


class PyAudio:
    def open(self, *, format, channels, rate, input, frames_per_buffer=1024):
        assert (format, channels, input) == (paInt16, 1, True)
        return Stream(rate)

    def terminate(self):
        pass
