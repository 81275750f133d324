"""Words in noise, on the telephone, after lossy coding and lost packets, by each setting of noise reduction.

Recorded noises are laid under the headline recordings at 20, 10, 5 and 0 dB below their active speech, both noises by
turns, at places that are the same in every run. What decides takes all recordings, the rest every other one.
Everything is recognised in the server's interpreter (`robustness_work.py`), finals by beam search, and scored like the
rest of the bench.
`auto` must not raise the error rate of clean speech by more than 0.2, and must cut it at 5 dB by a tenth, over several
draws of noise.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench import corpus, score
from bench.environment import ROOT, SERVER_PYTHON
from bench.report import Table

SETTINGS = ["off", "near_field", "far_field", "auto"]
SNRS_DB = (20, 10, 5, 0)
CODED = ["8 kHz", "mulaw", "mp3", "opus loss 0", "opus loss 5", "opus loss 10", "opus loss 20"]
JUDGED = ("clean", "snr 5")
DRAWS = 8
"""Places in the noises, half of them in either, by which `auto` is judged: what it takes away varies by 7 % from one
to the next."""
AGAIN = f"snr 5 in {DRAWS} draws"
MOST_ADDED, LEAST_CUT = 0.2, 0.10
LIMIT_S = 1800.0

Counts = dict[tuple[str, str], list[tuple[int, int]]]


def measure(quick: bool) -> Table:
    table = Table("robustness")
    recordings = [recording for recording in corpus.load(quick) if recording.headline]
    lines = _measured(recordings, quick)
    references = {recording.id: recording.reference for recording in recordings}
    counts: Counts = defaultdict(list)
    for line in lines:
        if line.get("harm"):
            counts[line["harm"], line["setting"]].append(score.errors(references.get(line["id"], ""), line["text"]))
    table.add("WER by noise reduction", " / ".join(SETTINGS))
    for harm in dict.fromkeys(harm for harm, _ in counts if harm != "noise alone"):
        rates = [f"{score.rate(counts[harm, setting]):.2f}" for setting in SETTINGS if (harm, setting) in counts]
        table.add(f"WER, {_spoken(harm)} ({len(counts[harm, 'off'])} files)", " / ".join(rates) + " %")
    _judge(table, counts)
    invented = [str(sum(wrong for wrong, _ in counts["noise alone", setting])) for setting in SETTINGS]
    table.add("words invented on noise alone", " / ".join(invented), "0", set(invented) == {"0"})
    for line in lines:
        if "stage" in line:
            table.add(f"ms of CPU per s of audio: {line['stage']}", f"{line['ms_per_s']:.2f}")
    table.notes.append("no protocol tells the server that a packet was lost: what is missing is not concealed")
    return table


def _judge(table: Table, counts: Counts) -> None:
    """Whether `auto` may be left on."""
    off, auto = (score.rate(counts["clean", setting]) for setting in ("off", "auto"))
    reach = f"≤ {MOST_ADDED:+} points"
    table.add("auto on clean speech", f"{auto - off:+.2f} points", reach, auto - off <= MOST_ADDED)
    off, auto = (score.rate(counts[AGAIN, setting]) for setting in ("off", "auto"))
    table.add(
        f"auto at 5 dB, {DRAWS} draws",
        f"{100 * (auto / off - 1):+.1f} %",
        f"≤ {-100 * LEAST_CUT:.0f} %",
        auto <= 0.9 * off,
    )


def _spoken(harm: str) -> str:
    match harm.split():
        case ["snr", snr_db]:
            return f"noise at {snr_db} dB"
        case ["snr", snr_db, "in", draws, "draws"]:
            return f"noise at {snr_db} dB, {draws} draws"
        case ["opus", "loss", percent]:
            return f"opus packets, 24 kbit/s, {percent} % of them lost"
        case ["mp3"]:
            return "mp3, 32 kbit/s"
    return harm.replace("mulaw", "μ-law")


def _measured(recordings: list[corpus.Recording], quick: bool) -> list[dict[str, str]]:
    files = {entry["id"]: entry["file"] for entry in corpus.entries()}
    noise = [entry["file"] for entry in corpus.entries() if entry["language"] == "none"]
    snrs = [f"snr {snr_db}" for snr_db in (SNRS_DB if not quick else (5,))]
    plan = {
        "folder": str(corpus.folder()),
        "recordings": [{"id": recording.id, "file": files[recording.id]} for recording in recordings],
        "noise": noise,
        "settings": SETTINGS,
        "conditions": [
            *({"harm": harm, "settings": SETTINGS, "every": 1 if harm in JUDGED else 2} for harm in ["clean", *snrs]),
            {"harm": "snr 5", "name": AGAIN, "settings": ["off", "auto"], "every": 1, "draws": DRAWS},
            *(
                {"harm": harm, "settings": ["off", "near_field", "auto"], "every": 2}
                for harm in CODED[:: 3 if quick else 1]
            ),
        ],
    }
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(plan))
        command = [python, "-m", "bench.robustness_work", str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
