"""The line in: from the bytes that a client sends to samples on the tape.

In: bytes, changes of their format and of noise reduction. Out: samples on the tape, how many came. It must not know
speech, text or time.
"""

import numpy as np

from stenowire.audio.denoise import noise_stages
from stenowire.audio.frontend import FrontEnd
from stenowire.core.segmenter import FRAME
from stenowire.core.tape import Tape
from stenowire.events import Open, Reconfigure
from stenowire.types import SESSION_RATE_HZ, Samples


class LineIn:
    def __init__(self, opening: Open, tape: Tape) -> None:
        self._tape = tape
        self._received = tape.begin
        self._noise_reduction = opening.noise_reduction
        self._front = FrontEnd(opening.format, noise_stages(opening.noise_reduction))

    @property
    def audio_s(self) -> float:
        """Audio received, in seconds."""
        return self._received / SESSION_RATE_HZ

    @property
    def laborious(self) -> bool:
        """Whether taking in audio costs milliseconds, so that no event loop should do it."""
        return self._noise_reduction not in (None, "off")

    @property
    def ear_gain(self) -> float:
        """By what the speech detector wants these samples multiplied."""
        return self._front.ear_gain

    @property
    def ear_odds(self) -> float:
        """By what the odds of speech are multiplied that the speech detector finds in these samples."""
        return self._front.ear_odds

    def feed(self, data: bytes) -> None:
        self._append(self._front.feed(data))

    def flush(self) -> None:
        """Have on the tape what was held back for want of what follows it."""
        self._append(self._front.flush())

    def change(self, command: Reconfigure) -> None:
        """Take the audio that follows in another format, or with other noise reduction."""
        noise_reduction = command.noise_reduction or self._noise_reduction
        if command.format is not None:
            front = FrontEnd(command.format, noise_stages(noise_reduction))
            self.flush()
            self._front = front
        elif noise_reduction != self._noise_reduction:
            self._append(self._front.exchange(noise_stages(noise_reduction)))
        self._noise_reduction = noise_reduction

    def fill(self, frames: int = 0) -> int:
        """Fill up the last frame with silence, and so many frames more; returns how many samples that took."""
        samples = -self._tape.end % FRAME + frames * FRAME
        self._tape.append(np.zeros(samples, np.float32))
        return samples

    def _append(self, samples: Samples) -> None:
        self._received += len(samples)
        self._tape.append(samples)
