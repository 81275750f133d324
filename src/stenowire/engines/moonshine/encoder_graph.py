"""The lean encoder in two graphs: sound to rows, rows to the decoder's cross-attention keys and values.

Input: the shipped encoder and decoder files. Output: serialised ONNX models
    front:   samples float32[n], n a multiple of 64 -> rows float32[m, 576], sums, squares float32[n / 64 - 1]
    encoder: rows float32[m, 576], scale, shift float32[1] -> key_0, value_0 .. key_5, value_5 float32[1, 8, frames, 36]

A row depends on 512 samples and on nothing else, so rows are kept while a clip grows. Between the first two
convolutions the shipped encoder normalises over the whole clip; as no padding is involved, that is the same as scaling
and shifting the rows afterwards, by numbers that follow from `sums` and `squares` over the first convolution's
channels. All is channel-last and without masks: one clip per call, never padded to another's length. Must not know
tokens.
"""

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.graph import MICROSOFT, GraphWriter
from stenowire.engines.moonshine.linear import read_linear, side_by_side
from stenowire.engines.moonshine.ort_file import OrtFile
from stenowire.engines.moonshine.shape import (
    EPSILON,
    HEAD_SIZE,
    HEADS,
    HOP,
    LAYERS,
    MAX_FRAMES,
    ROTARY_SIZE,
    ROW_HOPS,
    ROW_KERNEL,
    rotary_tables,
)


def write_front(file: OrtFile) -> bytes:
    graph = GraphWriter("front")
    samples = graph.input("samples", np.float32, ["samples"])
    first = file.tensor("conv1.weight_add_tensor")[:, 0, :]
    first = np.pad(first, ((0, 0), (0, 2 * HOP - first.shape[1]))).T
    hops = graph.node("Reshape", samples, graph.ints(-1, HOP))
    x = graph.node("Tanh", graph.node("MatMul", _stacked(graph, hops, 2, 1), graph.constant(first)))
    graph.output(graph.node("ReduceSum", x, graph.ints(1), keepdims=0), "sums", np.float32, ["hops"])
    graph.output(graph.node("ReduceSumSquare", x, graph.ints(1), keepdims=0), "squares", np.float32, ["hops"])
    matrix = graph.constant(_second(file))
    rows = graph.node("MatMul", _stacked(graph, x, ROW_KERNEL, ROW_HOPS), matrix)
    graph.output(rows, "rows", np.float32, ["rows", "channels"])
    return graph.model()


def write_encoder(encoder: OrtFile, decoder: OrtFile) -> bytes:
    graph = GraphWriter("encoder")
    x = _transformer(graph, encoder, _convolutions(graph, encoder))
    _cross_projections(graph, decoder, x)
    return graph.model()


def _convolutions(graph: GraphWriter, file: OrtFile) -> str:
    """The inputs -> [frames, 288]: what the norm does to the second convolution, then the third."""
    rows = graph.input("rows", np.float32, ["rows", file.tensor("conv2.bias").shape[0]])
    scale, shift = (graph.input(name, np.float32, [1]) for name in ("scale", "shift"))
    matrix = _second(file)
    norm_shift = file.tensor("onnx::Add_2081")[:, 0]
    bias = file.tensor("conv2.bias") + np.einsum("oik,i->o", file.tensor("conv2.weight_add_tensor"), norm_shift)
    shifted = graph.node("Add", graph.node("Mul", graph.constant(matrix.sum(axis=0)), shift), graph.constant(bias))
    x = graph.node("BiasGelu", graph.node("Mul", rows, scale), shifted, domain=MICROSOFT)
    third = file.tensor("conv3.weight_add_tensor")
    product = graph.node("MatMul", _stacked(graph, x, third.shape[2], 2), graph.constant(_as_matrix(third)))
    return graph.node("BiasGelu", product, graph.constant(file.tensor("conv3.bias")), domain=MICROSOFT)


def _second(file: OrtFile) -> NDArray[np.float32]:
    """The second convolution as a matrix [7 * 288, 576], with the norm's gain in it."""
    gain = file.tensor("onnx::Mul_2080")[:, 0]
    return _as_matrix(file.tensor("conv2.weight_add_tensor") * gain[None, :, None])


def _as_matrix(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """[out, in, kernel] -> [kernel * in, out], to multiply stacked rows by."""
    return weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])


def _stacked(graph: GraphWriter, rows: str, kernel: int, stride: int) -> str:
    """Row j of the result holds rows j * stride .. j * stride + kernel - 1, one after another."""
    count = graph.node("Shape", rows, start=0, end=1)
    taps = []
    for tap in range(kernel):
        last = graph.node("Sub", count, graph.ints(kernel - 1 - tap))
        taps.append(graph.node("Slice", rows, graph.ints(tap), last, graph.ints(0), graph.ints(stride)))
    return graph.node("Concat", *taps, axis=1)


def _transformer(graph: GraphWriter, file: OrtFile, x: str) -> str:
    """[frames, 288] -> [1, frames, 288], normalised. A plain Add and LayerNormalization beat the fused node here."""
    x = graph.node("Unsqueeze", x, graph.ints(0))
    rotated = _Rotation(graph, x)
    for layer in range(LAYERS):
        here = f"/layers.{layer}"
        normal = _norm(graph, file, x, f"layers.{layer}.input_layernorm")
        parts = [read_linear(file, f"{here}/self_attn/{part}_proj/MatMul_output_0") for part in "qkv"]
        mixed = side_by_side(parts).write_by_clip(graph, normal)
        query, key, value = graph.nodes("Split", mixed, count=3, axis=-1, num_outputs=3)
        query, key = rotated(query), rotated(key)
        y = graph.node("MultiHeadAttention", query, key, value, domain=MICROSOFT, num_heads=HEADS)
        y = read_linear(file, f"{here}/self_attn/o_proj/MatMul_output_0").write_by_clip(graph, y)
        x = graph.node("Add", x, y)
        normal = _norm(graph, file, x, f"layers.{layer}.post_attention_layernorm")
        y = read_linear(file, f"{here}/mlp/fc1/Add_output_0").write_by_clip(graph, normal)
        y = graph.node("Gelu", y, domain=MICROSOFT)
        y = read_linear(file, f"{here}/mlp/fc2/Add_output_0").write_by_clip(graph, y)
        x = graph.node("Add", x, y)
    return _norm(graph, file, x, "layer_norm")


def _norm(graph: GraphWriter, file: OrtFile, x: str, name: str) -> str:
    return graph.node("LayerNormalization", x, graph.constant(file.tensor(f"{name}.weight")), epsilon=EPSILON)


class _Rotation:
    """Turns queries and keys [1, frames, 288] by their positions 0, 1, 2 .."""

    def __init__(self, graph: GraphWriter, x: str) -> None:
        self._graph = graph
        frames = graph.node("Squeeze", graph.node("Shape", x, start=1, end=2))
        zero, one = graph.constant(np.int64(0)), graph.constant(np.int64(1))
        self._positions = graph.node("Unsqueeze", graph.node("Range", zero, frames, one), graph.ints(0))
        self._tables = [graph.constant(table) for table in rotary_tables(MAX_FRAMES)]

    def __call__(self, value: str) -> str:
        return self._graph.node(
            "RotaryEmbedding",
            value,
            self._positions,
            *self._tables,
            domain=MICROSOFT,
            interleaved=1,
            num_heads=HEADS,
            rotary_embedding_dim=ROTARY_SIZE,
        )


def _cross_projections(graph: GraphWriter, decoder: OrtFile, x: str) -> None:
    """[1, frames, 288] -> the outputs key_i and value_i, from one product."""
    stem = "/model/decoder/layers.{}/encoder_attn/{}_proj/MatMul_output_0"
    names = [(layer, kind) for layer in range(LAYERS) for kind in ("key", "value")]
    mixed = side_by_side([read_linear(decoder, stem.format(layer, kind[0])) for layer, kind in names])
    x = graph.node("Reshape", mixed.write_by_clip(graph, x), graph.ints(1, -1, len(names) * HEADS, HEAD_SIZE))
    x = graph.node("Transpose", x, perm=[0, 2, 1, 3])
    parts = graph.nodes("Split", x, count=len(names), axis=1, num_outputs=len(names))
    for (layer, kind), value in zip(names, parts, strict=True):
        graph.output(value, f"{kind}_{layer}", np.float32, [1, HEADS, "frames", HEAD_SIZE])
