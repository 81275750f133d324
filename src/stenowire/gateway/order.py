"""What a connection can be told besides frames and results, and how clients hear of it."""

from enum import Enum


class Order(Enum):
    TICK = "something is due"
    CAUGHT_UP = "the client has taken what was written"
    GONE = "the client has left"
    DRAIN = "let every session answer what it has heard, then close"
    REVOKED = "the key is good no more: end every session now, and close"
    CUT = "end every session now, and close"


RESTARTING = "The server is restarting, please connect again."
REVOKED = "The API-key has been revoked or has expired."
