"""The shipped graphs as they are: slow, and the measure of whether the lean ones say the same.

Input: a clip. Output: tokens, greedy; how likely given ones are. Only tests and benchmarks use it. Must not know the
lean graphs.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from stenowire.engines.moonshine.build import SHIPPED_DECODER, SHIPPED_ENCODER
from stenowire.engines.moonshine.network import session_options
from stenowire.engines.moonshine.shape import END, HEAD_SIZE, HEADS, LAYERS, START
from stenowire.types import Samples


class Reference:
    def __init__(self, folder: Path) -> None:
        """`folder` holds the shipped `.ort` files."""
        self._encoder = ort.InferenceSession(str(folder / SHIPPED_ENCODER), session_options())
        self._decoder = ort.InferenceSession(str(folder / SHIPPED_DECODER), session_options())
        self._outputs = [output.name for output in self._decoder.get_outputs()]

    def greedy(self, clip: Samples, cap: int) -> list[int]:
        """At most `cap` tokens for float32[n] at 16 kHz, without the opening and closing ones."""
        mask = np.ones((1, len(clip)), np.int64)
        hidden = self._encoder.run(None, {"input_values": clip[None], "attention_mask": mask})[0]
        kept = self._nothing_kept()
        tokens = [START]
        while len(tokens) <= cap:
            again = len(tokens) > 1
            feed = {
                "input_ids": np.array([tokens[-1:]]),
                "encoder_hidden_states": hidden,
                "encoder_attention_mask": mask,
                "use_cache_branch": np.array([again]),
                **kept,
            }
            values = dict(zip(self._outputs, self._decoder.run(None, feed), strict=True))
            following = int(values["logits"][0, -1].argmax())
            if following == END:
                break
            tokens.append(following)
            # The encoder's keys and values come from the first call only.
            fresh = [name for name in kept if not again or ".decoder." in name]
            kept |= {name: values[name.replace("past_key_values", "present")] for name in fresh}
        return tokens[1:]

    def score(self, clip: Samples, tokens: Sequence[int]) -> float:
        """Log-probability in nats of `tokens` and an end after them."""
        mask = np.ones((1, len(clip)), np.int64)
        feed = {
            "input_ids": np.array([[START, *tokens]]),
            "encoder_hidden_states": self._encoder.run(None, {"input_values": clip[None], "attention_mask": mask})[0],
            "encoder_attention_mask": mask,
            "use_cache_branch": np.array([False]),
            **self._nothing_kept(),
        }
        logits = self._decoder.run(["logits"], feed)[0][0].astype(np.float64)
        logits -= logits.max(axis=-1, keepdims=True)
        likely = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return float(sum(likely[i, token] for i, token in enumerate([*tokens, END])))

    def _nothing_kept(self) -> dict[str, NDArray[np.float32]]:
        empty = np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32)
        kinds = [(source, kind) for source in ("decoder", "encoder") for kind in ("key", "value")]
        return {f"past_key_values.{layer}.{source}.{kind}": empty for layer in range(LAYERS) for source, kind in kinds}
