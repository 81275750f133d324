"""What comes to a connection, in one line: frames of its client, what sessions and decoders answer, orders.

It knows no socket, and not what is done about any of it.
"""

import msgspec

from stenowire.events import Command, Result
from stenowire.gateway.order import Order
from stenowire.gateway.seat import Seat


class Answer(msgspec.Struct, frozen=True):
    """A result that came back from the pool."""

    seat: Seat
    result: Result


class Decoded(msgspec.Struct, frozen=True):
    """A command whose audio, and all audio before it, has been decoded."""

    seat: Seat
    command: Command


class Taken(msgspec.Struct, frozen=True):
    """A later connection of the client goes on with this session."""

    session: str


Item = str | bytes | Answer | Decoded | Taken | Order
