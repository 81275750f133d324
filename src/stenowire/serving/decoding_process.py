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
import signal
import socket
import sys

from stenowire.audio.codecs.transcode import Transcoder
from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving.confinement import confine
from stenowire.serving.decoding_wire import BAD, BROKEN, DATA, DONE, END, HEADER, ORDER, START, UNSUPPORTED, WAV

ANSWER_BYTES = 1 << 15
"""Of WAV in one answer, about; 0.3 s at 48 kHz."""
MESSAGE_CPU_S = 10.0
"""Processor time that one message may take; then the child is ended by the system."""


def main(control: socket.socket) -> None:
    children: dict[int, int] = {}
    """Number of the stream -> process id, of children that have not been buried."""

    def bury(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                for number in [number for number, known in children.items() if known == pid]:
                    del children[number]

    signal.signal(signal.SIGCHLD, bury)
    gc.freeze()
    while True:
        order, fds, _, _ = socket.recv_fds(control, ORDER.size, 1)
        if len(order) < ORDER.size:
            return
        what, number, encoding = ORDER.unpack(order)
        # A child that ends meanwhile is buried afterwards, so that its process id stays its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        if what == START:
            with socket.socket(fileno=fds[0]) as channel, contextlib.suppress(OSError):
                pid = os.fork()
                if pid == 0:
                    _child(control, channel, encoding.rstrip(b"\0").decode())
                children[number] = pid
        elif number in children:
            os.kill(children[number], signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _child(control: socket.socket, channel: socket.socket, encoding: str) -> None:
    """Never returns."""
    status = 1
    try:
        control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
