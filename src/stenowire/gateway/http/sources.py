"""Where the bytes of a recording come from: base64 in a body, or a file.

In: text or an open file. Out: the first bytes, and then all of them in pieces, each of which the session takes in
within a millisecond or so. Between two pieces others get their turn.
"""

import asyncio
import base64
import binascii
import re
from typing import BinaryIO, Protocol

from stenowire.errors import BadAudio
from stenowire.serving.recording import HEAD_BYTES, Pieces

PIECE_BYTES = 32 << 10
QUARTET = 4
"""Characters of base64 that stand for three bytes."""
PIECE_CHARS = PIECE_BYTES // 3 * QUARTET
BLANKS = str.maketrans("", "", " \t\r\n")
DATA_URI = re.compile(r"data:[^,]{0,200}?;base64,", re.IGNORECASE)


class Source(Protocol):
    @property
    def size(self) -> int:
        """Bytes."""

    def head(self) -> bytes: ...

    def pieces(self) -> Pieces: ...


class Base64Source:
    """Decoded as it is heard: no second copy, no long pause for others. Raises BadAudio where it is not base64."""

    def __init__(self, text: str) -> None:
        text = text[found.end() :] if (found := DATA_URI.match(text)) else text
        self._text = text.translate(BLANKS) if any(blank in text for blank in " \t\r\n") else text

    @property
    def size(self) -> int:
        return len(self._text) * 3 // QUARTET

    def head(self) -> bytes:
        return _decode(self._text[: HEAD_BYTES // 3 * QUARTET])

    async def pieces(self) -> Pieces:
        for at in range(0, len(self._text), PIECE_CHARS):
            yield _decode(self._text[at : at + PIECE_CHARS])
            await asyncio.sleep(0)


class FileSource:
    """The file stays open, and is its owner's to close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @property
    def size(self) -> int:
        return self._file.seek(0, 2)

    def head(self) -> bytes:
        self._file.seek(0)
        return self._file.read(HEAD_BYTES)

    async def pieces(self) -> Pieces:
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece
            await asyncio.sleep(0)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadAudio("the audio is not valid base64") from None
