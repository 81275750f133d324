"""The environment that the measurements run in: scoring tools and peers, apart from the product's own.

In: `requirements.txt` beside this file. Out: the path of a Python that has them. Must not import anything that is
not in the standard library: it runs before the environment exists.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "bench-venv"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
SERVER_PYTHON = "STENOWIRE_BENCH_SERVER_PYTHON"
"""Environment variable: the interpreter that has `stenowire` installed, while the bench itself runs in another."""


def ensure() -> Path:
    """The bench interpreter, made or brought up to date when the requirements changed.

    Packages that cannot be installed are named and left out: the parts that need them report "not run" by themselves.
    """
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = FOLDER / ".installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print("Installing the bench tools and the peers into .cache/bench-venv (once, about 320 MB) ...", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    missing = _install(python)
    for name in missing:
        print(f"  could not install {name}: what needs it will not run")
    if not missing:
        stamp.write_text(wanted)
    return python


def _install(python: Path) -> list[str]:
    """Install all at once; where that fails, one by one, so that a missing peer does not cost the others."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*pip, "-r", str(REQUIREMENTS)], capture_output=True, check=False).returncode == 0:
        return []
    lines = [line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines()]
    packages = [line for line in lines if line]
    return [p for p in packages if subprocess.run([*pip, p], capture_output=True, check=False).returncode != 0]


def reenter(arguments: list[str]) -> int:
    """Run `python -m bench` with these arguments inside the environment and return its exit status."""
    python = ensure()
    environment = {**os.environ, SERVER_PYTHON: sys.executable}
    return subprocess.run([str(python), "-m", "bench", *arguments], cwd=ROOT, env=environment, check=False).returncode


def inside() -> bool:
    """Whether this process already runs there."""
    return Path(sys.prefix).resolve() == FOLDER.resolve()
