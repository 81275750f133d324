"""Samples at any rate to samples at the session's 16 kHz, while they arrive.

Input: float32 mono. Output: float32 mono at 16 kHz; sample n of the output is the sound at n / 16000 s of the input,
however the input was cut. Must not know of formats.
"""

import numpy as np
import soxr

from stenowire.types import SESSION_RATE_HZ, Samples


class Resampler:
    """soxr's variable-rate path, at a fixed rate.

    It filters in the time domain and so holds back the same 12 to 30 ms of audio always, where soxr's default path
    works in blocks and holds back up to 118 ms at 8 kHz and 40 ms at 48 kHz. Flat to 7 kHz, aliases below -110 dB, at
    most 0.15 ms of computing per 100 ms. From rates above 16 kHz a sound comes 0.1 ms late, its highest tones 0.3 ms,
    which changed no word error rate (dev/LOG.md, "Resampling").
    """

    def __init__(self, rate_hz: int) -> None:
        self._stream = None
        if rate_hz != SESSION_RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, SESSION_RATE_HZ, 1, dtype="float32", quality="HQ", vr=True)

    def feed(self, samples: Samples) -> Samples:
        if self._stream is None or len(samples) == 0:
            return samples
        resampled: Samples = self._stream.resample_chunk(samples)
        return resampled

    def flush(self) -> Samples:
        """The last milliseconds. Nothing may be fed afterwards; a second flush is empty."""
        stream, self._stream = self._stream, None
        if stream is None:
            return np.empty(0, np.float32)
        rest: Samples = stream.resample_chunk(np.empty(0, np.float32), last=True)
        return rest
