"""From a client's bytes to the samples that a session works on.

Input: bytes in the declared format, cut anywhere. Output: float32 mono at 16 kHz, the same samples whatever the cuts.
Must not know of sessions or of the wire.
"""

import numpy as np

from stenowire.audio.decode import Decoder
from stenowire.audio.resample import Resampler
from stenowire.types import AudioFormat, Samples


class FrontEnd:
    """Raises UnsupportedFormat at once or at a WAV header, BadAudio for bytes that are not what they claim to be."""

    def __init__(self, format: AudioFormat) -> None:
        self._decoder = Decoder(format)
        self._resampler: Resampler | None = None

    def feed(self, data: bytes) -> Samples:
        """May be empty: half a sample, a header, and the resampler's 12 to 30 ms are held back."""
        return self._resample(self._decoder.feed(data))

    def flush(self) -> Samples:
        """What was held back; nothing may be fed afterwards."""
        rest = self._resample(self._decoder.flush())
        return np.concatenate((rest, self._resampler.flush())) if self._resampler else rest

    def _resample(self, samples: Samples) -> Samples:
        if self._resampler is None and self._decoder.rate_hz:
            self._resampler = Resampler(self._decoder.rate_hz)
        return self._resampler.feed(samples) if self._resampler else samples
