"""Figures as tables: on the terminal, and appended to RESULTS.md with date, commit and machine.

A part gives a `Table`; one column per system, one row per figure. What could not be measured is a cell that says
"not run: why", never a gap.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.environment import ROOT

RESULTS = Path(__file__).with_name("RESULTS.md")
EVENTS = ROOT / ".cache" / "bench"
OURS = "stenowire"


@dataclass
class Row:
    figure: str
    cells: dict[str, str] = field(default_factory=dict)
    """System -> what was measured."""
    reach: str = ""
    """What is to be reached, as people read it."""
    reached: bool | None = None
    """Whether ours is there; None where there is no such aim."""


@dataclass
class Table:
    part: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, figure: str, ours: str, reach: str = "", reached: bool | None = None, peers: dict[str, str] | None = None
    ) -> None:
        self.rows.append(Row(figure, {OURS: ours, **(peers or {})}, reach, reached))

    def markdown(self) -> str:
        systems = list(dict.fromkeys(name for row in self.rows for name in row.cells))
        lines = [
            "| figure | " + " | ".join(systems) + " | reach | |",
            "|---|" + "---|" * (len(systems) + 2),
        ]
        for row in self.rows:
            mark = {True: "yes", False: "**no**", None: ""}[row.reached]
            cells = " | ".join(row.cells.get(system, "") for system in systems)
            lines.append(f"| {row.figure} | {cells} | {row.reach} | {mark} |")
        return "\n".join(lines + [""] + [f"* {note}" for note in self.notes])


def targets(tables: list[Table]) -> Table:
    """Every row that has something to reach, of all parts in one table."""
    found = Table("targets")
    for table in tables:
        for row in table.rows:
            if row.reach or "not run" in row.cells.get(OURS, ""):
                found.add(f"{table.part}: {row.figure}", row.cells.get(OURS, ""), row.reach, row.reached)
    return found


def publish(table: Table, record: bool) -> None:
    """Print a table; append it to RESULTS.md when the run was a whole one."""
    heading = f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {table.part}"
    text = f"{heading}\n\n{machine()}\n\n{table.markdown()}\n"
    print("\n" + text, flush=True)
    if record:
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write("\n" + text)


def machine() -> str:
    """Commit and machine, in one line."""
    commit = _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "--", "src") else "")
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"commit {commit} · {cores} cores of {_processor()} · Python {platform.python_version()} · load before {load}"
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("" if arguments[0] == "status" else "unknown")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def keep(name: str, events: Iterable[dict[str, Any]]) -> None:
    """Raw events as JSON lines in `.cache/bench/<name>.jsonl`; the last run replaces the former."""
    EVENTS.mkdir(parents=True, exist_ok=True)
    with (EVENTS / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
