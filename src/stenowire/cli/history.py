"""`stenowire history`: what a server has kept of live sessions, read in its data folder, whether or not it runs.

In: words to look for, ids. Out: tables, transcripts and sound on standard output. Nothing is kept unless `history` is
switched on in the server's settings.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stenowire.cli.administration import Data, settings_of
from stenowire.cli.exits import Status, Stop

if TYPE_CHECKING:
    from stenowire.store.history import History

app = typer.Typer(
    help="What a server has kept of live sessions: list, search, export, delete.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog='[bold]stenowire history list "bulge bracket"[/bold]',
)

DAY_S = 86_400.0


class Export(StrEnum):
    txt = "txt"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    wav = "wav"


Tenant = Annotated[str, typer.Option(help="Whose sessions.")]
Id = Annotated[str, typer.Argument(metavar="ID")]


@app.command("list")
def list_all(
    words: Annotated[str, typer.Argument(metavar="[WORDS]", help="That one sentence has to have, all of them.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    tenant: Tenant = "default",
    data: Data = None,
) -> None:
    """Sessions, newest first: id, when, minutes, model, how they begin."""
    with opened(data) as history:
        for found in history.page(tenant, words, most=limit):
            began = datetime.fromtimestamp(found.began, UTC).strftime("%Y-%m-%d %H:%M")
            print(found.id, began, f"{found.audio_ms / 60_000:.1f}", found.model, found.begins[:80], sep="\t")


@app.command()
def export(
    id: Id,
    format: Annotated[Export, typer.Option("--format", "-f", help="What to write.")] = Export.txt,
    tenant: Tenant = "default",
    data: Data = None,
) -> None:
    """Write a session to standard output: its text, subtitles, or sound."""
    from stenowire.text.subtitles import srt, vtt

    with opened(data) as history:
        found = history.get(tenant, id)
        if found is None:
            raise Stop(Status.FAILED, f"there is no recording {id}")
        recording, sentences = found
        match format:
            case Export.txt:
                print(*(sentence.text for sentence in sentences), sep="\n")
            case Export.json:
                import msgspec

                sys.stdout.buffer.write(msgspec.json.encode({"recording": recording, "sentences": sentences}))
            case Export.srt:
                print(srt(sentences), end="")
            case Export.vtt:
                print(vtt(sentences), end="")
            case Export.wav:
                _write_sound(history.sound(recording.id))


@app.command()
def delete(
    id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    older_than: Annotated[float | None, typer.Option(metavar="DAYS", min=0, help="All that is older.")] = None,
    tenant: Tenant = "default",
    data: Data = None,
) -> None:
    """Delete a session with its sound, or all of a tenant's that are older than so many days."""
    if (id is None) == (older_than is None):
        raise Stop(Status.USAGE, "name a recording, or --older-than DAYS")
    with opened(data) as history:
        if older_than is not None:
            print(history.delete_before(time.time() - older_than * DAY_S, tenant))
        elif not history.delete(tenant, id or ""):
            raise Stop(Status.FAILED, f"there is no recording {id}")


@contextmanager
def opened(data: Path | None) -> Iterator["History"]:
    from stenowire.store.history import History

    with settings_of(data, None) as settings:
        history = History(settings)
        if not history.begun:
            raise Stop(Status.FAILED, f"nothing has been kept in {history.folder}; the setting is `history = true`")
        try:
            yield history
        finally:
            history.close()


def _write_sound(path: Path) -> None:
    import shutil

    from stenowire.store.history import wav_header

    if not path.exists():
        raise Stop(Status.FAILED, "the sound of this session was not kept")
    sys.stdout.buffer.write(wav_header(path.stat().st_size))
    with path.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
