"""How far a batch is, and what came of it.

In: recordings that begin, go on, end or fail. Out: on a terminal the running ones and a line of sums below what is
done; elsewhere a line for each that is done; in the end a summary. Knows no audio.
"""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stenowire.cli.captions import TIMES, UNSETTLED

NAME_WIDTH = 36
BAR_WIDTH = 24
SCREEN = 20
"""Lines."""


class Running(msgspec.Struct):
    heard_s: float = 0.0
    length_s: float | None = None


class Tally:
    def __init__(self, console: Console, files: int, skipped: int) -> None:
        self.failures: list[tuple[str, str]] = []
        self._console = console
        self._files, self._skipped, self._done = files, skipped, 0
        self._audio_s = 0.0
        self._began = time.monotonic()
        self._running: dict[str, Running] = {}
        self._live = Live(console=console, get_renderable=self.picture, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        if self._console.is_terminal:
            self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    # ---- one recording --------------------------------------------------------------------------------------------

    def begin(self, place: str) -> None:
        self._running[place] = Running()

    def heard(self, place: str, heard_s: float, length_s: float | None) -> None:
        self._running[place] = Running(heard_s, length_s)

    def leave(self, place: str) -> None:
        self._running.pop(place, None)

    def finish(self, place: str, audio_s: float, result: Path) -> None:
        self._done += 1
        self._audio_s += audio_s
        shown = result.name if result.parent == Path(place).parent else result
        self._say(Text.assemble(("✓ ", "green"), f"{place} ", (f"{length(audio_s)} → {shown}", UNSETTLED)))

    def fail(self, place: str, reason: str) -> None:
        self.failures.append((place, reason))
        self._say(Text.assemble(("✗ ", "red"), f"{place} ", (_apart(place, reason), "red")))

    def _say(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)

    # ---- all of them ----------------------------------------------------------------------------------------------

    def picture(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(width=NAME_WIDTH, no_wrap=True)
        table.add_column(width=BAR_WIDTH)
        table.add_column(no_wrap=True)
        for place, running in self._running.items():
            shown = place if len(place) <= NAME_WIDTH else "…" + place[-NAME_WIDTH + 1 :]
            bar = ProgressBar(running.length_s, running.heard_s, BAR_WIDTH, pulse=running.length_s is None)
            bar.complete_style = bar.finished_style = bar.pulse_style = TIMES
            table.add_row(Text(shown), bar, Text(length(running.heard_s), UNSETTLED))
        return Group(table, Text(self._sums(self._heard_s()), UNSETTLED))

    def sum_up(self, interrupted: bool) -> None:
        parts = [_files(self._done, "done")]
        parts += [f"{self._skipped} skipped as done before (--overwrite makes them anew)"] * bool(self._skipped)
        parts += [f"{len(self.failures)} failed"] * bool(self.failures)
        left = self._files - self._skipped - self._done - len(self.failures)
        parts += [f"{left} left" + (", the same command goes on with them" if interrupted else "")] * bool(left)
        self._say(Text(", ".join(parts) + (f"; {self._speed(self._audio_s)}" if self._audio_s else "")))
        if self._done + len(self.failures) > SCREEN:  # they have scrolled away
            for place, reason in self.failures[:SCREEN]:
                self._say(Text.assemble(("✗ ", "red"), f"{place} ", (_apart(place, reason), "red")))

    def _sums(self, heard_s: float) -> str:
        done = self._done + self._skipped + len(self.failures)
        return f"{done} of {self._files} files · {self._speed(heard_s)}"

    def _heard_s(self) -> float:
        return self._audio_s + sum(running.heard_s for running in self._running.values())

    def _speed(self, heard_s: float) -> str:
        gone_s = max(0.001, time.monotonic() - self._began)
        return f"{length(heard_s)} of audio in {length(gone_s)}, {heard_s / gone_s:.1f} × the pace of speech"


def length(seconds: float) -> str:
    """0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _files(count: int, what: str) -> str:
    return f"{count} {'file' if count == 1 else 'files'} {what}"


def _apart(place: str, reason: str) -> str:
    """The reason without the name that stands before it already."""
    for name in (place, Path(place).name):
        reason = reason.removeprefix(f"{name}: ").removeprefix(f"{name} ")
    return reason
