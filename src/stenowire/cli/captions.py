"""Captions in a terminal as they grow, or plain lines where there is no terminal.

In: partial and final updates, and how far the audio is. Out: rich text on a console: finished sentences scroll up with
their times; the open one stays below, settled words plain, unsettled words dim. Knows no socket, server or audio.
"""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, TextIO

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


class LiveCaptions(AbstractContextManager["LiveCaptions"]):
    """For a terminal. `length_s` is the length of the audio, or None when nobody knows it."""

    def __init__(self, console: Console, length_s: float | None) -> None:
        self.console = console
        self.length_s = length_s
        self.sent_s = 0.0
        self.open: Sentence | None = None
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, update: Partial | Final) -> None:
        if isinstance(update, Final):
            self.open = None
            self.console.print(row(update.sentence))
        else:
            self.open = update.sentence
        self._live.refresh()

    def progress(self, sent_s: float) -> None:
        self.sent_s = sent_s

    def _picture(self) -> RenderableType:
        return Group(row(self.open), self._foot()) if self.open and self.open.words else self._foot()

    def _foot(self) -> RenderableType:
        foot = Table.grid(padding=(0, 2))
        foot.add_column(width=GUTTER, no_wrap=True)
        foot.add_column(no_wrap=True)
        if self.length_s is None:
            foot.add_row(Text(f"{clock(self.sent_s)} heard", UNSETTLED))
        else:
            clocks = f"{clock(self.sent_s)} / {clock(self.length_s)}"
            foot.add_row(
                Text(clocks, UNSETTLED),
                ProgressBar(self.length_s, self.sent_s, width=40, complete_style=TIMES, finished_style=TIMES),
            )
        return foot


class PlainCaptions(AbstractContextManager["PlainCaptions"]):
    """For pipes and files: a line per finished sentence, as soon as it is finished."""

    def __init__(self, out: TextIO, *, times: bool) -> None:
        self.out = out
        self.times = times

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.out.flush()

    def show(self, update: Partial | Final) -> None:
        if isinstance(update, Final):
            line = f"{span(update.sentence)}  {update.sentence.text}" if self.times else update.sentence.text
            print(line, file=self.out, flush=True)

    def progress(self, sent_s: float) -> None:
        pass


Captions = LiveCaptions | PlainCaptions


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
    tenths = int(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:" if hours else "") + f"{minutes:02d}:{tenths // 10:02d}.{tenths % 10}"
