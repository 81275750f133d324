"""Show how far the fetching of models is: a bar on a terminal, one line per file elsewhere.

In: (label, bytes done, bytes in all) as `models.fetch` reports them. Out: standard error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

Report = Callable[[str, int, int], None]


@contextmanager
def reporting(console: Console) -> Iterator[Report]:
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _bar(progress)


def _bar(progress: Progress) -> Report:
    """One bar, for what is being done now."""
    now: dict[str, TaskID] = {}

    def report(label: str, done: int, total: int) -> None:
        if label not in now:
            for task in now.values():
                progress.remove_task(task)
            now.clear()
            now[label] = progress.add_task(label, total=total or None)
        progress.update(now[label], completed=done)

    return report


def _lines(console: Console) -> Report:
    begun: set[str] = set()

    def report(label: str, done: int, total: int) -> None:
        if label not in begun:
            begun.add(label)
            size = f" ({total / 1e6:.1f} MB)" if total else ""
            console.print(f"{label}{size} ...", highlight=False, soft_wrap=True)

    return report
