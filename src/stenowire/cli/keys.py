"""`stenowire keys`: API keys, made, listed and revoked in the store itself, whether or not a server runs.

In: names and ids. Out: a key, shown this once, or a table of what is stored, in which no key can be found again.
"""

import re
import sys
import time
from typing import Annotated

import typer

from stenowire.cli.administration import Config, Data, Json, clock, opened, show
from stenowire.cli.exits import Status, Stop

app = typer.Typer(
    help="API keys: make, list, revoke.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="[bold]stenowire keys create --tenant acme --name hall --expires 90d[/bold]",
)

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LIFETIME = re.compile(r"([1-9][0-9]{0,8})([smhd])")
MOST_LIFETIME_S = 100 * 366 * 86_400

ScopeNames = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="What it may do; may be given several times: recognise, vocabulary, captions-read, admin.",
        show_default="all but admin",
    ),
]


@app.command()
def create(
    tenant: Annotated[str, typer.Option(help="Whose key it is; made when it is new.")] = "default",
    name: Annotated[str, typer.Option(help="What it is for, in your words.")] = "",
    scope: ScopeNames = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it is good, such as 12h or 90d.", show_default="ever")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a key and print it, this once."""
    from stenowire.store.accounts import USUAL_SCOPES

    lifetime_s = None if expires is None else seconds(expires)
    with opened(data, config) as accounts:
        key, made = accounts.create_key(tenant, name, scope or USUAL_SCOPES, lifetime_s)
    until = f" until {clock(made.expires)}" if made.expires else ""
    print(f"Key {made.id} of tenant {made.tenant}{until}; it is shown only now:", file=sys.stderr)
    print(key)


@app.command("list")
def list_all(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """What is stored of keys, oldest first. The id is how a key begins, after its sk-."""
    with opened(data, config) as accounts:
        keys = accounts.list_keys(tenant)
    rows = [
        {
            "id": key.id,
            "tenant": key.tenant,
            "name": key.name or None,
            "scopes": sorted(key.scopes),
            "created": clock(key.created),
            "expires": clock(key.expires),
            "last_used": clock(key.used),
            "state": _state(key.revoked, key.expires),
        }
        for key in keys
    ]
    show(rows, json)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `keys list` shows it.")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a key good for nothing, at once; servers end its connections within seconds."""
    with opened(data, config) as accounts:
        revoked = accounts.revoke(id)
    if revoked is None:
        raise Stop(Status.USAGE, f"there is no key {id}; see stenowire keys list")
    print(f"Key {revoked.id} of tenant {revoked.tenant} is revoked.")


def seconds(text: str) -> float:
    """Raises Stop."""
    match = LIFETIME.fullmatch(text)
    lifetime_s = int(match[1]) * UNITS_S[match[2]] if match else 0
    if not 0 < lifetime_s <= MOST_LIFETIME_S:
        raise Stop(Status.USAGE, "--expires: a number and s, m, h or d, at most 100 years")
    return float(lifetime_s)


def _state(revoked: float | None, expires: float | None) -> str:
    if revoked is not None:
        return "revoked"
    return "expired" if expires is not None and expires <= time.time() else "good"
