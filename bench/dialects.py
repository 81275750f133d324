"""What the protocols themselves cost: processor time of each one's own work, per 100 ms of audio.

Receiving a frame and sending what comes with it, one row per protocol, measured without sockets, sessions or engines
(`dialect_work.py` says at which rates). Processor time, so other work on the machine hardly shows; the smallest round
is the cost on caches that nobody disturbs.
"""

import json
import os
import subprocess
import sys
from statistics import median

from bench.environment import ROOT, SERVER_PYTHON
from bench.report import Table

MOST_US = 150
ROUNDS, QUICK_ROUNDS = 400, 40
LIMIT_S = 120.0


def measure(quick: bool) -> Table:
    table = Table("dialects")
    rounds = QUICK_ROUNDS if quick else ROUNDS
    for name, found in _measured(rounds).items():
        table.add(
            f"{name}: µs of CPU per 100 ms of audio, min / median",
            f"{min(found):.1f} / {median(found):.1f}",
            f"≤ {MOST_US}",
            median(found) <= MOST_US,
        )
    table.notes.append(f"{rounds} rounds of 30 s of audio each; an interim each 300 ms, a final each 6 s")
    return table


def _measured(rounds: int) -> dict[str, list[float]]:
    """µs per frame by protocol, one figure per round."""
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    command = [python, "-m", "bench.dialect_work", str(rounds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-400:]}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["dialect"]: line["us"] for line in lines}
