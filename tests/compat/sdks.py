"""The environments that hold the vendor's SDKs, one per version, and what their drivers write.

Made once under `.cache/compat` with the package index that pip is configured for, and reused. Without an index the
tests skip and say so; any other trouble while installing fails them.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stenowire.types import SESSION_RATE_HZ, Samples

ROOT = Path(__file__).parents[2]
NO_INDEX = ("Failed to establish a new connection", "name resolution", "Name or service not known", "timed out")
"""What pip says when there is nobody to install from."""

Line = dict[str, Any]
Drive = Callable[..., list[Line]]


@cache
def sdk(version: str, package: str = "dashscope") -> Path:
    """The interpreter of an environment that holds `package==version`; the package may name extras of its own."""
    name = package.partition("[")[0]
    folder = ROOT / ".cache" / "compat" / f"{name}-{version}"
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if stamp.exists() and python.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    done = subprocess.run([*pip, f"{package}=={version}"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
        return python
    shutil.rmtree(folder, ignore_errors=True)
    if any(sign in done.stderr for sign in NO_INDEX):
        pytest.skip(f"no package index to install {name} {version} from")
    pytest.fail(f"{name} {version} could not be installed: {done.stderr.strip()[-400:]}")


def write_audio(path: Path, samples: Samples, rate_hz: int = SESSION_RATE_HZ) -> Path:
    """Write raw samples at `path` and a wav file beside it."""
    soundfile.write(path.with_suffix(".wav"), samples, rate_hz, subtype="PCM_16")
    path.write_bytes((np.clip(samples, -1, 0.99997) * 32768).astype("<i2").tobytes())
    return path


def named(lines: list[Line], what: str) -> list[Line]:
    return [line for line in lines if line["what"] == what]


def order(lines: list[Line]) -> list[str]:
    """What happened, runs of the same thing told once."""
    return [what for what, _ in groupby(line["what"] for line in lines)]


def spoken(texts: list[str]) -> str:
    """Lower case words without marks."""
    return " ".join(re.findall(r"[a-z']+", " ".join(texts).lower()))
