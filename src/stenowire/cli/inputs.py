"""What `transcribe` is given: files, folders, addresses, or standard input; and what its results are called.

In: words of the command line. Out: inputs in a steady order, and a path for the result of each. Opens nothing.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec

from stenowire.cli.exits import Status, Stop
from stenowire.cli.results import Format

SUFFIXES = (
    ".wav", ".wave", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".spx", ".webm", ".mka", ".aac", ".amr",
)  # fmt: skip
"""What is looked for in folders. A file that is named itself may be called what it likes: its first bytes count."""
STDIN = "-"
ENDINGS: dict[Format, str] = {"text": ".txt", "json": ".json", "srt": ".srt", "vtt": ".vtt", "tsv": ".tsv"}


class Input(msgspec.Struct, frozen=True):
    """`place` is a path or a URL; `inside` is where it lies in the folder that was named, or its own name."""

    place: str
    inside: Path

    @property
    def is_url(self) -> bool:
        return is_url(self.place)


def is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def alone(given: Sequence[str], output: Path | None) -> bool:
    """Whether it is one recording, whose text goes to standard output or a file; a batch otherwise."""
    return len(given) == 1 and not Path(given[0]).is_dir() and not (output is not None and output.is_dir())


def gather(given: Sequence[str], suffixes: Sequence[str], allow_urls: bool) -> list[Input]:
    """Each recording once. Raises Stop for what cannot be meant."""
    found: dict[str, Input] = {}
    for text in given:
        check(text, allow_urls)
        if text == STDIN:
            raise Stop(Status.USAGE, "- stands for standard input, and must stand alone")
        inside = list(_inside(Path(text), suffixes)) if not is_url(text) and Path(text).is_dir() else [_single(text)]
        if not inside:
            raise Stop(Status.UNREADABLE, f"{text}: no recordings in there; looked for {', '.join(suffixes)}")
        for one in inside:
            found.setdefault(one.place, one)
    return list(found.values())


def check(text: str, allow_urls: bool) -> None:
    if is_url(text) and not allow_urls:
        raise Stop(Status.USAGE, f"{_without_query(text)} is fetched only with --allow-urls")


def results(inputs: Sequence[Input], output: Path | None, format: Format) -> list[Path]:
    """Beside each recording, or in the folder `output` as they lie in theirs. Where two would be called the same,
    talk.wav and talk.mp3, the whole name goes before the ending."""
    stems = [_folder(one, output) / one.inside.with_suffix("") for one in inputs]
    count = Counter(stems)
    ending = ENDINGS[format]
    return [
        stem.with_name(stem.name + (one.inside.suffix if count[stem] > 1 else "") + ending)
        for one, stem in zip(inputs, stems, strict=True)
    ]


def _folder(one: Input, output: Path | None) -> Path:
    if output is not None:
        return output
    if one.is_url:
        return Path()
    return Path(one.place[: -len(str(one.inside))] or ".")


def _single(text: str) -> Input:
    if is_url(text):
        parts = urlsplit(text)
        name = Path(unquote(PurePosixPath(parts.path).name)).name
        return Input(text, Path(name if name.strip(".") else parts.hostname or "recording"))
    return Input(text, Path(Path(text).name))


def _inside(folder: Path, suffixes: Sequence[str]) -> Iterator[Input]:
    """Below the folder, without what is hidden; links to folders are not followed."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in suffixes:
                path = Path(root, name)
                yield Input(str(path), path.relative_to(folder))


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
