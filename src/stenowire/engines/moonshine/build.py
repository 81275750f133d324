"""Write the lean graphs next to the shipped weights, once per machine.

Input: a folder with `encoder_model.ort` and `decoder_model_merged.ort`. Output: the folder `lean-<version>` in it. Two
processes that start together build once; a build that is cut off leaves nothing that could be taken for a whole one.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

RECIPE = ("decoder_graph", "encoder_graph", "graph", "linear", "shape")
"""The modules that decide what is written."""
FRONT, ENCODER, DECODER = "front.onnx", "encoder.onnx", "decoder.onnx"
SHIPPED_ENCODER, SHIPPED_DECODER = "encoder_model.ort", "decoder_model_merged.ort"

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


def build_graphs(folder: Path, progress: Progress | None = None) -> Path:
    """The folder of the lean graphs, built when it is not there. Raises FileNotFoundError without the weights."""
    target = folder / f"lean-{version()}"
    if target.is_dir():
        return target
    with _locked(folder / "lean.lock"):
        if not target.is_dir():
            _build(folder, target, progress or (lambda *_: None))
            _remove_others(folder, target)
    return target


def version() -> str:
    """Names the recipe: a digest of the modules that write the graphs."""
    sources = [Path(__file__).with_name(f"{module}.py").read_bytes() for module in RECIPE]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]


def _build(folder: Path, target: Path, progress: Progress) -> None:
    # The ONNX library takes 12 MB, and only this one time.
    from stenowire.engines.moonshine import decoder_graph, encoder_graph
    from stenowire.engines.moonshine.ort_file import OrtFile

    progress("reading weights", 0, 3)
    encoder, decoder = OrtFile(folder / SHIPPED_ENCODER), OrtFile(folder / SHIPPED_DECODER)
    draft = Path(tempfile.mkdtemp(prefix="lean-", suffix=".part", dir=folder))
    try:
        progress("writing encoder", 1, 3)
        (draft / FRONT).write_bytes(encoder_graph.write_front(encoder))
        (draft / ENCODER).write_bytes(encoder_graph.write_encoder(encoder, decoder))
        progress("writing decoder", 2, 3)
        (draft / DECODER).write_bytes(decoder_graph.write_decoder(decoder))
        draft.chmod(0o755)
        draft.rename(target)
        progress("graphs ready", 3, 3)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove_others(folder: Path, target: Path) -> None:
    """What older recipes and builds that were cut off left here, 45 MB each. Whoever uses one has read it whole."""
    for path in folder.glob("lean-*"):
        if path != target and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the system drops when the process dies. Where there is none, the rename alone keeps order."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
