"""Round trips: the words and times of encoded recordings against those of pcm of the same rate.

In: the lines that `formats_text.py` writes. Out: rows of a table. Both sides begin the audio equally late, and figures
are means over the beginnings.

How far a word has moved is told twice: by the clock, and by the sound between its two beginnings. Anywhere in a pause
is an equally right place for a word to begin, so the second leaves out the 10 ms frames that are silent by the engine's
own rule (`edges.py`): 30 dB below the loud frames of the recording as it was before it was encoded (95th percentile),
or in the lowest 30 % between its floor (5th percentile, in dB) and those. The second is what must be within 60 ms for
19 words in 20.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from typing import Any

import numpy as np

from bench import corpus, report, score
from bench.environment import ROOT, SERVER_PYTHON
from bench.report import Table

SHIFTS, QUICK_SHIFTS = "0,3,7,12", "0"
QUICK_EVERY = 12
MOST, MOST_OF_VOCODERS = 0.5, 2.0
"""Points of word error rate above pcm."""
VOCODERS = ("speex", "amr 12.2")
MOST_MS = 60
HOP = corpus.RATE_HZ // 100
SILENT_DB, SILENT_SHARE = 30.0, 0.3
LIMIT_S = 3600.0

Said = dict[tuple[int, str], list[tuple[str, int]]]
"""(shift in ms, recording) -> words with their beginnings in ms."""


def add_rows(table: Table, quick: bool) -> None:
    lines = _measured(QUICK_SHIFTS if quick else SHIFTS, QUICK_EVERY if quick else 1)
    report.keep("formats", lines)
    said: dict[str, Said] = defaultdict(dict)
    against: dict[str, str] = {}
    for line in lines:
        if "reason" in line:
            table.add(f"{line['format']}: WER, times", f"not run: {line['reason']}")
            continue
        said[line["format"]][line["shift"], line["id"]] = line["words"]
        against[line["format"]] = line["plain"]
    recordings = {one.id: one for one in corpus.load()}
    clocks = {id: _sounding_ms(recordings[id].samples) for id in {id for told in said.values() for _, id in told}}
    for name, plain in against.items():
        if name != plain:
            _compare(table, name, said[name], said[plain], recordings, clocks)
    table.notes.append(
        f"word error rates: greedy finals, pieces of 1 byte to 64 KB, means over audio begun {SHIFTS} ms later on both "
        "sides; times of words in ms by the clock, and in brackets without the silence between the two places"
    )


def _compare(table: Table, name: str, coded: Said, plain: Said, recordings: dict[str, Any], clocks: Any) -> None:
    wrong, wrong_plain = _wer(coded, recordings), _wer(plain, recordings)
    most = MOST_OF_VOCODERS if name.startswith(VOCODERS) else MOST
    table.add(
        f"{name}: WER (pcm; difference)",
        f"{wrong:.2f} % ({wrong_plain:.2f}; {wrong - wrong_plain:+.2f})",
        f"≤ {most:+.1f}",
        bool(wrong - wrong_plain <= most),
    )
    moved, sounding = [], []
    for (shift, id), words in coded.items():
        before = plain[shift, id]
        for old, new in score.matches(_plain(before), _plain(words)):
            places = before[old][1] - shift, words[new][1] - shift
            moved.append(abs(places[0] - places[1]))
            sounding.append(abs(_at(clocks[id], places[0]) - _at(clocks[id], places[1])))
    p95 = score.quantile(sounding, 0.95)
    table.add(
        f"… times, median / p95 ms ({len(moved)} words)",
        f"{score.quantile(moved, 0.5):.0f} / {score.quantile(moved, 0.95):.0f} "
        f"({score.quantile(sounding, 0.5):.0f} / {p95:.0f})",
        f"≤ ({MOST_MS})",
        bool(p95 <= MOST_MS),
    )


def _wer(said: Said, recordings: dict[str, Any]) -> float:
    texts = [(recordings[id].reference, " ".join(text for text, _ in words)) for (_, id), words in said.items()]
    return score.rate([score.errors(reference, text) for reference, text in texts])


def _plain(words: list[tuple[str, int]]) -> list[str]:
    """One token per word; one that reads as several gets a mark."""
    tokens = [score.plain(text) for text, _ in words]
    return [parts[0] if len(parts) == 1 else "·" for parts in tokens]


def _sounding_ms(samples: Any) -> Any:
    """float64[hops + 1]: how many ms of sound there were before each 10 ms frame."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    levels_db = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-9)
    floor_db, loud_db = np.percentile(levels_db, (5, 95))
    sounds = levels_db >= max(loud_db - SILENT_DB, floor_db + SILENT_SHARE * (loud_db - floor_db))
    return np.concatenate(([0.0], np.cumsum(10.0 * sounds)))


def _at(clock: Any, ms: float) -> float:
    return float(np.interp(ms / 10, np.arange(len(clock)), clock))


def _measured(shifts: str, every: int) -> list[dict[str, Any]]:
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    command = [python, "-m", "bench.formats_text", shifts, str(every)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
