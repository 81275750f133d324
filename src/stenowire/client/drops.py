"""What a program is told of its connections: one was lost, or the recognition goes on.

Notes for people and logs, handed to `on_link`: a program may leave them unread. They know no socket, text or audio.
"""

import msgspec

from stenowire.client.resume import Gap


class Dropped(msgspec.Struct, frozen=True):
    """A connection was lost, or could not be made; the next try comes after `wait_s`."""

    reason: str
    attempt: int
    wait_s: float


class Resumed(msgspec.Struct, frozen=True):
    """The recognition goes on."""

    url: str
    after_s: float
    """Since the connection was lost."""
    again_s: float
    """Audio that is sent a second time."""
    gap: Gap | None
    """Audio that is lost, after minutes without any answer (see `Memory`); None is the rule."""


LinkEvent = Dropped | Resumed
