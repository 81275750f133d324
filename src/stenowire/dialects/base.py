"""What a dialect is: a silent translator between one connection's frames and the inner language.

In: frames of the socket, updates of the sessions, the time. Out: commands for the sessions, replies for the socket.
A dialect keeps the state of its protocol and nothing else; it knows no socket, no clock, no session object, no engine.

Whatever a client sends, a dialect does not raise: a fault of the client becomes a reply that names it.
The driver carries out what each call returns, in order: commands go to the session they name, replies to the socket.
"""

from typing import Protocol

import msgspec

from stenowire.events import Command, Update


class Text(msgspec.Struct, frozen=True):
    """Write one text frame."""

    data: str


class Close(msgspec.Struct, frozen=True):
    """Write a close frame. It is the last output of its dialect, and no session is left alive behind it."""

    code: int = 1000
    reason: str = ""
    """At most 123 bytes of UTF-8 (RFC 6455, 5.5)."""


Reply = Text | Close
Output = Command | Reply


class Dialect(Protocol):
    """The server half of one connection. `now` is seconds of a clock that never goes back."""

    def begin(self, now: float) -> list[Output]:
        """What is said and done before the client's first frame. Called once."""

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        """Translate a frame of the client: str is a text frame, bytes a binary one."""

    def send(self, update: Update, now: float) -> list[Output]:
        """Translate what a session says. An update for a session that is over, or unknown, gives nothing.

        Usually replies only; the end of one session can also be the end of others on its connection, which is then
        said in commands.
        """

    def tick(self, now: float) -> list[Output]:
        """Do what is due by `now`. Calling it early or twice is harmless."""

    @property
    def next_tick(self) -> float | None:
        """When `tick` has something to do, or None. Ask again after every other call."""
