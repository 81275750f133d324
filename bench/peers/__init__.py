"""Other programs on the same weights and the same audio, each in a process of its own.

Every peer module is run as `python -m bench.peers.<name> ARGUMENTS` and writes JSON lines to its standard output.
"""

import importlib.util
import json
import subprocess
import sys
from typing import Any

from bench.environment import ROOT

MOONSHINE = "moonshine-voice 0.0.55"
SHERPA = "sherpa-onnx 2.0.1"
PACKAGES = {"moonshine": "moonshine_voice", "sherpa": "sherpa_onnx"}


class NotRun(Exception):
    """A peer that is absent or failed. The text says why, for the table."""

    @property
    def cell(self) -> str:
        return f"not run: {self}"


def run(peer: str, *arguments: str, limit_s: float) -> list[dict[str, Any]]:
    """The lines that a peer wrote, or NotRun."""
    if importlib.util.find_spec(PACKAGES[peer]) is None:
        raise NotRun(f"{PACKAGES[peer]} is not installed")
    command = [sys.executable, "-m", f"bench.peers.{peer}", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise NotRun(f"took longer than {limit_s:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotRun(f"left with {done.returncode} ({last[:120]})")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
