"""The command `stenowire`: its subcommands, their options and their help.

In: the command line. Out: an exit status. Each subcommand lives in a module of its own that is imported only when it
is called, so that `--help` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stenowire import __version__
from stenowire.cli import history, keys, recognising, relaying, tenants, tending, vocabulary
from stenowire.cli.administration import Config, Data, Json
from stenowire.cli.exits import Status, Stop

app = typer.Typer(
    name="stenowire",
    help="Live speech to text that you host yourself, speaking the wire protocols that your programs already use.",
    epilog="Begin with: [bold]stenowire demo[/bold]",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
SPEECH, SERVER, MACHINE = "Speech to text", "The server", "This machine"
"""Under which headings the commands are listed."""
models = typer.Typer(
    help="Show or fetch the models on this machine.",
    rich_markup_mode="rich",
    epilog="[bold]stenowire models pull[/bold]",
)
app.add_typer(models, name="models", rich_help_panel=MACHINE)
app.add_typer(vocabulary.app, name="vocabulary", rich_help_panel=SERVER)
app.add_typer(history.app, name="history", rich_help_panel=SERVER)
app.add_typer(keys.app, name="keys", rich_help_panel=SERVER)
app.add_typer(tenants.app, name="tenants", rich_help_panel=SERVER)
app.command(epilog=recognising.TRANSCRIBE, rich_help_panel=SPEECH)(recognising.transcribe)
app.command(epilog=recognising.LISTEN, rich_help_panel=SPEECH)(recognising.listen)
app.command(epilog=relaying.RELAY, rich_help_panel=SERVER)(relaying.relay)
app.command(epilog=tending.DOCTOR, rich_help_panel=MACHINE)(tending.doctor)
app.command(epilog=tending.BENCH, rich_help_panel=MACHINE)(tending.bench)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(
    rich_help_panel=SERVER,
    epilog="Settings come from options, then STENOWIRE_* variables, then the configuration file. "
    "Try: [bold]stenowire serve --print-settings[/bold]",
)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on.", show_default="8090")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for keys and models.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings as a TOML file.")] = None,
    https: Annotated[
        bool, typer.Option("--https", help="Serve this network over HTTPS, with a certificate of its own making.")
    ] = False,
    cert: Annotated[Path | None, typer.Option(metavar="FILE", help="HTTPS with this certificate, in PEM.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, where that is in another file.")] = None,
    print_settings: Annotated[
        bool, typer.Option(help="Print the settings in force, secrets masked, and leave.")
    ] = False,
    stop_with_stdin: Annotated[bool, typer.Option(hidden=True, help="Stop when standard input is closed.")] = False,
) -> int:
    """Run the server until Ctrl-C or SIGTERM; the first run fetches the models."""
    from stenowire.cli.serve import serve as command

    given = {"host": host, "port": port, "data": data, "https": https or None, "cert": cert, "cert_key": key}
    return command(given, config, print_settings=print_settings, stop_with_stdin=stop_with_stdin)


@app.command(
    rich_help_panel=SPEECH,
    epilog="[bold]stenowire demo[/bold]\n\n[bold]stenowire demo --once --port 0[/bold]",
)
def demo(
    once: Annotated[bool, typer.Option("--once", help="Leave after the recording instead of serving on.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8090,
) -> int:
    """Start a server and watch it caption a real recording, live."""
    from stenowire.cli.demo import demo as command

    return command(port=port, once=once)


@app.command(rich_help_panel=SERVER, epilog="[bold]stenowire usage --days 7 --json[/bold]")
def usage(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    days: Annotated[int, typer.Option(min=1, max=36_600, help="So many days, today included, in UTC.")] = 30,
    json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show what each key used on each day: sessions, requests, seconds of audio."""
    from stenowire.cli.usage import usage as command

    command(tenant, days, json, data, config)


@models.callback(invoke_without_command=True)
def models_root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_models()


@models.command("list", epilog="[bold]stenowire models list[/bold]")
def list_models() -> None:
    """List the models: what they are, their licences, and whether they are here."""
    from stenowire.cli.models import list_models as command

    command()


@models.command("pull", epilog="[bold]stenowire models pull[/bold]\n\n[bold]stenowire models pull silero-vad[/bold]")
def pull_models(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="All when none is named.")] = None,
) -> None:
    """Fetch models and verify them."""
    from stenowire.cli.models import pull as command

    command(names or [])


@app.command(rich_help_panel=MACHINE, epilog="[bold]stenowire version[/bold]")
def version() -> None:
    """Show the version."""
    typer.echo(__version__)


def run(arguments: list[str] | None = None) -> None:
    """Entry point: run a command line and leave with its status."""
    try:
        sys.exit(_status(arguments))
    except BrokenPipeError:  # `stenowire ... | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Status.FAILED)


def _status(arguments: list[str] | None) -> int:
    try:
        status: Any = app(arguments, prog_name="stenowire", standalone_mode=False)
        sys.stdout.flush()
        return int(status or Status.OK)
    except typer.TyperException as error:
        return _complain(_usage(error), Status.USAGE)
    except Stop as stop:
        return _complain(stop.line, stop.status)
    except (KeyboardInterrupt, typer.Abort):
        return Status.INTERRUPTED


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "stenowire"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see {command} --help"


def _complain(line: str, status: Status) -> Status:
    print(f"stenowire: {line}", file=sys.stderr)
    return status
