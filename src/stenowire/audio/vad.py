"""How likely each 32 ms of audio is speech, for many speakers at once.

Input: samples at 16 kHz in whole frames of 512. Output: one probability per frame. Must not know of sessions, of what
counts as an utterance, or of clocks. Called from worker threads: one call per state at a time.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime

from stenowire.audio import vad_graph
from stenowire.audio.level import Leveller
from stenowire.audio.vad_graph import CONTEXT_SAMPLES, FRAME_SAMPLES, UNITS
from stenowire.errors import InternalError, InvalidParameter
from stenowire.types import Samples

EAR_BYTES = 4 * (CONTEXT_SAMPLES + 2 * UNITS + 4)
MOST_IN_EAR = 1e4
"""Beyond what the network's memory can reach; keeps infinities and what is no number out."""
WEIGHTS = "silero_vad_16k.onnx"
MOST_FRAMES = 256
"""Frames of one speaker in one call of the network; bounds its memory to about 2 MB per speaker."""


def _silence() -> Samples:
    return np.zeros(CONTEXT_SAMPLES, np.float32)


def _blank() -> Samples:
    return np.zeros((1, 1, UNITS), np.float32)


@dataclass(slots=True)
class Ear:
    """What the detector remembers of one speaker."""

    context: Samples = field(default_factory=_silence)
    """float32[64]: the last samples heard."""
    h: Samples = field(default_factory=_blank)
    """float32[1, 1, 128]."""
    c: Samples = field(default_factory=_blank)
    level: Leveller = field(default_factory=Leveller)


Job = tuple[Ear, Samples]


class SpeechDetector:
    """Silero's detector. Raises InternalError when the weights in `folder` are missing or damaged.

    A probability depends on who shares the call only through the rounding of matrix products: less than 1e-5.
    """

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            model = vad_graph.build(folder / WEIGHTS)
        except Exception as error:
            raise InternalError(f"the speech detector's weights in {folder} cannot be used: {error}") from error
        self._network = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def open(self) -> Ear:
        return Ear()

    def hear(self, jobs: Sequence[Job]) -> list[Samples]:
        """For each (state, float32[frames * 512]) the probabilities float32[frames], 0..1. A speaker comes once.

        Speakers with equally many frames share a call: cheaper than padding when lengths differ much, and no dearer
        when they differ by one frame (dev/LOG.md, "Speech detector").
        """
        heard = [np.empty(_frames_of(samples), np.float32) for _, samples in jobs]
        alike: defaultdict[int, list[int]] = defaultdict(list)
        for index, probabilities in enumerate(heard):
            alike[len(probabilities)].append(index)
        for frames, members in alike.items():
            for begin in range(0, frames, MOST_FRAMES):
                end = min(begin + MOST_FRAMES, frames)
                part = slice(begin * FRAME_SAMPLES, end * FRAME_SAMPLES)
                answers = self._run([_levelled(*jobs[index], part) for index in members])
                for column, index in enumerate(members):
                    heard[index][begin:end] = answers[:, column]
        return heard

    def dump(self, state: Ear) -> bytes:
        """All that is remembered of a speaker: float32[64 + 128 + 128 + 4], little-endian, 1,296 bytes."""
        parts = state.context, state.h.ravel(), state.c.ravel(), np.array(state.level.state)
        return np.concatenate(parts).astype("<f4").tobytes()

    def restore(self, data: bytes) -> Ear:
        """What `dump` gave, also in another process. Raises InvalidParameter for anything else."""
        values = np.frombuffer(data, "<f4").astype(np.float32) if len(data) == EAR_BYTES else np.empty(0, np.float32)
        if not len(values) or not (np.abs(values) < MOST_IN_EAR).all():
            raise InvalidParameter("resume.point.ear: this is not what the speech detector of this server remembers")
        context, h, c, level = np.split(values, np.cumsum((CONTEXT_SAMPLES, UNITS, UNITS)))
        return Ear(context, h.reshape(1, 1, UNITS), c.reshape(1, 1, UNITS), Leveller(*level.tolist()))

    def close(self, state: Ear) -> None:
        """Nothing is held for a speaker outside its state. Calling it twice is harmless."""

    def warm_up(self) -> None:
        self.hear([(self.open(), np.zeros(3 * FRAME_SAMPLES, np.float32))])

    def _run(self, jobs: list[Job]) -> Samples:
        """Probabilities float32[frames, speakers]; all jobs have the same number of frames. States move on."""
        frames = np.stack([_with_context(ear.context, samples) for ear, samples in jobs], axis=1)
        h, c = np.concatenate([ear.h for ear, _ in jobs], axis=1), np.concatenate([ear.c for ear, _ in jobs], axis=1)
        answers: Samples
        answers, h, c = self._network.run(None, {"frames": frames, "h": h, "c": c})
        for speaker, (ear, samples) in enumerate(jobs):
            ear.context = samples[-CONTEXT_SAMPLES:].copy()
            ear.h, ear.c = h[:, speaker : speaker + 1], c[:, speaker : speaker + 1]
        return answers


def _levelled(ear: Ear, samples: Samples, part: slice) -> Job:
    return ear, ear.level.feed(samples[part])


def _frames_of(samples: Samples) -> int:
    frames, rest = divmod(len(samples), FRAME_SAMPLES)
    if rest:
        raise ValueError(f"{len(samples)} samples are not whole frames of {FRAME_SAMPLES}")
    return frames


def _with_context(context: Samples, samples: Samples) -> Samples:
    """float32[frames, 576]: each frame after the 64 samples before it (a view over a copy)."""
    joined = np.concatenate((context, samples))
    return np.lib.stride_tricks.as_strided(
        joined,
        (len(samples) // FRAME_SAMPLES, CONTEXT_SAMPLES + FRAME_SAMPLES),
        (FRAME_SAMPLES * joined.itemsize, joined.itemsize),
        writeable=False,
    )
