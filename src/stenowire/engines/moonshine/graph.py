"""Write ONNX graphs by hand, one line per node.

Input: operator names, value names and numpy constants. Output: a serialised model. Must not know what is being built.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""


class GraphWriter:
    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._known: list[Any] = []

    def input(self, name: str, dtype: type, shape: list[int | str]) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, _element(dtype), shape))
        return name

    def output(self, value: str, name: str, dtype: type, shape: list[int | str]) -> None:
        """Publish `value` under `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _element(dtype), shape))

    def constant(self, array: NDArray[Any] | np.generic, name: str = "") -> str:
        name = name or f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        """An int64 vector; equal ones are stored once."""
        name = "ints_" + "_".join(str(value) for value in values)
        return name if name in self._constants else self.constant(np.array(values, np.int64), name)

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.nodes(operator, *inputs, count=1, domain=domain, **attributes)[0]

    def nodes(self, operator: str, *inputs: str, count: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node with `count` outputs."""
        stem = f"{operator}_{len(self._nodes)}"
        names = [f"{stem}_{i}" for i in range(count)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **attributes))
        return names

    def declare(self, value: str, dtype: type, shape: list[int | str]) -> str:
        """State the type of an inner value that ONNX Runtime cannot infer."""
        self._known.append(helper.make_tensor_value_info(value, _element(dtype), shape))
        return value

    def model(self) -> bytes:
        constants = list(self._constants.values())
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, constants, value_info=self._known
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
        return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def _element(dtype: type) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
