"""What the client of a session has said and the server has not answered: audio and events, in their order.

In: the client's events. Out: the same again, as often as it takes, until they are let go. Counts audio in bytes from
the session's beginning; knows nothing of items.
"""

import base64
from collections import deque
from typing import Literal

import msgspec

Kind = Literal["audio", "update", "commit", "clear", "finish", "once"]


class Entry(msgspec.Struct, eq=False):
    kind: Kind
    at: int
    """The byte of audio before which it stands, or at which it begins."""
    data: bytes | str
    event_id: str | None = None
    """As sent."""
    own_id: bool = False
    """The relay has given it one, so that errors tell what they are about."""
    sent: bool = False
    told: bool = False
    """The client has been told the answer to it."""

    @property
    def end(self) -> int:
        return self.at + len(self.data) if self.kind == "audio" else self.at

    @property
    def frame(self) -> str | bytes:
        if self.kind != "audio":
            return self.data
        assert isinstance(self.data, bytes)
        event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(self.data).decode()}
        return msgspec.json.encode(event | ({"event_id": self.event_id} if self.event_id else {})).decode()


class Journal:
    def __init__(self) -> None:
        self.setup: list[Entry] = []
        """Updates from before the audio that is kept."""
        self.first = 0
        """The byte at which the kept audio begins."""
        self.end = 0
        self._entries: deque[Entry] = deque()
        self._next = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def kept_bytes(self) -> int:
        return self.end - self.first

    @property
    def sent_to(self) -> int:
        """How far audio has been sent on this connection."""
        return self._entries[self._next].at if self._next < len(self._entries) else self.end

    @property
    def all_sent(self) -> bool:
        return self._next >= len(self._entries)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self.end = max(self.end, entry.end)

    def rewind(self) -> None:
        self._next = 0

    def take(self) -> Entry | None:
        """The next one to send. What is not to be said twice is left out."""
        while self._next < len(self._entries):
            entry = self._entries[self._next]
            self._next += 1
            if entry.kind != "once" or not entry.sent:
                return entry
        return None

    def drop(self, entry: Entry) -> None:
        """One that the server refused, or whose answer was the end of it."""
        if entry in self.setup:
            self.setup.remove(entry)
        elif entry in self._entries:
            self._next -= self._entries.index(entry) < self._next
            self._entries.remove(entry)

    def let_go(self, before: int, through: Entry | None = None) -> None:
        """Audio before this byte is answered, and so is everything up to the entry `through`."""
        if through is not None and through in self._entries:
            while self._next and self._pop() is not through:
                continue
        while self._next and self._entries:
            entry = self._entries[0]
            if entry.end > before or (entry.kind != "audio" and entry.at >= before):
                break
            self._pop()
        if self._next and self._entries and self._entries[0].at < before:
            entry = self._entries[0]
            assert isinstance(entry.data, bytes)
            entry.data, entry.at = entry.data[before - entry.at :], before
        self.first = max(self.first, min(before, self.sent_to))

    def _pop(self) -> Entry:
        entry = self._entries.popleft()
        self._next -= 1
        if entry.kind == "update":
            self.setup.append(entry)
        return entry
