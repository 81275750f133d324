"""Puts a result in its place at once: whoever looks sees all of it or nothing, whenever this process dies.

In: a path and a text. Out: the file. Raises OSError.
"""

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

STALE_S = 60.0
"""A half-written file this old was left by a process that died."""


def save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, 0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _sweep(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.*.part"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_S:
                left.unlink()


def _umask() -> int:
    """Temporary files are made for their owner alone; a result is as readable as any file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
