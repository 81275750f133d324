"""One quantised matrix as it was shipped, and the nodes that multiply by it.

Input: u8 weights with a scale and a zero point per column. Output: a graph value. Must not know the model.

Two ways to bring activations to eight bits. `write_by_clip` scales over all rows of a call, as the shipped graphs do:
right where a call holds one clip. `write_by_row` scales blocks of a row by themselves, so that its products are bitwise
the same whatever other rows there are: right where rows are different texts, or where tokens may come one by one or
all at once. The operator's weights are meant for a scale per block; the shipped scale, repeated, says the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.graph import MICROSOFT, GraphWriter
from stenowire.engines.moonshine.ort_file import OrtFile

MIDDLE = 128
"""Taken from u8 weights, it makes them s8."""
BLOCK = 64
"""Of the block sizes 32 to 256 the fastest, and with 32 the only one that is bitwise the same in every batch."""
EIGHT_BIT_ACTIVATIONS = 4
"""The operator's name for them (its `accuracy_level`)."""


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
        """`x` [..., inputs] -> [..., outputs], every `BLOCK` activations of a row quantised by themselves."""
        inputs, outputs = self.weight.shape
        blocks = -(-inputs // BLOCK)
        weight = np.repeat(self.zero_point[:, None], blocks * BLOCK, axis=1)
        weight[:, :inputs] = self.weight.T
        return graph.node(
            "MatMulNBits",
            x,
            graph.constant(weight.reshape(outputs, blocks, BLOCK)),
            graph.constant(np.repeat(self.scale[:, None], blocks, axis=1)),
            graph.constant(np.repeat(self.zero_point[:, None], blocks, axis=1)),
            "",
            "" if self.bias is None else graph.constant(self.bias),
            domain=MICROSOFT,
            K=inputs,
            N=outputs,
            bits=8,
            block_size=BLOCK,
            accuracy_level=EIGHT_BIT_ACTIVATIONS,
        )

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
