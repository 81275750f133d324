"""The quantised product: what it computes, and that rows do not meet in it."""

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from stenowire.engines.moonshine.graph import GraphWriter
from stenowire.engines.moonshine.linear import Linear, side_by_side
from stenowire.engines.moonshine.network import session_options

pytestmark = pytest.mark.unit

INPUTS, OUTPUTS = 288, 160


def random_linear(seed: int, with_bias: bool = False) -> Linear:
    random = np.random.default_rng(seed)
    return Linear(
        random.integers(0, 256, (INPUTS, OUTPUTS)).astype(np.uint8),
        random.uniform(0.001, 0.01, OUTPUTS).astype(np.float32),
        random.integers(110, 140, OUTPUTS).astype(np.uint8),
        random.normal(size=OUTPUTS).astype(np.float32) if with_bias else None,
    )


def exact(linear: Linear, x: NDArray[np.float32]) -> NDArray[Any]:
    weight = (linear.weight.astype(np.float64) - linear.zero_point) * linear.scale
    return np.asarray(x @ weight + (0 if linear.bias is None else linear.bias))


def run(linear: Linear, x: NDArray[np.float32], by: str) -> NDArray[np.float32]:
    graph = GraphWriter("product")
    given = graph.input("x", np.float32, ["rows", INPUTS])
    product = linear.write_by_row(graph, given) if by == "row" else linear.write_by_clip(graph, given)
    graph.output(product, "y", np.float32, ["rows", OUTPUTS])
    session = ort.InferenceSession(graph.model(), session_options(), providers=["CPUExecutionProvider"])
    values: NDArray[np.float32] = session.run(["y"], {"x": x})[0]
    return values


def rows(count: int) -> NDArray[np.float32]:
    random = np.random.default_rng(9)
    # Rows of very different size, as a whisper beside a shout.
    return (random.normal(size=(count, INPUTS)) * 10.0 ** random.uniform(-2, 1, (count, 1))).astype(np.float32)


@pytest.mark.parametrize("by", ["row", "clip"])
@pytest.mark.parametrize("with_bias", [False, True])
def test_the_product_is_right_to_within_eight_bits(by: str, with_bias: bool) -> None:
    linear, x = random_linear(1, with_bias), rows(1)
    wanted = exact(linear, x)
    assert np.abs(run(linear, x, by) - wanted).max() < 0.02 * np.abs(wanted).max()


@pytest.mark.parametrize("count", [2, 3, 8, 33])
def test_a_row_is_the_same_in_any_company(count: int) -> None:
    linear, x = random_linear(2, True), rows(count)
    together = run(linear, x, "row")
    for i in range(count):
        assert np.array_equal(run(linear, x[i : i + 1], "row")[0], together[i])


def test_a_loud_row_does_not_drown_a_quiet_one() -> None:
    linear, x = random_linear(3), rows(2)
    x[0] *= 1000
    wanted = exact(linear, x)[1]
    assert np.abs(run(linear, x, "row")[1] - wanted).max() < 0.02 * np.abs(wanted).max()


def test_matrices_side_by_side_give_the_products_side_by_side() -> None:
    left, right, x = random_linear(4), random_linear(5), rows(3)
    both = side_by_side([left, right])
    assert np.array_equal(exact(both, x), np.concatenate([exact(left, x), exact(right, x)], axis=1))
