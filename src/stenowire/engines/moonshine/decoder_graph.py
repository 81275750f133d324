"""The lean decoder: tokens, what was kept of earlier tokens, and the encoder's keys and values in; the best tokens out.

Input: the shipped decoder file. Output: a serialised ONNX model. With r texts about one clip of t frames, s new tokens
of each after p kept ones:

    tokens, positions int64[r, s]   best int64[1]   wanted int64[r, s, w], w may be 0
    barred float32[1, 1, s, p + s]: added to what each new token makes of each token so far; 0 where it may look
    past_key_i, past_value_i float32[r, 8, p, 36]   key_i, value_i float32[1, 8, t, 36]      i = 0 .. 5
 -> scores float32[r, s, best], candidates int64[r, s, best]: log-probabilities and ids of the likeliest next tokens
    wanted_scores float32[r, s, w]: log-probabilities of the wanted ones
    attention float32[1, r * s, t]: where each new token's query listened, a distribution over frames
    present_key_i, present_value_i float32[r, 8, p + s, 36]

Activations are quantised row by row, so texts do not meet in the products. Must not know audio or text.
"""

import numpy as np

from stenowire.engines.moonshine.graph import MICROSOFT, GraphWriter
from stenowire.engines.moonshine.linear import Linear, read_linear, side_by_side
from stenowire.engines.moonshine.ort_file import OrtFile
from stenowire.engines.moonshine.shape import (
    EPSILON,
    HEAD_SIZE,
    HEADS,
    LAYERS,
    MAX_TOKENS,
    ROTARY_SIZE,
    WIDTH,
    rotary_tables,
)

ALIGNMENT_LAYERS = (3, 4)
"""Layers whose cross-attention follows the sound best, all heads averaged (dev/LOG.md, "Times of words")."""


def write_decoder(file: OrtFile) -> bytes:
    return _Decoder(file).write()


class _Decoder:
    def __init__(self, file: OrtFile) -> None:
        self.file = file
        self.graph = graph = GraphWriter("decoder")
        self.tokens = graph.input("tokens", np.int64, ["rows", "new"])
        self.positions = graph.input("positions", np.int64, ["rows", "new"])
        self.best = graph.input("best", np.int64, [1])
        self.wanted = graph.input("wanted", np.int64, ["rows", "new", "wanted"])
        self.barred = graph.input("barred", np.float32, [1, 1, "new", "all"])
        self.tables = [graph.constant(table) for table in rotary_tables(MAX_TOKENS)]
        self.listening: list[str] = []

    def write(self) -> bytes:
        x = self._embedded()
        self.row_shape = self.graph.node("Shape", x)
        for layer in range(LAYERS):
            here = f"layers.{layer}"
            x = self.graph.node("Add", x, self._self_attention(layer, self._norm(f"{here}/input_layernorm", x)))
            x = self.graph.node(
                "Add", x, self._cross_attention(layer, self._norm(f"{here}/post_attention_layernorm", x))
            )
            x = self.graph.node("Add", x, self._feed_forward(here, self._norm(f"{here}/final_layernorm", x)))
        self._publish(self._norm("norm", x))
        return self.graph.model()

    def _embedded(self) -> str:
        stem = "model.decoder.embed_tokens.weight_merged_0"
        table, scale, zero_point = (
            self.graph.constant(self.file.tensor(f"{stem}_{part}")) for part in ("quantized", "scale", "zero_point")
        )
        rows = self.graph.node("Gather", table, self.tokens, axis=0)
        return self.graph.node("DequantizeLinear", rows, scale, zero_point)

    def _self_attention(self, layer: int, x: str) -> str:
        graph, here = self.graph, f"layers.{layer}/self_attn"
        past = [
            graph.input(f"past_{kind}_{layer}", np.float32, ["rows", HEADS, "past", HEAD_SIZE])
            for kind in ("key", "value")
        ]
        mixed = side_by_side([self._linear(f"{here}/{part}_proj/MatMul") for part in "qkv"]).write_by_row(graph, x)
        query, key, value = graph.nodes("Split", mixed, count=3, axis=-1, num_outputs=3)
        y, *present = graph.nodes(
            "MultiHeadAttention",
            self._rotated(query),
            self._rotated(key),
            value,
            "",
            "",
            self.barred,
            *past,
            count=3,
            domain=MICROSOFT,
            num_heads=HEADS,
            unidirectional=1,
        )
        for kind, value in zip(("key", "value"), present, strict=True):
            graph.output(value, f"present_{kind}_{layer}", np.float32, ["rows", HEADS, "all", HEAD_SIZE])
        return self._linear(f"{here}/o_proj/MatMul").write_by_row(graph, y)

    def _cross_attention(self, layer: int, x: str) -> str:
        """All rows are one longer row here: they share the clip, and there is no order among queries."""
        graph, here = self.graph, f"layers.{layer}/encoder_attn"
        heard = [
            graph.input(f"{kind}_{layer}", np.float32, [1, HEADS, "frames", HEAD_SIZE]) for kind in ("key", "value")
        ]
        query = self._linear(f"{here}/q_proj/MatMul").write_by_row(graph, x)
        query = graph.node("Reshape", query, graph.ints(1, -1, WIDTH))
        wanted = 4 if layer in ALIGNMENT_LAYERS else 1
        y, *rest = graph.nodes("MultiHeadAttention", query, *heard, count=wanted, domain=MICROSOFT, num_heads=HEADS)
        if rest:
            match = graph.declare(rest[-1], np.float32, [1, HEADS, "queries", "frames"])
            self.listening.append(graph.node("Softmax", match, axis=-1))
        y = graph.node("Reshape", y, self.row_shape)
        return self._linear(f"{here}/o_proj/MatMul").write_by_row(graph, y)

    def _feed_forward(self, here: str, x: str) -> str:
        graph = self.graph
        grown = self._linear(f"{here}/mlp/fc1/Add").write_by_row(graph, x)
        content, gate = graph.nodes("Split", grown, count=2, axis=-1, num_outputs=2)
        gate = graph.node("QuickGelu", gate, domain=MICROSOFT, alpha=1.0)
        return self._linear(f"{here}/mlp/fc2/Add").write_by_row(graph, graph.node("Mul", content, gate))

    def _publish(self, x: str) -> None:
        graph = self.graph
        logits = read_linear(self.file, "logits").write_by_row(graph, x)
        likely = graph.node("LogSoftmax", logits, axis=-1)
        scores, candidates = graph.nodes("TopK", likely, self.best, count=2, axis=-1, sorted=1)
        graph.output(scores, "scores", np.float32, ["rows", "new", "candidates"])
        graph.output(candidates, "candidates", np.int64, ["rows", "new", "candidates"])
        wanted = graph.node("GatherElements", likely, self.wanted, axis=-1)
        graph.output(wanted, "wanted_scores", np.float32, ["rows", "new", "wanted"])
        heads = graph.node("Concat", *self.listening, axis=1)
        attention = graph.node("ReduceMean", heads, graph.ints(1), keepdims=0)
        graph.output(attention, "attention", np.float32, [1, "queries", "frames"])

    def _rotated(self, value: str) -> str:
        return self.graph.node(
            "RotaryEmbedding",
            value,
            self.positions,
            *self.tables,
            domain=MICROSOFT,
            interleaved=1,
            num_heads=HEADS,
            rotary_embedding_dim=ROTARY_SIZE,
        )

    def _norm(self, name: str, x: str) -> str:
        gain = self.file.node(f"/model/decoder/{name}/LayerNormalization_output_0").inputs[1]
        return self.graph.node("LayerNormalization", x, self.graph.constant(self.file.tensor(gain)), epsilon=EPSILON)

    def _linear(self, name: str) -> Linear:
        return read_linear(self.file, f"/model/decoder/{name}_output_0")
