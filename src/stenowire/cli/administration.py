"""What the commands on keys, tenants and usage share: the way to the store, and tables for people and programs.

In: where the settings are. Out: the store's accounts, or a `Stop` in one line; tables on standard output. The database
is used directly, whether or not a server runs; a server sees each change within two seconds.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stenowire.cli.exits import Status, Stop

if TYPE_CHECKING:
    from stenowire.settings import Settings
    from stenowire.store.accounts import Accounts
    from stenowire.store.connect import Store

Data = Annotated[Path | None, typer.Option(metavar="DIR", help="The server's data folder.")]
Config = Annotated[Path | None, typer.Option(metavar="FILE", help="The server's settings as a TOML file.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, one array.")]


@contextmanager
def opened(data: Path | None, config: Path | None) -> Iterator["Accounts"]:
    """The accounts in the store that the settings name."""
    from stenowire.store.accounts import Accounts
    from stenowire.store.pepper import Pepper

    with store_of(data, config) as (settings, store):
        yield Accounts(store, Pepper.of(settings))


@contextmanager
def store_of(data: Path | None, config: Path | None) -> Iterator[tuple["Settings", "Store"]]:
    """What the settings name, as the server would find it."""
    from stenowire.errors import ServiceUnavailable
    from stenowire.store.connect import Store

    with settings_of(data, config) as settings:
        store = Store.of(settings)
        try:
            yield settings, store
        except ServiceUnavailable as error:
            raise Stop(Status.FAILED, f"{error.message} ({store.place})") from error
        finally:
            store.close()


@contextmanager
def settings_of(data: Path | None, config: Path | None) -> Iterator["Settings"]:
    """The settings; and what is wrong in the block becomes one line and a status."""
    import structlog

    from stenowire.errors import InvalidParameter, StenowireError
    from stenowire.settings import BadSettings, Settings

    # What a server would log is said in the one line of the command.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield Settings.load(config, data=data)
    except InvalidParameter as error:
        raise Stop(Status.USAGE, error.message) from error
    except BadSettings as error:
        raise Stop(Status.USAGE, "; ".join(str(error).splitlines())) from error
    except StenowireError as error:
        raise Stop(Status.FAILED, error.message) from error


def show(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """A table on a terminal, lines with tabs elsewhere, or JSON. All rows have the same columns."""
    if as_json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    console = Console()
    if not console.is_terminal:
        for row in rows:
            print(*(_cell(value) for value in row.values()), sep="\t")
        return
    if not rows:
        return console.print("none", style="dim")
    table = Table(*(name.replace("_", " ") for name in rows[0]), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def clock(unix_s: float | None) -> str | None:
    """UTC, as people and programs can read it."""
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return " ".join(value) if isinstance(value, list) else str(value)
