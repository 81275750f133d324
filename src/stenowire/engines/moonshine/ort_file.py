"""Read weights out of a shipped `.ort` file.

Input: the path of an ONNX Runtime flatbuffer. Output: its tensors, and for each tensor-producing node its operator and
inputs, so that a weight can be found by the stable name of what it computes. Must not know what the weights mean.

The schema classes ship inside onnxruntime, in the directory that `ort_format_model` puts on the import path.
"""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper


class Node(NamedTuple):
    operator: str
    inputs: tuple[str, ...]


class OrtFile:
    """Tensors and nodes of all graphs in one file, sub-graphs before their parents (a later name wins)."""

    def __init__(self, path: Path) -> None:
        importlib.import_module("onnxruntime.tools.ort_format_model.utils")
        schema = importlib.import_module("ort_flatbuffers_py.fbs.InferenceSession")
        root = schema.InferenceSession.GetRootAsInferenceSession(path.read_bytes(), 0)
        self._tensors: dict[str, Any] = {}
        self._nodes: dict[str, list[Node]] = {}
        self._collect(root.Model().Graph())

    def _collect(self, graph: Any) -> None:
        for i in range(graph.InitializersLength()):
            tensor = graph.Initializers(i)
            self._tensors[tensor.Name().decode()] = tensor
        for i in range(graph.NodesLength()):
            node = graph.Nodes(i)
            inputs = tuple(node.Inputs(j).decode() for j in range(node.InputsLength()))
            for j in range(node.OutputsLength()):
                self._nodes.setdefault(node.Outputs(j).decode(), []).append(Node(node.OpType().decode(), inputs))
            for j in range(node.AttributesLength()):
                if (inner := node.Attributes(j).G()) is not None:
                    self._collect(inner)

    def tensor(self, name: str) -> NDArray[Any]:
        """A copy of the named tensor. Raises KeyError for a name that no graph holds."""
        tensor = self._tensors[name]
        dims = [tensor.Dims(i) for i in range(tensor.DimsLength())]
        dtype = helper.tensor_dtype_to_np_dtype(tensor.DataType())
        assert tensor.DataType() != TensorProto.STRING, name
        return np.array(np.frombuffer(tensor.RawDataAsNumpy().tobytes(), dtype).reshape(dims))

    def has_tensor(self, name: str) -> bool:
        return name in self._tensors

    def node(self, output: str) -> Node:
        """The node that computes `output`; of several in different branches, the one with the most inputs stored."""
        return max(self._nodes[output], key=lambda node: sum(name in self._tensors for name in node.inputs))
