"""`stenowire models`: what there is, what is here, and fetching what is missing.

In: names of models. Out: a table on standard output, or verified files under the models folder.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stenowire.cli.exits import Status, Stop
from stenowire.cli.progress import reporting
from stenowire.models import fetch, manifest, paths
from stenowire.models.errors import ModelUnavailable


def list_models() -> None:
    root = paths.default_root()
    rows = [_row(name, model, root) for name, model in manifest.packaged().items()]
    console = Console()
    if not console.is_terminal:
        print("\n".join("\t".join(row) for row in rows))
        return
    table = Table("model", "here", "MB", "licence", "what it is", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(f"in {root}", style="dim", highlight=False, soft_wrap=True)


def _row(name: str, model: manifest.Model, root: Path) -> tuple[str, str, str, str, str]:
    here = "no" if fetch.faults(model, root / name) else "yes"
    return name, here, f"{sum(file.size for file in model.files) / 1e6:.0f}", model.licence, model.description


def pull(names: Sequence[str]) -> None:
    """Fetch and verify the named models, or all of them."""
    root = paths.default_root()
    console = Console(stderr=True)
    try:
        with reporting(console) as report:
            folders = [fetch.ensure(name, root, report) for name in names or manifest.packaged()]
    except ModelUnavailable as error:
        raise Stop(Status.USAGE if error.param == "model" else Status.FAILED, error.message) from error
    for folder in folders:
        print(folder)
