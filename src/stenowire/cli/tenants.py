"""`stenowire tenants`: who keys belong to, and what each may use.

In: names and limits. Out: changed rows of the store, tables. Servers see a change within two seconds.
"""

from typing import Annotated

import typer

from stenowire.cli.administration import Config, Data, Json, clock, opened, show
from stenowire.cli.exits import Status, Stop

app = typer.Typer(
    help="Tenants and their limits: make, list, limit, delete.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="[bold]stenowire tenants limit acme --streams 4 --audio-s-per-day 36000[/bold]",
)

USUAL = "default"
MOST = 1_000_000_000

Name = Annotated[str, typer.Argument(metavar="NAME")]
Limit = Annotated[
    str | None, typer.Option(metavar="N", help="0 is no limit; `default` is what the server's settings say.")
]


@app.command()
def create(
    name: Name,
    tasks_per_s: Limit = None,
    streams: Limit = None,
    audio_s_per_day: Limit = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a tenant. (A key for a new tenant makes it, too.)"""
    from stenowire.store.accounts import Limits

    limits = Limits(**_given(tasks_per_s, streams, audio_s_per_day))
    with opened(data, config) as accounts:
        accounts.create_tenant(name, limits)
    print(f"Tenant {name} is made.")


@app.command("list")
def list_all(json: Json = False, data: Data = None, config: Config = None) -> None:
    """Tenants, their own limits, and how many keys they have that are not revoked."""
    with opened(data, config) as accounts:
        tenants = accounts.list_tenants()
    rows = [
        {
            "name": tenant.name,
            "keys": tenant.keys,
            "tasks_per_s": tenant.limits.tasks_per_s,
            "streams": tenant.limits.streams,
            "audio_s_per_day": tenant.limits.audio_s_per_day,
            "created": clock(tenant.created),
        }
        for tenant in tenants
    ]
    show(rows, json)


@app.command()
def limit(
    name: Name,
    tasks_per_s: Limit = None,
    streams: Limit = None,
    audio_s_per_day: Limit = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Change limits: new sessions within a second, sessions at once, seconds of audio in a day of UTC."""
    with opened(data, config) as accounts:
        accounts.limit_tenant(name, _given(tasks_per_s, streams, audio_s_per_day))
    print(f"Tenant {name} is limited.")


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Really.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Delete a tenant with its keys, lists of hot words and usage."""
    if not yes:
        raise Stop(Status.USAGE, f"this deletes all that {name} has; say --yes")
    with opened(data, config) as accounts:
        if not accounts.delete_tenant(name):
            raise Stop(Status.USAGE, f"there is no tenant {name}; see stenowire tenants list")
    print(f"Tenant {name} is deleted.")


def _given(tasks_per_s: str | None, streams: str | None, audio_s_per_day: str | None) -> dict[str, int | None]:
    """Those that were named; None is the default of the settings."""
    named = {"tasks_per_s": tasks_per_s, "streams": streams, "audio_s_per_day": audio_s_per_day}
    return {name: None if text == USUAL else _number(name, text) for name, text in named.items() if text is not None}


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > MOST:
        raise Stop(Status.USAGE, f"--{name.replace('_', '-')}: a number from 0 to {MOST}, or {USUAL}")
    return int(text)
