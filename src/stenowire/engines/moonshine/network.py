"""The lean graphs as calls.

Input: samples, tokens. Output: what the encoder heard, the likeliest next tokens. One `Network` serves all threads; it
holds nothing of any speaker. Must not know text, words or search.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from stenowire.engines.moonshine.build import DECODER, ENCODER, FRONT
from stenowire.engines.moonshine.shape import (
    EPSILON,
    FRAME_SAMPLES,
    HEAD_SIZE,
    HEADS,
    HOP,
    LAYERS,
    ROW_HOPS,
    ROW_KERNEL,
    ROW_SAMPLES,
    WIDTH,
)
from stenowire.types import Samples

MIN_SAMPLES = 10 * FRAME_SAMPLES
"""Shorter clips are filled up with silence: the convolutions need 960 samples for their first frame."""
Layers = list[NDArray[np.float32]]
"""One array [rows, 8, positions, 36] for the keys and one for the values of each layer, in turn."""


class Sound(NamedTuple):
    """A clip after the first two convolutions: what stays as it is while the clip grows."""

    rows: NDArray[np.float32]
    """[m, 576]: one row per 192 samples."""
    sums: NDArray[np.float32]
    """[h]: sum over the 288 channels of the first convolution, one per 64 samples."""
    squares: NDArray[np.float32]
    """[h]: sum of their squares."""

    def without(self, samples: int) -> "Sound":
        """The same without the first `samples`, a multiple of 192."""
        rows = samples // ROW_SAMPLES
        return Sound(self.rows[rows:], self.sums[rows * ROW_HOPS :], self.squares[rows * ROW_HOPS :])


class Heard(NamedTuple):
    """What the encoder made of one clip."""

    feed: dict[str, NDArray[np.float32]]
    frames: int


class Places(NamedTuple):
    """Where new tokens stand, when they do not simply follow one another."""

    positions: NDArray[np.int64]
    """[rows, new]"""
    barred: NDArray[np.float32]
    """[1, 1, new, kept + new]: 0 where a new token may look at an earlier one or itself, far below 0 where not."""


class Step(NamedTuple):
    """What the decoder makes of new tokens; rows and positions as they were given."""

    scores: NDArray[np.float32]
    """[rows, new, best]: log-probabilities of the next token, best first."""
    candidates: NDArray[np.int64]
    """[rows, new, best]: the ids they belong to."""
    wanted: NDArray[np.float32]
    """[rows, new, w]: log-probabilities of the tokens that were asked for."""
    attention: NDArray[np.float32]
    """[rows, new, frames]: where each new token's query listened."""
    kept: Layers
    """What the next call needs to know of all tokens so far."""


class Network:
    def __init__(self, folder: Path) -> None:
        """`folder` is what `build_graphs` returned."""
        self._front = _session(folder / FRONT)
        self._encoder = _session(folder / ENCODER)
        self._decoder = _session(folder / DECODER)
        pairs = [(kind, layer) for layer in range(LAYERS) for kind in ("key", "value")]
        self._heard_names = [f"{kind}_{layer}" for kind, layer in pairs]
        self._past_names = [f"past_{kind}_{layer}" for kind, layer in pairs]
        first = ["scores", "candidates", "wanted_scores", "attention"]
        self._outputs = [*first, *(f"present_{kind}_{layer}" for kind, layer in pairs)]

    def listen(self, clip: Samples, known: Sound | None = None) -> Sound:
        """One clip, float32[n] at 16 kHz, at most 38 s. What is `known` of its beginning is not computed again."""
        if len(clip) < MIN_SAMPLES:
            clip, known = np.pad(clip, (0, MIN_SAMPLES - len(clip))), None
        done = len(known.rows) if known else 0
        fresh = clip[done * ROW_SAMPLES : len(clip) // HOP * HOP]
        if known and len(fresh) < (ROW_KERNEL + 1) * HOP:
            return known
        sound = Sound(*self._front.run(Sound._fields, {"samples": fresh}))
        if not known:
            return sound
        hops = done * ROW_HOPS
        return Sound(
            np.concatenate([known.rows, sound.rows]),
            np.concatenate([known.sums[:hops], sound.sums]),
            np.concatenate([known.squares[:hops], sound.squares]),
        )

    def encode(self, sound: Sound) -> Heard:
        count = len(sound.sums) * WIDTH
        mean = sound.sums.sum(dtype=np.float64) / count
        scale = 1 / np.sqrt(sound.squares.sum(dtype=np.float64) / count - mean**2 + EPSILON)
        feed = {
            "rows": sound.rows,
            "scale": np.array([scale], np.float32),
            "shift": np.array([-mean * scale], np.float32),
        }
        values = self._encoder.run(self._heard_names, feed)
        return Heard(dict(zip(self._heard_names, values, strict=True)), values[0].shape[2])

    def decode(
        self,
        heard: Heard,
        tokens: NDArray[np.int64],
        kept: Layers | None,
        best: int = 1,
        wanted: NDArray[np.int64] | None = None,
        places: Places | None = None,
    ) -> Step:
        """Feed `tokens` [rows, new] after what is `kept` of `rows` texts about one clip.

        Besides the `best` next tokens, those in `wanted` [rows, new, w] are scored.
        """
        rows, new = tokens.shape
        kept = kept or [np.zeros((rows, HEADS, 0, HEAD_SIZE), np.float32)] * (2 * LAYERS)
        positions, barred = places or _in_line(rows, kept[0].shape[2], new)
        feed: dict[str, Any] = {
            "tokens": tokens,
            "positions": positions,
            "best": np.array([best]),
            "wanted": np.zeros((rows, new, 0), np.int64) if wanted is None else wanted,
            "barred": barred,
            **heard.feed,
            **dict(zip(self._past_names, kept, strict=True)),
        }
        scores, candidates, found, attention, *present = self._decoder.run(self._outputs, feed)
        return Step(scores, candidates, found, attention.reshape(rows, new, heard.frames), present)


def _in_line(rows: int, past: int, new: int) -> Places:
    """Each new token after the one before it; the decoder itself keeps it from looking ahead."""
    positions = np.broadcast_to(np.arange(past, past + new), (rows, new))
    return Places(np.ascontiguousarray(positions), np.zeros((1, 1, new, past + new), np.float32))


def session_options() -> ort.SessionOptions:
    """One thread per call, and none that spins: speakers run side by side, each call on its caller's thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # No two clips have one shape: a plan of memory per shape would only pile up.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without dot-product instructions the u8 x s8 kernels saturate; this makes them exact there, and only there.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _session(path: Path) -> ort.InferenceSession:
    return ort.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
