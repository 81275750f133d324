"""Telephone sound, whose band ends at 4 kHz, made fit for a detector and engines that know wide-band speech.

Input: float32 mono, at 8 kHz for `HighPass` and brought to 16 kHz for the rest. Output: as many samples, at the same
rate. Telephones carry no voice below 300 Hz (ITU-T G.712), so what rumbles far below is taken out. The empty half of
the band is not guessed at: it gets faint noise that swells with the highest sounds of the telephone's own band, as no
wide-band recording is empty there. The detector hears more of the speech by it, and by `EAR_GAIN`; to the recogniser
the noise makes no difference, and louder sound costs it words (dev/LOG.md, "Telephone"). It doubts what it hears all
the same, so that speech is taken to be likelier than it says.
"""

import numpy as np

from stenowire.types import SESSION_RATE_HZ, Samples

NARROW_RATE_HZ = 8_000
"""Sources at this rate come this way."""
EAR_GAIN = 2.5
"""By how much the detector, and only it, is to hear such sound louder: 8 dB."""
EAR_ODDS = 12.0
"""By how much the odds of speech are raised that it finds there: without the upper band it doubts quiet voices and lone
digits. Anything from 5 to 20 gives as many right words (dev/LOG.md, "Telephone: what the detector doubts")."""
FILL = 0.03
"""Noise above 4 kHz, over the rms of what lies between 2 and 4 kHz: 30 dB below."""
TAPS = 65
HALF = TAPS // 2
"""Samples that the filters hold back: 2 ms."""
SWELL = SESSION_RATE_HZ // 100
"""10 ms, over which the rms is taken: those behind a sample only, so nothing more is held back."""
NOISE_SAMPLES = 1 << 16
"""The noise repeats after 4 s."""
EMPTY_DB = -24.0
"""Power above 4.6 kHz over that of 2 to 3.8 kHz: -30 with the noise that is put there, -16 or more in wide speech."""
FRAME = 512
"""Samples of a spectrum, 31 Hz to a bin."""
RUMBLE_HZ, RUMBLE_TAPS = 60.0, 256
"""Where sound is 3 dB down; the response has died away to 1e-5 by then."""
HUM_HZ, HUM_TAPS = 120.0, 801
"""No voice begins below, but much of what hums in a line, and a recogniser that lacks the upper band heeds it."""


def _highpass(cut_hz: float) -> Samples:
    """A windowed ideal filter (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5): 60 dB, 1 kHz wide."""
    at = np.arange(TAPS) - HALF
    share = 2 * cut_hz / SESSION_RATE_HZ
    low = share * np.sinc(share * at) * np.kaiser(TAPS, 6.0)
    high: Samples = (np.where(at == 0, 1.0, 0.0) - low).astype(np.float32)
    return high


def _noise() -> Samples:
    """Noise above 4.3 kHz with an rms of 1, always the same, that may be repeated without a seam."""
    draw = np.random.default_rng(8_000).normal(size=NOISE_SAMPLES + TAPS - 1)
    draw[NOISE_SAMPLES:] = draw[: TAPS - 1]
    noise = np.convolve(draw, _highpass(4_300.0), "valid")
    scaled: Samples = (noise / noise.std()).astype(np.float32)
    return scaled


def _without_rumble() -> Samples:
    """The response of a Butterworth high-pass of second order at 8 kHz, by the bilinear transform (Oppenheim and
    Schafer, Discrete-Time Signal Processing, 7.1). It delays nothing."""
    warped = np.tan(np.pi * RUMBLE_HZ / NARROW_RATE_HZ)
    scale = 1 / (1 + np.sqrt(2) * warped + warped**2)
    back_1, back_2 = 2 * (warped**2 - 1) * scale, (1 - np.sqrt(2) * warped + warped**2) * scale
    taps = np.zeros(RUMBLE_TAPS + 2)
    driven = np.zeros(RUMBLE_TAPS)
    driven[:3] = scale, -2 * scale, scale
    for at in range(RUMBLE_TAPS):
        taps[at + 2] = driven[at] - back_1 * taps[at + 1] - back_2 * taps[at]
    response = taps[2:]
    high: Samples = (response - response.mean()).astype(np.float32)
    return high


def _without_hum() -> Samples:
    at = np.arange(HUM_TAPS) - HUM_TAPS // 2
    low = np.sinc(2 * HUM_HZ / SESSION_RATE_HZ * at) * np.blackman(HUM_TAPS)
    high: Samples = (np.where(at == 0, 1.0, 0.0) - low / low.sum()).astype(np.float32)
    return high


UPPER = _highpass(2_000.0)
WITHOUT_RUMBLE = _without_rumble()
WITHOUT_HUM = _without_hum()
MEAN = np.full(SWELL, 1 / SWELL)
NOISE = _noise()


class HighPass:
    """For sound at 8 kHz. Costs 0.2 ms of computing per second of audio."""

    def __init__(self) -> None:
        self._past = np.zeros(RUMBLE_TAPS - 1, np.float32)

    def feed(self, samples: Samples) -> Samples:
        """As many samples, nothing held back."""
        if not len(samples):
            return samples
        line = np.concatenate((self._past, samples))
        self._past = line[-(RUMBLE_TAPS - 1) :]
        return np.convolve(line, WITHOUT_RUMBLE, "valid").astype(np.float32)


class NarrowBand:
    """Costs 2 ms of computing per second of audio."""

    def __init__(self) -> None:
        self._past = np.zeros(TAPS - 1, np.float32)
        """The last samples that came in."""
        self._powers = np.zeros(SWELL - 1)
        self._skip = HALF
        """Outputs before the first sample, not to be given out."""
        self._at = 0
        """Samples given out so far."""

    def feed(self, samples: Samples) -> Samples:
        if not len(samples):
            return samples
        line = np.concatenate((self._past, samples))
        self._past = line[-(TAPS - 1) :]
        powers = np.concatenate((self._powers, np.square(np.convolve(line, UPPER, "valid"), dtype=np.float64)))
        self._powers = powers[-(SWELL - 1) :]
        swell = np.sqrt(np.convolve(powers, MEAN, "valid"))
        skipped, self._skip = min(self._skip, len(samples)), max(0, self._skip - len(samples))
        return self._filled(line[HALF : HALF + len(samples)][skipped:], swell[skipped:])

    def flush(self) -> Samples:
        return self.feed(np.zeros(HALF, np.float32))

    def _filled(self, sound: Samples, swell: np.ndarray) -> Samples:
        noise = NOISE[(self._at + np.arange(len(sound))) % NOISE_SAMPLES]
        self._at += len(sound)
        filled: Samples = sound + (FILL * swell).astype(np.float32) * noise
        return filled


def is_narrow(clip: Samples) -> bool:
    """Whether nothing was recorded above 4 kHz, at whatever rate it came. `clip`: float32[n] at 16 kHz."""
    frames = clip[: len(clip) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return False
    powers = np.square(np.abs(np.fft.rfft(frames * np.hanning(FRAME)))).sum(axis=0)
    hz = np.fft.rfftfreq(FRAME, 1 / SESSION_RATE_HZ)
    lower, upper = powers[(hz >= 2_000) & (hz < 3_800)].sum(), powers[hz >= 4_600].sum()
    return bool(upper < 10 ** (EMPTY_DB / 10) * lower)


def without_hum(clip: Samples) -> Samples:
    """The clip without what lies below 120 Hz, nothing delayed."""
    if len(clip) < HUM_TAPS:
        return clip
    return np.convolve(clip, WITHOUT_HUM, "same").astype(np.float32)
