"""The lean graphs are built once, whole or not at all."""

import multiprocessing
import os
from pathlib import Path

import pytest

from stenowire.engines.moonshine.build import SHIPPED_DECODER, SHIPPED_ENCODER, build_graphs
from stenowire.engines.moonshine.network import Network
from stenowire.engines.moonshine.ort_file import OrtFile

pytestmark = pytest.mark.engine


@pytest.fixture
def weights(moonshine_folder: Path, tmp_path: Path) -> Path:
    """A folder of its own with the shipped weights and no graphs."""
    for name in (SHIPPED_ENCODER, SHIPPED_DECODER):
        (tmp_path / name).symlink_to(moonshine_folder / name)
    return tmp_path


class PowerCut(Exception):
    pass


def lean_folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_graphs_are_built_and_then_found(weights: Path) -> None:
    told: list[tuple[str, int, int]] = []
    built = build_graphs(weights, lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [0, 1, 2, 3]
    assert build_graphs(weights, lambda *step: pytest.fail("built again")) == built
    assert lean_folders(weights) == [built.name]
    Network(built)


def test_a_build_that_is_cut_off_leaves_nothing(weights: Path) -> None:
    def cut(what: str, done: int, steps: int) -> None:
        if done == 2:
            raise PowerCut

    with pytest.raises(PowerCut):
        build_graphs(weights, cut)
    assert lean_folders(weights) == []
    assert build_graphs(weights).is_dir()


def build_and_count(folder: Path, counts: "multiprocessing.Queue[int]", gate: "multiprocessing.Barrier") -> None:  # type: ignore[valid-type]
    steps: list[int] = []
    gate.wait()  # type: ignore[attr-defined]
    build_graphs(folder, lambda what, done, of: steps.append(done))
    counts.put(len(steps))


@pytest.mark.skipif(os.name == "nt", reason="no file locks of this kind on Windows")
def test_two_processes_build_once(weights: Path) -> None:
    context = multiprocessing.get_context("spawn")
    counts, gate = context.Queue(), context.Barrier(2)
    processes = [context.Process(target=build_and_count, args=(weights, counts, gate)) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted(counts.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    assert found == [0, 4]
    assert len(lean_folders(weights)) == 1


def test_without_weights_it_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=SHIPPED_ENCODER):
        build_graphs(tmp_path)


def test_a_weight_is_found_by_what_it_computes(moonshine_folder: Path) -> None:
    file = OrtFile(moonshine_folder / SHIPPED_DECODER)
    node = file.node("logits")
    assert node.operator == "DynamicQuantizeMatMul"
    assert [file.tensor(name).shape for name in node.inputs if file.has_tensor(name)] == [(288, 32768), (), ()]
    with pytest.raises(KeyError):
        file.tensor("nothing of that name")


def test_a_build_removes_what_older_recipes_left(weights: Path) -> None:
    for name in ("lean-0123456789ab", "lean-xyz.part"):
        (weights / name).mkdir()
        (weights / name / "decoder.onnx").write_bytes(b"old")
    built = build_graphs(weights)
    assert lean_folders(weights) == [built.name]
    assert (weights / SHIPPED_DECODER).exists()
