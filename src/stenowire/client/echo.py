"""Takes what a machine plays out of what its microphone hears, so that an open loudspeaker is not transcribed.

In: the far end, the samples that are given to the loudspeaker, and the near end, those that the microphone took.
Out: the near end without the far end's echo. WebRTC's echo canceller does the work, through LiveKit's binding (extra
`microphone`). Must not know of devices, servers or clocks.

    canceller = EchoCanceller(16_000)
    canceller.far_end(played)              # whenever something is given to the loudspeaker
    clean = canceller.near_end(recorded)   # whenever the microphone has given something

The canceller finds by itself how much later the echo comes, up to about half a second.
"""

from typing import Any

import numpy as np

from stenowire.client.errors import ClientError
from stenowire.types import Samples

RATES_HZ = (8_000, 16_000, 32_000, 48_000)
"""What WebRTC's audio processing works at."""
MOST_AHEAD_S = 1.0
"""Of the far end that waits for its near end; beyond it the oldest is dropped, as it has been played long ago."""
SCALE = 32_768.0


class EchoCanceller:
    """One microphone and one loudspeaker, mono, at the same rate. One thread at a time may call it.

    Raises ValueError for a rate that is not in RATES_HZ, ClientError where the binding is not installed.
    """

    def __init__(self, rate_hz: int = 16_000) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"rate_hz is {rate_hz}, and must be one of {', '.join(map(str, RATES_HZ))}")
        try:
            from livekit.rtc import AudioFrame
            from livekit.rtc.apm import AudioProcessingModule
        except ImportError as error:
            raise ClientError(
                "echo cancellation needs the extra `microphone`: pip install stenowire[microphone]"
            ) from error
        self.rate_hz = rate_hz
        self._frame = rate_hz // 100
        self._new_frame: Any = AudioFrame
        self._module: Any = AudioProcessingModule(echo_cancellation=True)
        self._module.set_stream_delay_ms(0)
        self._far = np.empty(0, np.int16)
        self._near = np.empty(0, np.int16)
        self._far_silent = np.zeros(self._frame, np.int16)

    def far_end(self, samples: Samples) -> None:
        """float32[n] in [-1, 1) that the loudspeaker is given now, or has just been given."""
        most = int(MOST_AHEAD_S * self.rate_hz)
        self._far = np.concatenate((self._far, _integers(samples)))[-most:]

    def near_end(self, samples: Samples) -> Samples:
        """float32[n] from the microphone to float32[m] without echo, in whole frames of 10 ms: up to 10 ms are held
        back. While nothing is played the far end is taken to be silent."""
        near = np.concatenate((self._near, _integers(samples)))
        whole = len(near) // self._frame * self._frame
        self._near = near[whole:]
        frames = [self._cancel(near[at : at + self._frame]) for at in range(0, whole, self._frame)]
        joined = np.concatenate(frames) if frames else np.empty(0, np.int16)
        return (joined / SCALE).astype(np.float32)

    def flush(self) -> Samples:
        """The near end that was held back, shorter than 10 ms."""
        rest = len(self._near)
        return self.near_end(np.zeros(self._frame - rest, np.float32))[:rest] if rest else np.empty(0, np.float32)

    def _cancel(self, near: np.ndarray[Any, np.dtype[np.int16]]) -> np.ndarray[Any, np.dtype[np.int16]]:
        """The far end goes on in step with the near end, so that their distance stays what it is."""
        enough = len(self._far) >= self._frame
        far = self._far[: self._frame] if enough else self._far_silent
        self._far = self._far[self._frame :] if enough else self._far
        self._module.process_reverse_stream(self._new_frame(bytearray(far.tobytes()), self.rate_hz, 1, self._frame))
        frame = self._new_frame(bytearray(near.tobytes()), self.rate_hz, 1, self._frame)
        self._module.process_stream(frame)
        return np.frombuffer(bytes(frame.data), np.int16)


def _integers(samples: Samples) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (np.clip(samples, -1, 1 - 1 / SCALE) * SCALE).astype(np.int16)
