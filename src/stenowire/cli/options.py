"""Options that several commands share, and the one rule for addresses and keys.

In: what stands on the command line. Out: types for typer. Imports nothing heavy, so that help and completion are quick.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

KEY_VARIABLES = ("STENOWIRE_API_KEY", "DASHSCOPE_API_KEY")
USUAL_MODEL = "fun-asr-realtime"


class Format(StrEnum):
    text = "text"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    tsv = "tsv"


class Noise(StrEnum):
    off = "off"
    near_field = "near_field"
    far_field = "far_field"
    auto = "auto"


Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Use this server: ws://host:port, or a whole endpoint. Without it: in this process."
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Key for --url.", show_default="$STENOWIRE_API_KEY, then $DASHSCOPE_API_KEY"),
]
Model = Annotated[str, typer.Option("--model", "-m", help="Any name that `/v1/models` lists.")]
Language = Annotated[str | None, typer.Option("--language", "-l", help="Language of the speech, such as en.")]
HotWords = Annotated[
    list[str] | None,
    typer.Option("--hot-word", "-w", metavar="WORD", help="A term that may be said; may be given several times."),
]
Words = Annotated[
    Path | None,
    typer.Option("--words", metavar="FILE", help="Terms: one a line, then TAB weight TAB sounds-like; or JSON."),
]
VocabularyId = Annotated[
    str | None,
    typer.Option("--vocabulary-id", metavar="ID", help="A stored list of terms; see `stenowire vocabulary`."),
]
Context = Annotated[
    str | None, typer.Option(metavar="FILE|TEXT", help="What the talk is about: a text file, or the text itself.")
]
NoiseReduction = Annotated[
    Noise | None, typer.Option("--noise-reduction", help="Take noise away first (in this process: extra `noise`).")
]


def found_key(given: str | None) -> str:
    """The option, or the first variable that is set; "" when there is none."""
    return given or next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), "")
