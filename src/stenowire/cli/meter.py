"""The line below live captions: for how long has been listened, how loud it is, and what is the matter.

In: levels and notices. Out: one line of rich text, calm while all is well. Knows no device and no audio.
"""

import math

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from stenowire.cli.captions import GUTTER, UNSETTLED, LiveCaptions, ProgressLine, clock
from stenowire.client.microphone import Level

WIDTH = 24
FLOOR_DB = -60.0
LOUD_DB, CLIPPED_DB = -6.0, -0.5
FALL_DB = 3.0
"""Per piece of 100 ms: how fast a level sinks on the screen, so that it does not flicker."""
TROUBLE = "yellow"


class MeterLine(ProgressLine):
    """On a terminal whose captions go elsewhere."""

    def __init__(self, console: Console, name: str) -> None:
        self._name = name
        self._rms_db = self._peak_db = FLOOR_DB
        self._notice: str | None = None
        super().__init__(console, None)

    def level(self, level: Level) -> None:
        self._rms_db = max(decibels(level.rms), self._rms_db - FALL_DB)
        self._peak_db = max(decibels(level.peak), self._peak_db - FALL_DB)

    def notice(self, text: str | None) -> None:
        """Stands there until the next, or None."""
        self._notice = text
        self._live.refresh()

    def line(self) -> RenderableType:
        line = Table.grid(padding=(0, 2))
        line.add_column(width=GUTTER, no_wrap=True)
        clear = self._notice is None
        begun = Text("● ", "red" if clear else TROUBLE) + Text(clock(self.heard_s), UNSETTLED)
        if clear:
            line.add_column(width=WIDTH, no_wrap=True)
            line.add_column(no_wrap=True, overflow="ellipsis")
            line.add_row(begun, bar(self._rms_db, self._peak_db), Text(f"{self._name} · Ctrl-C ends", UNSETTLED))
        else:
            line.add_column(overflow="fold")
            line.add_row(begun, Text(self._notice or "", TROUBLE))
        return line


class MeteredCaptions(MeterLine, LiveCaptions):
    """Live captions above that line."""


def decibels(amplitude: float) -> float:
    """Of full scale, FLOOR_DB at least."""
    return max(FLOOR_DB, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DB


def bar(rms_db: float, peak_db: float) -> Text:
    """Loudness as a bar, the loudest sample as a mark; yellow when it is loud, red when it is cut off."""
    style = "red" if peak_db > CLIPPED_DB else "yellow" if peak_db > LOUD_DB else "green"
    full, peak = _place(rms_db), _place(peak_db)
    text = Text("━" * full, style)
    for at in range(full, WIDTH):
        text.append("╸" if at == peak - 1 else "━", style if at == peak - 1 else "bright_black")
    return text


def _place(db: float) -> int:
    return round((db - FLOOR_DB) / -FLOOR_DB * WIDTH)
