"""`make` on a machine that lacks what it needs says so in words, and does nothing else."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
]

ROOT = Path(__file__).parents[1]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def python_that(tmp_path: Path, refuses: str) -> Path:
    """This Python, except that it fails at code which mentions a word."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\ncase "$*" in *"{refuses}"*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return script


def test_help_names_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^  make (\w+)", make("help").stdout, re.MULTILINE)) == targets


def test_a_python_that_is_too_old_is_told(tmp_path: Path) -> None:
    old = python_that(tmp_path, refuses="version_info")
    done = make("setup", f"VENV={tmp_path}/venv", f"PYTHON={old}")
    assert done.returncode != 0 and "needs Python 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path) -> None:
    bare = python_that(tmp_path, refuses="ensurepip")
    done = make("setup", f"VENV={tmp_path}/venv", f"PYTHON={bare}")
    assert done.returncode != 0 and "sudo apt install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_second_setup_has_nothing_to_do(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    for stamp in (".made", ".run", ".dev"):
        (venv / stamp).touch()
    for target in ("setup", "test", "check"):
        assert "pip install" not in make("-n", target, f"VENV={venv}").stdout
