"""What the server and its decoders say to each other, on sockets within one machine.

On the parent's socket: orders; START comes with the socket of the stream. On a stream's socket: the decoder says DONE
when it is there; then the server sends a message and reads answers until one that is not WAV, and so on.
"""

import struct

START, KILL = 0, 1
ORDER = struct.Struct("<BI16s")
"""What to do, the stream's number, and for START its encoding."""

DATA, END = 0, 1
WAV, DONE, BAD, UNSUPPORTED, BROKEN = range(5)
HEADER = struct.Struct("<BI")
"""Kind of a message or answer, and the size of what follows."""

LARGEST_MESSAGE_BYTES = 1 << 16
