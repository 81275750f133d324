"""From a client's bytes to the samples that a session works on.

Input: bytes in the declared format, cut anywhere. Output: float32 mono at 16 kHz, the same samples whatever the cuts.
Must not know of sessions or of the wire.

    bytes ─▶ decoder ─▶ declipper ─▶ resampler ─▶ given stages (noise reduction) ─▶ at 8 kHz: narrow band ─▶ samples
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from stenowire.audio.declip import Declipper
from stenowire.audio.decode import Decoder
from stenowire.audio.narrowband import EAR_GAIN, EAR_ODDS, NARROW_RATE_HZ, NarrowBand
from stenowire.audio.resample import Resampler
from stenowire.types import AudioFormat, Samples


class Stage(Protocol):
    """Works on the sound of one stream at 16 kHz. Its samples are the same however they were cut."""

    def feed(self, samples: Samples) -> Samples:
        """float32[n] to float32[m]; what is held back comes with a later feed or the flush."""

    def flush(self) -> Samples:
        """What was held back; over a stream as many samples come out as went in. Nothing may be fed afterwards."""


class FrontEnd:
    """Raises UnsupportedFormat at once or at a WAV header, BadAudio for bytes that are not what they claim to be."""

    def __init__(self, format: AudioFormat, stages: Sequence[Stage] = ()) -> None:
        self._decoder = Decoder(format)
        self._declipper = Declipper()
        self._resampler: Resampler | None = None
        self._stages = tuple(stages)
        self._band: NarrowBand | None = None

    @property
    def ear_gain(self) -> float:
        """How much louder the speech detector should hear the samples."""
        return EAR_GAIN if self._band else 1.0

    @property
    def ear_odds(self) -> float:
        """By what the odds of speech are multiplied that the detector finds in the samples."""
        return EAR_ODDS if self._band else 1.0

    def feed(self, data: bytes) -> Samples:
        """May be empty: half a sample, a header, and the resampler's 12 to 30 ms are held back."""
        samples = self._resample(self._declipper.feed(self._decoder.feed(data)))
        for stage in self._stages:
            samples = stage.feed(samples)
        return self._fill(samples)

    def flush(self) -> Samples:
        """What was held back; nothing may be fed afterwards."""
        rest = self._declipper.feed(self._decoder.flush())
        rest = self._resample(np.concatenate((rest, self._declipper.flush())))
        if self._resampler:
            rest = np.concatenate((rest, self._resampler.flush()))
        for stage in self._stages:
            rest = np.concatenate((stage.feed(rest), stage.flush()))
        return np.concatenate((self._fill(rest), self._band.flush())) if self._band else rest

    def exchange(self, stages: Sequence[Stage]) -> Samples:
        """Have what follows pass by other stages; what the former ones held back."""
        rest = np.empty(0, np.float32)
        for stage in self._stages:
            rest = np.concatenate((stage.feed(rest), stage.flush()))
        self._stages = tuple(stages)
        return self._fill(rest)

    def _resample(self, samples: Samples) -> Samples:
        if self._resampler is None and self._decoder.rate_hz:
            self._resampler = Resampler(self._decoder.rate_hz)
            self._band = NarrowBand() if self._decoder.rate_hz == NARROW_RATE_HZ else None
        return self._resampler.feed(samples) if self._resampler else samples

    def _fill(self, samples: Samples) -> Samples:
        return self._band.feed(samples) if self._band else samples
