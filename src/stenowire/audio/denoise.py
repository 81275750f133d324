"""Takes noise out of speech, as far as that helps a recogniser.

Input: float32 mono at 16 kHz. Output: `Sound`; its sample n is the sound of sample n of the input, however the input
was cut. The suppressor works at 48 kHz in frames of 10 ms. Must not know of formats or sessions.

A suppressor leaves gaps and smears that a recogniser has never heard, so its output is mixed with the sound as it came:
more words are right than with either alone (dev/LOG.md, "Noise reduction"). The speech detector, which has only to find
the talk, does better with more of it ("The detector hears less noise"). `near_field` and `far_field` always mix;
`auto` mixes while speech does not stand far above the noise, and costs next to nothing meanwhile.
"""

import numpy as np

from stenowire.audio.rnnoise import DELAY, FRAME, RNNoise, available
from stenowire.audio.snr import SignalToNoise
from stenowire.audio.twofold import Sound, joined
from stenowire.types import NoiseReduction, Samples

TIMES = 3
"""48 kHz to 16 kHz."""
STEP = FRAME // TIMES
"""Samples at 16 kHz that are worked on at once: 10 ms. Always as many, so that no cut changes how sums are rounded."""
HALF = 16
"""Samples at 16 kHz that a change of rate looks at on either side."""
LATE = DELAY // TIMES + 2 * HALF
"""Samples at 16 kHz by which the suppressed sound is late: 22 ms."""
SHARES = {"near_field": 0.5, "far_field": 0.7, "auto": 0.5}
"""Of the suppressed sound in the mixture that is recognised."""
EAR_SHARE = 0.8
"""In what the detector hears. With all of it noise alone becomes words."""
WARM_UP = 20
"""Steps that the suppressor listens before it is heard, after a rest."""
REST_AFTER = 200
"""Steps of clear sound after which it rests."""


def noise_stage(noise_reduction: NoiseReduction | None) -> "Denoiser | None":
    """What the front end is given. Raises InvalidParameter where a suppressor is asked for and none is installed."""
    if noise_reduction in (None, "off") or (noise_reduction == "auto" and not available()):
        return None
    return Denoiser(SHARES[noise_reduction], always=noise_reduction != "auto")


def _low_pass() -> Samples:
    """float32[97] for 48 kHz: 7.2 kHz, Kaiser window for 60 dB (Oppenheim and Schafer, Discrete-Time Signal Processing,
    7.5). The same for both changes of rate; each is late by HALF samples at 16 kHz."""
    at = np.arange(-HALF * TIMES, HALF * TIMES + 1)
    taps = np.sinc(2 * 7_200 / 48_000 * at) * np.kaiser(len(at), 5.65)
    low_pass: Samples = (taps / taps.sum()).astype(np.float32)
    return low_pass


LOW_PASS = _low_pass()
PHASES = np.pad(LOW_PASS, (0, TIMES - 1)).reshape(-1, TIMES)[::-1] * np.float32(TIMES)
"""float32[33, 3]: what 33 samples at 16 kHz, oldest first, give to the next three at 48 kHz."""


class _Suppressor:
    """The network between two changes of rate. Its output is LATE samples late."""

    def __init__(self) -> None:
        self._network = RNNoise()
        self._before = np.zeros(2 * HALF, np.float32)
        self._after = np.zeros(2 * HALF * TIMES, np.float32)

    def feed(self, step: Samples) -> Samples:
        """float32[160] to as many."""
        joined = np.concatenate((self._before, step))
        self._before = joined[-2 * HALF :]
        fast = (np.lib.stride_tricks.sliding_window_view(joined, 2 * HALF + 1) @ PHASES).reshape(-1)
        clean = np.concatenate((self._after, self._network.feed(fast)))
        self._after = clean[-2 * HALF * TIMES :]
        slow: Samples = np.lib.stride_tricks.sliding_window_view(clean, len(LOW_PASS))[::TIMES] @ LOW_PASS
        return slow


class Denoiser:
    """A stage of the front end. `share` (0..1) of what is recognised is suppressed sound; without `always` none is,
    while the sound is clear. Holds back 22 to 32 ms. Raises InvalidParameter without a suppressor."""

    def __init__(self, share: float, always: bool) -> None:
        self._suppressor: _Suppressor | None = _Suppressor()
        """Awake from the start, so that it knows the room when noise is found."""
        self._share, self._ear_share = np.float32(share), np.float32(max(share, EAR_SHARE))
        self._always = always
        self._snr = SignalToNoise()
        self._waiting = np.empty(0, np.float32)
        self._dry = np.zeros(LATE, np.float32)
        self._held = 0
        self._surplus = LATE
        """Samples of the output so far that stand for no input: silence before the first."""
        self._now = 0.0
        """How much of the shares is mixed in: 0 or 1, and in between for a step."""
        self._heard = self._clear = 0

    def feed(self, samples: Samples) -> Sound:
        self._held += len(samples)
        out = self._advance(samples)
        self._held -= len(out.samples)
        return out

    def flush(self) -> Sound:
        held, self._held = self._held, 0
        return self._advance(np.zeros(LATE + STEP, np.float32)).part(0, held)

    def _advance(self, samples: Samples) -> Sound:
        waiting = np.concatenate((self._waiting, samples))
        whole = len(waiting) // STEP * STEP
        self._waiting = waiting[whole:]
        mixed = joined([self._step(waiting[at : at + STEP]) for at in range(0, whole, STEP)])
        skipped = min(self._surplus, len(mixed.samples))
        self._surplus -= skipped
        return mixed.part(skipped)

    def _step(self, step: Samples) -> Sound:
        """float32[160], LATE samples late."""
        self._dry = np.concatenate((self._dry, step))
        dry, self._dry = self._dry[:STEP], self._dry[STEP:]
        wanted = self._wanted(step)
        if self._suppressor is None:
            return Sound(dry, dry)
        taken = self._suppressor.feed(step) - dry
        if self._now == wanted == 0:
            return Sound(dry, dry)
        taken *= np.linspace(self._now, wanted, STEP, dtype=np.float32)
        self._now = wanted
        return Sound(dry + self._share * taken, dry + self._ear_share * taken)

    def _wanted(self, step: Samples) -> float:
        """How much is to be mixed in at the end of this step; wakes the suppressor, or lets it rest."""
        if self._always:
            return 1.0
        self._clear = 0 if self._snr.feed(step) else self._clear + 1
        if self._clear >= REST_AFTER:
            self._suppressor, self._heard = None, 0
            self._now = 0.0
            return 0.0
        if self._suppressor is None:
            self._suppressor = _Suppressor()
        self._heard += 1
        return float(self._snr.noisy and self._heard > WARM_UP)
