"""The speech detector's network, written anew from Silero's weights so that many frames and speakers share a call.

Input: the path of Silero's 16 kHz ONNX file. Output: an ONNX model, serialised. Must not know of speakers or streams.

The shipped network hears one speaker. It spends most of a call on convolutions over four columns and on nodes that move
data around. Here every layer is one matrix product over all frames of a call (dev/LOG.md, "Speech detector"):

    frames [F, S, 576] -> windows [n, 4, 256] -> |STFT| [n, 4, 129] -> 4 convolutions -> [n, 128] -> LSTM -> [F, S]

F frames of S speakers, n = F * S. A frame is 64 samples of context and 512 new ones. Its fourth STFT window runs 64
samples past the frame's end, where Silero mirrors the frame at its last sample; the mirror is folded into that window's
basis.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]

FRAME_SAMPLES = 512
CONTEXT_SAMPLES = 64
WINDOW = 256
HOP = 128
BINS = WINDOW // 2 + 1
UNITS = 128
"""Width of the LSTM's state."""

OPSET, IR_VERSION = 17, 8


def build(path: Path) -> bytes:
    """Inputs: frames float32[F, S, 576], h and c float32[1, S, 128]. Outputs: probability [F, S], h_next, c_next.

    Raises whatever onnx raises when the file is not Silero's network, or KeyError when a weight is missing.
    """
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    draft = Draft()
    features = _encoder(draft, _spectrum(draft, weights["stft.forward_basis_buffer"][:, 0]), weights)
    _recurrence(draft, features, weights)
    return draft.model()


class Draft:
    """A growing list of nodes and constants. Methods return the names of what they make."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Array | list[int]) -> str:
        name = f"constant{len(self.constants)}"
        array = np.array(value, np.int64) if isinstance(value, list) else np.ascontiguousarray(value, np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"{op}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def reshape(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.constant(list(shape)))

    def columns(self, x: str, begin: int, end: int) -> str:
        return self.node("Slice", x, self.constant([begin]), self.constant([end]), self.constant([1]))

    def dense(self, x: str, matrix: Array, bias: Array) -> str:
        return self.node("Gemm", x, self.constant(matrix), self.constant(bias))

    def model(self) -> bytes:
        def tensor(name: str, *shape: int | str) -> Any:
            return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

        state: list[int | str] = [1, "speakers", UNITS]
        graph = helper.make_graph(
            self.nodes,
            "speech detector",
            [
                tensor("frames", "frames", "speakers", CONTEXT_SAMPLES + FRAME_SAMPLES),
                tensor("h", *state),
                tensor("c", *state),
            ],
            [tensor("probability", "frames", "speakers"), tensor("h_next", *state), tensor("c_next", *state)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


def _spectrum(draft: Draft, basis: Array) -> str:
    """Magnitudes [n, 4, 129] of four windows. `basis` is float32[258, 256]: cosines, then sines, under the window."""
    frames = draft.reshape("frames", -1, CONTEXT_SAMPLES + FRAME_SAMPLES)
    first = draft.reshape(draft.columns(frames, 0, 3 * HOP), -1, 3, HOP)
    second = draft.reshape(draft.columns(frames, HOP, 4 * HOP), -1, 3, HOP)
    windows = draft.node("Concat", first, second, axis=2)
    last = draft.reshape(draft.columns(frames, 3 * HOP, 576), -1, 1, WINDOW - 64)

    def power(part: Array) -> str:
        head = draft.node("MatMul", windows, draft.constant(part.T))
        tail = draft.node("MatMul", last, draft.constant(_mirrored(part).T))
        both = draft.node("Concat", head, tail, axis=1)
        return draft.node("Mul", both, both)

    return draft.node("Sqrt", draft.node("Add", power(basis[:BINS]), power(basis[BINS:])))


def _mirrored(basis: Array) -> Array:
    """The basis [k, 256] of a window whose last 64 samples mirror those before, as one [k, 192] of the others."""
    kept = WINDOW - 64
    folded = basis[:, :kept].copy()
    folded[:, kept - 2 : kept - 2 - 64 : -1] += basis[:, kept:]
    return folded


def _encoder(draft: Draft, spectrum: str, weights: dict[str, Array]) -> str:
    """Four convolutions of width 3 with ReLU, from [n, 4, 129] to [n, 128]; time shrinks from 4 to 4, 2, 1, 1."""
    w, b = [[weights[f"encoder.{i}.{part}"] for i in range(4)] for part in ("weight", "bias")]
    # First: neighbouring columns side by side, so that one product does all four places.
    padded = draft.reshape(draft.node("Pad", spectrum, draft.constant([0, 1, 0, 0, 1, 0])), -1, 6 * BINS)
    places = draft.node("Concat", *[draft.columns(padded, i * BINS, (i + 3) * BINS) for i in range(4)], axis=1)
    x = draft.dense(draft.reshape(places, -1, 3 * BINS), w[0].transpose(2, 1, 0).reshape(3 * BINS, UNITS), b[0])
    x = draft.reshape(draft.node("Relu", x), -1, 4 * UNITS)
    # Second: stride 2 from four places to two, as one product with zeros where a place is not seen.
    wide = np.zeros((6, UNITS, 2, 64), np.float32)
    wide[0:3, :, 0], wide[2:5, :, 1] = w[1].transpose(2, 1, 0), w[1].transpose(2, 1, 0)
    x = draft.node("Relu", draft.dense(x, wide[1:5].reshape(4 * UNITS, 2 * 64), np.tile(b[1], 2)))
    # Third: stride 2 from two places to one, whose first tap falls on padding. Fourth: only the middle tap does not.
    x = draft.node("Relu", draft.dense(x, w[2][:, :, 1:].transpose(2, 1, 0).reshape(2 * 64, 64), b[2]))
    return draft.node("Relu", draft.dense(x, w[3][:, :, 1].T, b[3]))


def _recurrence(draft: Draft, features: str, weights: dict[str, Array]) -> None:
    """The LSTM over frames, and a logistic regression on its output."""
    shape = draft.node("Shape", "frames", start=0, end=2)
    sequence = draft.node("Reshape", features, draft.node("Concat", shape, draft.constant([UNITS]), axis=0))
    gates = [draft.constant(weights[f"onnx::LSTM_{number}"]) for number in (209, 210, 211)]
    outputs = ["heard", "h_next", "c_next"]
    draft.nodes.append(
        helper.make_node("LSTM", [sequence, *gates, "", "h", "c"], outputs, hidden_size=UNITS),
    )
    heard = draft.reshape(draft.node("Relu", "heard"), -1, UNITS)
    logits = draft.dense(heard, weights["output.weight"].reshape(UNITS, 1), weights["output.bias"])
    draft.nodes.append(helper.make_node("Reshape", [draft.node("Sigmoid", logits), shape], ["probability"]))
