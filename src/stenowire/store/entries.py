"""What may stand in a list of hot words: the rules for one entry, and for the name of a list.

Input: entries as a client wrote them. Output: the same, or an InvalidParameter that names the entry at fault. Limits of
length are those of the vendor's page on custom vocabularies.
"""

import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from stenowire.errors import InvalidParameter
from stenowire.types import HotWord

MOST_CHARS = 15
"""Of an entry with any character that is not ASCII, blanks included."""
MOST_SEGMENTS = 7
"""Of an ASCII entry, between blanks."""
MOST_ASCII_CHARS = 256
MOST_SOUNDS = 4

PREFIX = re.compile("[a-z0-9]{1,10}")

Language = Annotated[str, Meta(max_length=16)]
Sound = Annotated[str, Meta(min_length=1, max_length=64)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As it stands on the wire and in the store."""

    text: str
    weight: Annotated[int, Meta(ge=1, le=5)]
    lang: Language | None = None
    target_lang: Language | None = None
    translation: Annotated[str, Meta(max_length=MOST_ASCII_CHARS)] | None = None
    """The last two are kept for clients that translate; here they have no effect."""
    sounds_like: Annotated[list[Sound], Meta(max_length=MOST_SOUNDS)] | Sound | None = None
    """Our addition: how it is said, in other spellings."""


def check_entries(entries: Sequence[Entry], most: int, path: str) -> None:
    """Raises InvalidParameter; `path` is where the list stands in the client's message."""
    if not entries:
        raise InvalidParameter(f"{path}: at least one entry is needed", path)
    if len(entries) > most:
        raise InvalidParameter(f"{path}: {len(entries)} entries, and at most {most} are accepted", path)
    for number, entry in enumerate(entries):
        reason = _fault(entry.text)
        if reason:
            place = f"{path}[{number}].text"
            raise InvalidParameter(f"{place}: {reason}", place)


def check_prefix(prefix: str, path: str) -> None:
    """Raises InvalidParameter."""
    if not PREFIX.fullmatch(prefix):
        raise InvalidParameter(f"{path}: 1 to 10 lower-case letters and digits are needed", path)


def hot_words(entries: Sequence[Entry]) -> tuple[HotWord, ...]:
    return tuple(HotWord(entry.text.strip(), entry.weight, entry.lang, _sounds(entry)) for entry in entries)


def _sounds(entry: Entry) -> tuple[str, ...]:
    sounds = entry.sounds_like or []
    return (sounds,) if isinstance(sounds, str) else tuple(sounds)


def _fault(text: str) -> str:
    """Why it cannot be an entry; "" when it can."""
    if not text.strip():
        return "must not be empty"
    if any(not char.isprintable() for char in text):
        return "must not hold control characters"
    if not text.isascii():
        return f"{len(text)} characters, and at most {MOST_CHARS} are accepted" if len(text) > MOST_CHARS else ""
    segments = len(text.split())
    if segments > MOST_SEGMENTS:
        return f"{segments} words, and at most {MOST_SEGMENTS} are accepted"
    return f"more than {MOST_ASCII_CHARS} characters" if len(text) > MOST_ASCII_CHARS else ""
