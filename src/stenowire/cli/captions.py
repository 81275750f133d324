"""Captions in a terminal as they grow, or plain lines where there is no terminal.

In: partial and final updates, and how far the audio is. Out: rich text on a console: finished sentences scroll up with
their times; the open one stays below, settled words plain, unsettled words dim. Knows no socket, server or audio.
"""

from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stenowire.events import Final, Partial
from stenowire.types import Sentence

UNSETTLED = "dim"
TIMES = "cyan"
GUTTER = len("00:00.0 → 00:00.0")


class Captions(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave nothing unfinished on the screen."""

    def show(self, update: Partial | Final) -> None: ...
    def heard(self, seconds: float) -> None:
        """This much of the audio has gone by."""


class ProgressLine:
    """How far the audio is, on a terminal. `length_s` is its length, or None when nobody knows it."""

    def __init__(self, console: Console, length_s: float | None) -> None:
        self.console = console
        self.length_s = length_s
        self.heard_s = 0.0
        self._live = Live(console=console, get_renderable=self.picture, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, update: Partial | Final) -> None:
        if update.sentence.words:
            self.heard(update.sentence.words[-1].end_ms / 1000)

    def heard(self, seconds: float) -> None:
        self.heard_s = max(self.heard_s, seconds)

    def picture(self) -> RenderableType:
        return self.line()

    def line(self) -> RenderableType:
        if self.length_s is None:
            return Text(clock(self.heard_s), UNSETTLED)
        line = Table.grid(padding=(0, 2))
        line.add_column(width=GUTTER, no_wrap=True)
        bar = ProgressBar(self.length_s, self.heard_s, width=40, complete_style=TIMES, finished_style=TIMES)
        line.add_row(Text(f"{clock(self.heard_s)} / {clock(self.length_s)}", UNSETTLED), bar)
        return line


class LiveCaptions(ProgressLine):
    """The captions themselves, above the line of progress."""

    def __init__(self, console: Console, length_s: float | None) -> None:
        self._open: Sentence | None = None
        super().__init__(console, length_s)

    def show(self, update: Partial | Final) -> None:
        super().show(update)
        self._open = update.sentence if isinstance(update, Partial) else None
        self._live.refresh()
        if isinstance(update, Final):
            self.console.print(row(update.sentence))

    def picture(self) -> RenderableType:
        line = self.line()
        return Group(row(self._open), line) if self._open and self._open.words else line


class PlainCaptions:
    """For pipes and files: a line per finished sentence, as soon as it is finished."""

    def __init__(self, out: TextIO, *, times: bool) -> None:
        self.out = out
        self.times = times

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.out.flush()

    def show(self, update: Partial | Final) -> None:
        if isinstance(update, Final):
            times = span(update.sentence) + "  " if self.times else ""
            print(times + update.sentence.text, file=self.out, flush=True)

    def heard(self, seconds: float) -> None:
        pass


def row(sentence: Sentence) -> Table:
    """One sentence: its times, then its words, wrapped beside them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=GUTTER, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(span(sentence), TIMES if sentence.final else UNSETTLED), words(sentence))
    return grid


def words(sentence: Sentence) -> Text:
    settled = len(sentence.words) if sentence.final else sentence.stable
    text = Text()
    for index, word in enumerate(sentence.words):
        text.append(" " * bool(index) + word.text + word.mark, None if index < settled else UNSETTLED)
    return text


def span(sentence: Sentence) -> str:
    end = "" if sentence.end_ms is None else clock(sentence.end_ms / 1000)
    return f"{clock(sentence.begin_ms / 1000)} → {end or '...'}"


def clock(seconds: float) -> str:
    """mm:ss.t, with hours in front from the first hour on."""
    minutes, tenths = divmod(int(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:" if hours else "") + f"{minutes:02d}:{tenths // 10:02d}.{tenths % 10}"
