"""Conditions in, what was written out: runs `work.py` in the server's interpreter and keeps its raw lines.

A condition is a name, the means that may use the list, and groups of utterances with their list or context. Must not
know what is a hit and what is not.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.biasing.sets import Group, Utterance
from bench.environment import ROOT, SERVER_PYTHON

EFFORT = "beam"
"""What an idle server decodes its finals with."""
LIMIT_S = 7200.0


@dataclass(frozen=True)
class Condition:
    name: str
    means: str
    """none, tokens, sound or both."""
    groups: tuple[Group, ...]
    context: str = ""
    """Free text, given to every group instead of its list."""
    interims: bool = False


Told = dict[str, dict[str, dict[str, Any]]]
"""Condition -> utterance -> the line that `work.py` wrote."""


def hear(utterances: Sequence[Utterance], conditions: Sequence[Condition]) -> Told:
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        clips, job = Path(folder) / "clips.npz", Path(folder) / "job.json"
        np.savez(clips, **{one.id: one.samples for one in utterances})  # type: ignore[arg-type]
        job.write_text(json.dumps({"clips": str(clips), "effort": EFFORT, "conditions": [*map(_job, conditions)]}))
        command = [python, "-m", "bench.biasing.work", str(job)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-800:]}")
    told: Told = {condition.name: {} for condition in conditions}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            told[entry["condition"]][entry["id"]] = entry
    return told


def _job(condition: Condition) -> dict[str, Any]:
    groups = [
        {
            "terms": [] if condition.context else group.terms,
            "context": condition.context,
            "ids": [one.id for one in group.utterances],
        }
        for group in condition.groups
    ]
    return {"name": condition.name, "means": condition.means, "interims": condition.interims, "groups": groups}


def bare(utterances: Sequence[Utterance], name: str = "none", interims: bool = False) -> Condition:
    """Without any list."""
    return Condition(name, "none", (Group((), tuple(utterances)),), interims=interims)
