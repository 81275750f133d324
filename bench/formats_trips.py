"""Round trips: the words and times of encoded recordings against those of pcm of the same rate.

In: the lines that `formats_text.py` writes, by one process for each beginning. Out: rows of a table. Both sides begin
the audio equally late, and figures are means over the beginnings. Whether the mean is within its limit is judged; the
95 % interval beside it, drawn over recordings with all their beginnings, tells harm from chance.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import corpus, report, score
from bench.environment import ROOT, SERVER_PYTHON
from bench.report import Table

SHIFTS, QUICK_SHIFTS = (0, 1, 3, 5, 7, 9, 12, 14), (0,)
"""ms. Differences over four of them still vary by half a point (dev/LOG.md, "Round trips by beam")."""
QUICK_EVERY = 12
MOST, MOST_OF_VOCODERS = 0.5, 2.0
"""Points of word error rate above pcm."""
VOCODERS = ("speex", "amr 12.2")
MOST_MS = 60
"""For 19 words in 20."""
LIMIT_S = 3600.0

Said = dict[tuple[int, str], list[tuple[str, int]]]
"""(shift in ms, recording) -> words with their beginnings in ms."""


def add_rows(table: Table, quick: bool) -> None:
    shifts = QUICK_SHIFTS if quick else SHIFTS
    lines = _measured(shifts, QUICK_EVERY if quick else 1)
    report.keep("formats", lines)
    for name, reason in {line["format"]: line["reason"] for line in lines if "reason" in line}.items():
        table.add(f"{name}: WER, times", f"not run: {reason}")
    said: dict[str, Said] = defaultdict(dict)
    for line in lines:
        if "words" in line:
            said[line["format"]][line["shift"], line["id"]] = line["words"]
    references = {one.id: one.reference for one in corpus.load()}
    for name, plain in {line["format"]: line["plain"] for line in lines if "words" in line}.items():
        if name != plain:
            _compare(table, name, said[name], said[plain], references)
    table.notes.append(
        "word error rates: finals by beam search, pieces of 1 byte to 64 KB, means over audio begun "
        f"{', '.join(map(str, shifts))} ms later on both sides; [95 % bootstrap interval]; times of words by the clock"
    )


def _compare(table: Table, name: str, coded: Said, plain: Said, references: dict[str, str]) -> None:
    wrong, wrong_plain = _errors(coded, references), _errors(plain, references)
    more = [(wrong[id][0] - wrong_plain[id][0], words) for id, (_, words) in wrong.items()]
    most = MOST_OF_VOCODERS if name.startswith(VOCODERS) else MOST
    low, high = score.interval(more)
    table.add(
        f"{name}: WER (pcm; difference)",
        f"{score.rate(list(wrong.values())):.2f} % ({score.rate(list(wrong_plain.values())):.2f}; "
        f"{score.rate(more):+.2f} [{low:+.2f}, {high:+.2f}])",
        f"≤ {most:+.1f}",
        bool(score.rate(more) <= most),
    )
    moved = [ms for place, words in coded.items() for ms in _moved(plain[place], words)]
    p95 = score.quantile(moved, 0.95)
    table.add(
        f"… times, median / p95 ms ({len(moved)} words)",
        f"{score.quantile(moved, 0.5):.0f} / {p95:.0f}",
        f"≤ {MOST_MS}",
        bool(p95 <= MOST_MS),
    )


def _errors(said: Said, references: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Recording -> (errors, words), all its beginnings together."""
    counts: dict[str, tuple[int, int]] = {}
    for (_, id), words in said.items():
        wrong, of = score.errors(references[id], " ".join(text for text, _ in words))
        before = counts.get(id, (0, 0))
        counts[id] = before[0] + wrong, before[1] + of
    return counts


def _moved(plain: list[tuple[str, int]], coded: list[tuple[str, int]]) -> list[int]:
    """By how many ms each word that both have begins elsewhere."""
    return [abs(plain[old][1] - coded[new][1]) for old, new in score.matches(_plain(plain), _plain(coded))]


def _plain(words: list[tuple[str, int]]) -> list[str]:
    """One token per word; one that reads as several gets a mark."""
    tokens = [score.plain(text) for text, _ in words]
    return [parts[0] if len(parts) == 1 else "·" for parts in tokens]


def _measured(shifts: tuple[int, ...], every: int) -> list[dict[str, Any]]:
    """As many beginnings side by side as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return [line for lines in threads.map(lambda shift: _begun(shift, every), shifts) for line in lines]


def _begun(shift: int, every: int) -> list[dict[str, Any]]:
    python = os.environ.get(SERVER_PYTHON, sys.executable)
    command = [python, "-m", "bench.formats_text", str(shift), str(every)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"left with {done.returncode}: {done.stderr.strip()[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]
