"""`stenowire vocabulary`: lists of hot words, written and read in the store itself, whether or not a server runs.

In: files of words. Out: ids and tables on standard output. What may stand in a list is judged where the HTTP door does
it, so that a list made here is one that a client could have made.

A file of words has a word on each line, then, after tabs, its weight and how it sounds:

    Bulge Bracket
    Siobhan	5	shivawn
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stenowire.cli.administration import Config, Data, store_of
from stenowire.cli.exits import Status, Stop

if TYPE_CHECKING:
    from stenowire.store.entries import Entry
    from stenowire.store.vocabularies import Vocabularies

app = typer.Typer(
    help="Lists of hot words: make, show, change, delete.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="[bold]stenowire vocabulary create words.txt --model fun-asr-realtime[/bold]",
)

MOST_FILE_BYTES = 4 << 20
USUAL_WEIGHT = 4

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A word a line, then TAB weight TAB sounds-like; or the JSON of the API; - is stdin."
    ),
]
Tenant = Annotated[str, typer.Option(help="Whose list it is.", show_default=True)]
Id = Annotated[str, typer.Argument(metavar="ID")]


@app.command()
def create(
    file: File,
    model: Annotated[str, typer.Option(help="The model whose tasks it is for.")],
    prefix: Annotated[str, typer.Option(help="Part of its id: lower-case letters and digits.")] = "words",
    tenant: Tenant = "default",
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a list and print its id, to be named as `vocabulary_id`."""
    from stenowire.engines.registry import BY_NAME
    from stenowire.store.entries import check_entries, check_prefix

    entries = read_words(file)
    if model not in BY_NAME:
        raise Stop(Status.USAGE, f"there is no model {model}; see /v1/models")
    with opened(data, config) as (lists, most):
        check_prefix(prefix, "--prefix")
        check_entries(entries, most, file.name)
        print(lists.create(tenant, prefix, model, entries).id)


@app.command("list")
def list_all(tenant: Tenant = "default", data: Data = None, config: Config = None) -> None:
    """The lists of a tenant, newest first: id, model, how many words, last change."""
    with opened(data, config) as (lists, _):
        for found in lists.page(tenant, None, 0, 100_000):
            print(found.id, found.target_model, len(found.entries), _clock(found.modified), sep="\t")


@app.command()
def show(id: Id, tenant: Tenant = "default", data: Data = None, config: Config = None) -> None:
    """The words of a list, as a file that `update` reads."""
    with opened(data, config) as (lists, _):
        for entry in lists.get(tenant, id).entries:
            sounds = [entry.sounds_like] if isinstance(entry.sounds_like, str) else entry.sounds_like or []
            print(*[entry.text, str(entry.weight), *([", ".join(sounds)] if sounds else [])], sep="\t")


@app.command()
def update(id: Id, file: File, tenant: Tenant = "default", data: Data = None, config: Config = None) -> None:
    """Replace all words of a list. Tasks that begin later use them."""
    from stenowire.store.entries import check_entries

    entries = read_words(file)
    with opened(data, config) as (lists, most):
        check_entries(entries, most, file.name)
        lists.replace(tenant, id, entries)


@app.command()
def delete(id: Id, tenant: Tenant = "default", data: Data = None, config: Config = None) -> None:
    """Delete a list."""
    with opened(data, config) as (lists, _):
        lists.delete(tenant, id)


@contextmanager
def opened(data: Path | None, config: Path | None) -> Iterator["tuple[Vocabularies, int]"]:
    """The lists in the store that the settings name, and how many words one may have."""
    from stenowire.store.vocabularies import Vocabularies

    with store_of(data, config) as (settings, store):
        yield Vocabularies(store, settings.vocabulary_lists), settings.vocabulary_entries


def read_words(file: Path) -> "list[Entry]":
    """Raises Stop, which names the line at fault."""
    import msgspec

    from stenowire.store.entries import Entry

    text = _text(file)
    try:
        if text.lstrip().startswith("["):
            return msgspec.json.decode(text, type=list[Entry])
        lines = enumerate(text.splitlines(), 1)
        return [_entry(line, number) for number, line in lines if line.strip() and not line.startswith("#")]
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Stop(Status.USAGE, f"{file}: {error}") from None


def _entry(line: str, number: int) -> "Entry":
    import msgspec

    from stenowire.store.entries import Entry

    text, _, rest = line.partition("\t")
    weight, _, sounds = rest.partition("\t")
    fields: dict[str, Any] = {"text": text.strip(), "weight": weight.strip() or USUAL_WEIGHT}
    if sounds.strip():
        fields["sounds_like"] = [sound.strip() for sound in sounds.split(",") if sound.strip()]
    try:
        return msgspec.convert(fields, Entry, strict=False)
    except msgspec.ValidationError as error:
        raise Stop(Status.USAGE, f"line {number}: {error}") from None


def _text(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read(MOST_FILE_BYTES) if str(file) == "-" else file.read_bytes()[:MOST_FILE_BYTES]
        return data.decode("utf-8-sig")
    except OSError as error:
        raise Stop(Status.USAGE, f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Stop(Status.USAGE, f"{file}: not text in UTF-8") from None


def _clock(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
