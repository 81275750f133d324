"""The line in: from the bytes that a client sends to samples on the tape.

In: bytes, changes of their format and of noise reduction. Out: samples on the tape, how many came, and the same moments
as the speech detector, and a recogniser that listens again, are to hear them. It must not know speech, text or time.
"""

import numpy as np

from stenowire.audio.denoise import noise_stage
from stenowire.audio.frontend import FrontEnd
from stenowire.audio.level import amplified
from stenowire.audio.twofold import Sound
from stenowire.core.segmenter import FRAME
from stenowire.core.tape import Tape
from stenowire.events import Open, Reconfigure
from stenowire.types import SESSION_RATE_HZ, Samples

DOUBT = 6.0
"""By what the detector's odds are divided where *surely* speech is judged and it hears what it was not taught: noise of
which much has been taken away, or a telephone. Twice in an utterance noise had up to 0.988 there, and talk, in noise at
5 dB or by telephone, more than 0.99."""


class LineIn:
    def __init__(self, opening: Open, tape: Tape) -> None:
        self._tape = tape
        self._received = tape.begin
        self._noise_reduction = opening.noise_reduction
        self._front = FrontEnd(opening.format, noise_stage(opening.noise_reduction))
        self._ear: Tape | None = None
        """What the detector is to hear, from the first moment on at which that was another sound."""

    @property
    def audio_s(self) -> float:
        """Audio received, in seconds."""
        return self._received / SESSION_RATE_HZ

    @property
    def laborious(self) -> bool:
        """Whether taking in audio costs milliseconds, so that no event loop should do it."""
        return self._noise_reduction not in (None, "off")

    @property
    def ear_odds(self) -> float:
        """By what the odds of speech are multiplied that the speech detector finds in these samples."""
        return self._front.ear_odds

    def for_ear(self, begin: int, end: int) -> Samples:
        """float32[end - begin]: what the speech detector is to hear there. It is kept as long as what is recognised."""
        tape = self._tape
        if self._ear is not None:
            tape = self._ear
            tape.forget(self._tape.begin)
        return amplified(tape.view(begin, end), self._front.ear_gain)

    def again(self, begin: int, end: int) -> Samples | None:
        """float32[end - begin]: the same moments as the detector hears them, as loud as on the tape; None where that is
        what is recognised."""
        if self._ear is None:
            return None
        other = self._ear.view(begin, end)
        return None if np.array_equal(other, self._tape.view(begin, end)) else other

    def ear_doubts(self, begin: int, end: int) -> list[float]:
        """Of each frame, by what the odds of speech are divided where *surely* speech is judged."""
        frames = (end - begin) // FRAME
        if self._front.ear_odds != 1:
            return [DOUBT] * frames
        if self._ear is None:
            return [1.0] * frames
        other = self._ear.view(begin, end) != self._tape.view(begin, end)
        return [DOUBT if differs else 1.0 for differs in other.reshape(-1, FRAME).any(axis=1)]

    def feed(self, data: bytes) -> None:
        self._append(self._front.feed(data))

    def flush(self) -> None:
        """Have on the tape what was held back for want of what follows it."""
        self._append(self._front.flush())

    def change(self, command: Reconfigure) -> None:
        """Take the audio that follows in another format, or with other noise reduction."""
        noise_reduction = command.noise_reduction or self._noise_reduction
        if command.format is not None:
            front = FrontEnd(command.format, noise_stage(noise_reduction))
            self.flush()
            self._front = front
        elif noise_reduction != self._noise_reduction:
            self._append(self._front.exchange(noise_stage(noise_reduction)))
        self._noise_reduction = noise_reduction

    def fill(self, frames: int = 0) -> int:
        """Fill up the last frame with silence, and so many frames more; returns how many samples that took."""
        silence = np.zeros(-self._tape.end % FRAME + frames * FRAME, np.float32)
        self._record(Sound(silence, silence))
        return len(silence)

    def _append(self, sound: Sound) -> None:
        self._received += len(sound.samples)
        self._record(sound)

    def _record(self, sound: Sound) -> None:
        if self._ear is None and not sound.same:
            self._ear = self._tape.copy()
        self._tape.append(sound.samples)
        if self._ear is not None:
            self._ear.append(sound.ear)
