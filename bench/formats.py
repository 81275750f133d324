"""What decoding costs, and what is still recognised after it, for every audio format.

A decoder process, the event loop's share, the resampling to 16 kHz and the speech detector, measured in the server's
interpreter (`formats_work.py`). The sum is what one stream takes of a core before anything is recognised. Then the
round trips (`formats_trips.py`): words and times against pcm of the same rate.
"""

import json
import os
import subprocess
import sys

from bench import formats_trips
from bench.environment import ROOT, SERVER_PYTHON
from bench.report import Table

MOST_PERCENT = 1.0
SECONDS, QUICK_SECONDS = 40, 5
LIMIT_S = 300.0


def measure(quick: bool) -> Table:
    table = Table("formats")
    seconds = QUICK_SECONDS if quick else SECONDS
    for row in _measured(seconds):
        parts = [row[what] for what in ("decoder", "loop", "resample", "detect")]
        percent = sum(parts) / 10
        table.add(
            f"{row['format']}: % of a core (ms per s: decoder + loop + resampling + detector)",
            f"{percent:.2f} ({' + '.join(f'{part:.2f}' for part in parts)})",
            f"≤ {MOST_PERCENT:.0f}",
            percent <= MOST_PERCENT,
        )
    table.notes.append(f"{seconds} s of read speech, ten pieces a second; speex and amr-wb 3 s of a made voice")
    formats_trips.add_rows(table, quick)
    return table


def _measured(seconds: int) -> list[dict[str, float]]:
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    command = [python, "-m", "bench.formats_work", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
