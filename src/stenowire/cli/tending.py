"""The options and the help of `stenowire doctor` and `stenowire bench`.

In: the command line. Out: a call of the module that does it, which is imported only then.
"""

from pathlib import Path
from typing import Annotated

import typer

from stenowire.cli import options

DOCTOR = """[bold]stenowire doctor[/bold]

[bold]stenowire doctor --url https://captions.local:8090 --api-key sk-...[/bold]

[bold]stenowire doctor --json[/bold]

Status: 0 all is well or might be better, 1 something that was asked for does not work."""

BENCH = """[bold]stenowire bench[/bold]

[bold]stenowire bench --short[/bold]  this machine, in a minute

[bold]stenowire bench latency stability --quick[/bold]  parts, in a checkout"""


def doctor(
    url: Annotated[str | None, typer.Option(metavar="URL", help="Examine the server there, too.")] = None,
    api_key: options.ApiKey = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port that is to be served.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for keys and models.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings as a TOML file.")] = None,
) -> int:
    """Examine this machine and a server: what does not work, and what helps."""
    from stenowire.cli.doctor import doctor as command

    return command({"port": port, "data": data}, config, url, options.found_key(api_key), json)


def bench(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="For a checkout's bench; see bench/.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A checkout's bench, with a handful of recordings.")] = False,
    short: Annotated[bool, typer.Option("--short", help="Only the speed of this machine, also in a checkout.")] = False,
) -> int:
    """Measure: how fast this machine is, or all of a checkout's measurements."""
    from stenowire.cli.bench import bench as command

    return command([*(parts or []), *(["--quick"] if quick else [])], short)
