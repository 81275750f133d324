"""From a client's bytes to the samples that a session works on.

Input: bytes in the declared format, cut anywhere. Output: `Sound`, float32 mono at 16 kHz, the same whatever the cuts.
Must not know of sessions or of the wire.

    bytes ─▶ decoder ─▶ declipper ─▶ at 8 kHz: high-pass ─▶ resampler ─▶ noise reduction, if any
                                                                     ─▶ at 8 kHz: narrow band ─▶ sound
"""

import copy
from typing import Protocol

import numpy as np

from stenowire.audio.declip import Declipper
from stenowire.audio.decode import Decoder
from stenowire.audio.narrowband import EAR_GAIN, EAR_ODDS, NARROW_RATE_HZ, HighPass, NarrowBand
from stenowire.audio.resample import Resampler
from stenowire.audio.twofold import NOTHING, Sound, joined
from stenowire.types import AudioFormat, Samples


class Stage(Protocol):
    """Works on the sound of one stream at 16 kHz. What it gives is the same however its samples were cut."""

    def feed(self, samples: Samples) -> Sound:
        """float32[n] to a sound of m samples; what is held back comes with a later feed or the flush."""

    def flush(self) -> Sound:
        """What was held back; over a stream as many samples come out as went in. Nothing may be fed afterwards."""


class FrontEnd:
    """Raises UnsupportedFormat at once or at a WAV header, BadAudio for bytes that are not what they claim to be."""

    def __init__(self, format: AudioFormat, stage: Stage | None = None) -> None:
        self._decoder = Decoder(format)
        self._declipper = Declipper()
        self._resampler: Resampler | None = None
        self._stage = stage
        self._high_pass: HighPass | None = None
        self._band: NarrowBand | None = None
        self._ear_band: NarrowBand | None = None
        """For the detector, while it hears another sound than the recogniser."""

    @property
    def ear_gain(self) -> float:
        """How much louder the speech detector should hear the sound."""
        return EAR_GAIN if self._band else 1.0

    @property
    def ear_odds(self) -> float:
        """By what the odds of speech are multiplied that the detector finds in the sound."""
        return EAR_ODDS if self._band else 1.0

    def feed(self, data: bytes) -> Sound:
        """May be empty: half a sample, a header, and the resampler's 12 to 30 ms are held back."""
        return self._fill(self._staged(self._resample(self._declipper.feed(self._decoder.feed(data)))))

    def flush(self) -> Sound:
        """What was held back; nothing may be fed afterwards."""
        rest = self._declipper.feed(self._decoder.flush())
        rest = self._resample(np.concatenate((rest, self._declipper.flush())))
        if self._resampler:
            rest = np.concatenate((rest, self._resampler.flush()))
        sound = self._fill(joined([self._staged(rest), self._drained()]))
        if self._band is None:
            return sound
        last = self._band.flush()
        return joined([sound, Sound(last, self._ear_band.flush() if self._ear_band else last)])

    def exchange(self, stage: Stage | None) -> Sound:
        """Have what follows pass by another stage, or none; what the former one held back."""
        rest = self._fill(self._drained())
        self._stage, self._ear_band = stage, None
        return rest

    def _resample(self, samples: Samples) -> Samples:
        if self._resampler is None and self._decoder.rate_hz:
            self._resampler = Resampler(self._decoder.rate_hz)
            if self._decoder.rate_hz == NARROW_RATE_HZ:
                self._high_pass, self._band = HighPass(), NarrowBand()
        if self._high_pass:
            samples = self._high_pass.feed(samples)
        return self._resampler.feed(samples) if self._resampler else samples

    def _staged(self, samples: Samples) -> Sound:
        return self._stage.feed(samples) if self._stage else Sound(samples, samples)

    def _drained(self) -> Sound:
        return self._stage.flush() if self._stage else NOTHING

    def _fill(self, sound: Sound) -> Sound:
        if self._band is None:
            return sound
        if self._stage is None:
            filled = self._band.feed(sound.samples)
            return Sound(filled, filled)
        if self._ear_band is None:
            self._ear_band = copy.copy(self._band)
        return Sound(self._band.feed(sound.samples), self._ear_band.feed(sound.ear))
