"""The processes that decode what clients send: one parent, and one child of it per stream.

The parent loads PyAV once and sees nothing that a client wrote; for each stream it forks a child, which costs little
time and memory because all that was loaded is shared. A child may use its share of memory and processor, the socket to
the server, and nothing else: no file, no network, no other process. What a client's bytes do to it ends one session.

Started as `python -m stenowire.serving.decoding_process FD`. FD is a socket: it brings orders, `START` each with the
socket of one stream; when it closes, the parent ends, and each child with its own socket.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys

from stenowire.audio.codecs.transcode import Transcoder
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving.confinement import confine
from stenowire.serving.decoding_wire import BAD, BROKEN, DATA, DONE, END, HEADER, ORDER, START, UNSUPPORTED, WAV

ANSWER_BYTES = 1 << 15
"""Of WAV in one answer, about; 0.3 s at 48 kHz."""
MOST_FILES = 64
"""The parent's own are fewer."""
MESSAGE_CPU_S = 10.0
"""Processor time that one message may take; then the child is ended by the system."""


def main(control: socket.socket) -> None:
    """Until the server closes `control`. Children are buried here and nowhere else, so that a process id is known to be
    a child's for as long as it is kept."""
    children: dict[int, int] = {}
    """Number of the stream -> process id."""
    bell, ringer = socket.socketpair()
    for end in (bell, ringer):
        end.setblocking(False)
    # A child's end rings the bell; the handler itself has nothing to do.
    signal.set_wakeup_fd(ringer.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()
    while True:
        waiting, _, _ = select.select([control, bell], [], [])
        if bell in waiting:
            bell.recv(4096)
            _bury(children)
        if control in waiting and not _obey(control, children):
            return


def _bury(children: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            for number in [number for number, pid in children.items() if pid == ended]:
                del children[number]


def _obey(control: socket.socket, children: dict[int, int]) -> bool:
    """Whether there may be another order."""
    order, fds, _, _ = socket.recv_fds(control, ORDER.size, 1)
    if len(order) < ORDER.size:
        return False
    what, number, encoding = ORDER.unpack(order)
    if what == START:
        with socket.socket(fileno=fds[0]) as channel, contextlib.suppress(OSError):
            pid = os.fork()
            if pid == 0:
                _child(channel, encoding.rstrip(b"\0").decode())
            children[number] = pid
    elif number in children:
        os.kill(children[number], signal.SIGKILL)
    return True


def _child(channel: socket.socket, encoding: str) -> None:
    """Never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.closerange(3, channel.fileno())
        os.closerange(channel.fileno() + 1, MOST_FILES)
        confine()
        decode(channel, encoding)
        status = 0
    except OSError:
        # The server has closed the stream.
        status = 0
    finally:
        os._exit(status)


def decode(channel: socket.socket, encoding: str) -> None:
    """Answer messages until the stream has ended."""
    try:
        transcoder = Transcoder(encoding)
        _send(channel, DONE)
        while (message := _receive(channel)) is not None:
            signal.setitimer(signal.ITIMER_PROF, MESSAGE_CPU_S)
            kind, data = message
            pending = bytearray()
            for piece in transcoder.feed(data) if kind == DATA else transcoder.flush():
                pending += piece
                if len(pending) >= ANSWER_BYTES:
                    _send(channel, WAV, pending)
                    pending = bytearray()
            if pending:
                _send(channel, WAV, pending)
            _send(channel, DONE)
            if kind == END:
                return
    except BadAudio as error:
        _send(channel, BAD, error.message.encode())
    except UnsupportedFormat as error:
        _send(channel, UNSUPPORTED, error.message.encode())
    except OSError:
        raise
    except Exception as error:
        _send(channel, BROKEN, repr(error).encode())


def _receive(channel: socket.socket) -> tuple[int, bytes] | None:
    header = _read(channel, HEADER.size)
    if header is None:
        return None
    kind, size = HEADER.unpack(header)
    data = _read(channel, size)
    return None if data is None else (kind, data)


def _read(channel: socket.socket, size: int) -> bytes | None:
    """None when the server has closed the stream."""
    data = bytearray()
    while len(data) < size:
        piece = channel.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _send(channel: socket.socket, kind: int, data: bytes | bytearray = b"") -> None:
    channel.sendall(HEADER.pack(kind, len(data)) + data)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])))
