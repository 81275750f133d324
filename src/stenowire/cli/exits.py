"""How the command ends: a number that scripts can act on, and one line that people can read.

In: what went wrong. Out: an exit status and its sentence. The numbers are a promise; README.md lists them.
"""

from enum import IntEnum


class Status(IntEnum):
    OK = 0
    FAILED = 1
    """The recognition failed, or the server did."""
    USAGE = 2
    UNREACHABLE = 3
    """No connection, or it broke off."""
    REFUSED_KEY = 4
    UNREADABLE = 5
    """The audio cannot be read."""
    INTERRUPTED = 130


class Stop(Exception):
    """Ends the command with a status and one line on standard error."""

    def __init__(self, status: Status, line: str) -> None:
        super().__init__(line)
        self.status = status
        self.line = " ".join(line.split())
