"""One quantised matrix as it was shipped, and the nodes that multiply by it.

Input: u8 weights with a scale and a zero point per column. Output: a graph value. Must not know the model.

Two ways to bring activations to eight bits. `write_by_clip` scales over all rows of a call, as the shipped graphs do:
right where a call holds one clip. `write_by_row` scales each row by its own peak, so that no row can change another:
right where rows are different hypotheses or speakers, or where tokens may come one by one or all at once. It costs five
small nodes more and is bitwise independent of the other rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.graph import MICROSOFT, GraphWriter
from stenowire.engines.moonshine.ort_file import OrtFile

MIDDLE = 128
"""Zero point of a row quantised symmetrically to u8, and the shift that makes u8 weights s8."""
STEP = np.float32(1 / 127)
"""Quantisation step of a row that was divided by its peak."""


class Linear(NamedTuple):
    """x @ ((weight - zero_point) * scale) + bias."""

    weight: NDArray[np.uint8]
    """[inputs, outputs]"""
    scale: NDArray[np.float32]
    """[outputs]"""
    zero_point: NDArray[np.uint8]
    """[outputs]"""
    bias: NDArray[np.float32] | None = None
    """[outputs]"""

    def write_by_clip(self, graph: GraphWriter, x: str) -> str:
        """`x` [..., inputs] -> [..., outputs], activations quantised over the whole call."""
        weight, zero_point = self._signed()
        operands = [graph.constant(weight), graph.constant(self.scale), graph.constant(zero_point)]
        if self.bias is not None:
            operands.append(graph.constant(self.bias))
        return graph.node("DynamicQuantizeMatMul", x, *operands, domain=MICROSOFT)

    def write_by_row(self, graph: GraphWriter, x: str) -> str:
        """`x` [..., inputs] -> [..., outputs], each row quantised by its own peak."""
        weight, zero_point = self._signed()
        step, middle = graph.constant(STEP), graph.constant(np.uint8(MIDDLE))
        peak = graph.node("ReduceMax", graph.node("Abs", x), graph.ints(-1), keepdims=1)
        quantised = graph.node("QuantizeLinear", graph.node("Div", x, peak), step, middle)
        product = graph.node(
            "MatMulIntegerToFloat",
            quantised,
            graph.constant(weight),
            step,
            graph.constant(self.scale),
            middle,
            graph.constant(zero_point),
            domain=MICROSOFT,
        )
        product = graph.node("Mul", product, peak)
        return product if self.bias is None else graph.node("Add", product, graph.constant(self.bias))

    def _signed(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Weights and zero points as s8: the faster kernel takes signed weights."""
        shifted = [(part.astype(np.int16) - MIDDLE).astype(np.int8) for part in (self.weight, self.zero_point)]
        return shifted[0], shifted[1]


def read_linear(file: OrtFile, output: str) -> Linear:
    """The matrix behind the product that the shipped graph calls `output`, with its one scale for all columns."""
    stored = [file.tensor(name) for name in file.node(output).inputs if file.has_tensor(name)]
    weight = next(tensor for tensor in stored if tensor.ndim == 2)
    scale = next(tensor for tensor in stored if tensor.ndim == 0 and tensor.dtype == np.float32)
    zero_point = next(tensor for tensor in stored if tensor.ndim == 0 and tensor.dtype == np.uint8)
    bias = next((tensor for tensor in stored if tensor.ndim == 1), None)
    columns = weight.shape[1]
    return Linear(weight, np.full(columns, scale, np.float32), np.full(columns, zero_point, np.uint8), bias)


def side_by_side(parts: Sequence[Linear]) -> Linear:
    """Several matrices of one input as one. None may have a bias."""
    assert all(part.bias is None for part in parts)
    return Linear(
        np.concatenate([part.weight for part in parts], axis=1),
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.zero_point for part in parts]),
    )
