"""What a relay remembers of a conversation, whatever its protocol; and conversations of which it remembers nothing.

In: frames of the client and, over any number of connections, of servers. Out: frames for either. No socket, no task.
"""

from collections import deque
from typing import Protocol

Frame = str | bytes


class ServerTrouble(Exception):
    """The server ended the conversation for reasons of its own: another connection may do better.

    `last_words` is what to tell the client if none does. `idle`: there is no need of one before there is audio.
    """

    def __init__(self, reason: str, last_words: list[Frame], *, idle: bool = False) -> None:
        super().__init__(reason)
        self.last_words = last_words
        self.idle = idle


class Talk(Protocol):
    name: str
    """For the log."""
    keeps: bool
    """False: what has been said cannot be said again, and a broken connection is the end."""
    over: bool
    """Everything is answered."""
    close: tuple[int, str] | None
    """How to leave the client once it is over; None leaves that to the client."""
    fruitful: bool
    """An answer has come since somebody looked, and set it to False."""
    pace_s: float
    """Seconds of audio in the frame taken last that had been sent before, where a server may not expect it faster than
    it was spoken."""

    @property
    def full(self) -> bool:
        """The client has to wait."""

    @property
    def has_work(self) -> bool:
        """There is something to send that no server has had."""

    def hello(self) -> list[Frame]:
        """A connection has been made: what to write first. Sending begins anew."""

    def take(self) -> Frame | None:
        """The next frame to write, None when there is none for now."""

    def receive(self, frame: Frame) -> list[Frame]:
        """What the client is to be told of a server's frame. Raises ServerTrouble."""

    def lost(self) -> None:
        """The connection is gone."""

    def ends(self, code: int) -> bool:
        """Whether a server that closes with this code means the conversation, and not just the connection."""

    def wind_up(self) -> None:
        """The relay stops: have answered what can be answered. `over` says when that is done."""

    def give_up(self, reason: str, last_words: list[Frame]) -> list[Frame]:
        """No server can be had: how the client is to be told. `last_words` are the last server's own, if it had any."""


class PlainTalk:
    """Frames pass as they are."""

    keeps = False
    pace_s = 0.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.over = self.fruitful = False
        self.close: tuple[int, str] | None = None
        self._frames: deque[Frame] = deque()

    def say(self, frame: Frame) -> None:
        self._frames.append(frame)

    @property
    def full(self) -> bool:
        return bool(self._frames)

    @property
    def has_work(self) -> bool:
        return bool(self._frames)

    def hello(self) -> list[Frame]:
        return []

    def take(self) -> Frame | None:
        return self._frames.popleft() if self._frames else None

    def receive(self, frame: Frame) -> list[Frame]:
        self.fruitful = True
        return [frame]

    def lost(self) -> None:
        return

    def ends(self, code: int) -> bool:
        return True

    def wind_up(self) -> None:
        self.over, self.close = True, (1012, "the relay stops")

    def give_up(self, reason: str, last_words: list[Frame]) -> list[Frame]:
        self.over, self.close = True, self.close or (1011, "the connection to the server was lost")
        return last_words
