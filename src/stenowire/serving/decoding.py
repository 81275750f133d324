"""Decoding in processes of their own: a client's coded bytes go there, a WAV stream comes back.

In: a declared encoding. Out: a decoder for one stream of it. One that crashes, hangs or uses more than its share ends
its own stream with BadAudio; no other stream notices.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from functools import cache
from importlib.util import find_spec
from itertools import count
from typing import NamedTuple

import structlog

from stenowire.errors import BadAudio, InternalError, UnsupportedFormat
from stenowire.serving import decoding_wire as wire
from stenowire.serving.decoding_stream import Decoding
from stenowire.types import AudioFormat, Encoding

log = structlog.get_logger(__name__)

CODED: frozenset[Encoding] = frozenset(("mp3", "opus", "opus_packets", "speex", "aac", "amr", "flac"))
"""Encodings that are decoded here; sessions take the others as they come."""
ANSWER_S = 20.0
"""A decoder that is silent for this long hangs. The system ends it after 10 s of processor time on one message."""
READ_BYTES = 64 << 10
"""Read ahead of whoever takes the WAV."""
STOP_S = 5.0
PROCESS = "stenowire.serving.decoding_process"
ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
"""What a decoder may know of the server's environment: no keys."""


def as_wav(format: AudioFormat) -> AudioFormat:
    """What a session is told of a format, whose decoded audio it gets."""
    return AudioFormat("wav", format.rate_hz) if format.encoding in CODED else format


@cache
def _installed() -> bool:
    return find_spec("av") is not None


class Decoders:
    """The parent of all decoders, started when the first is needed. On one event loop."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._parent: Parent | None = None
        self._starting = asyncio.Lock()
        self._numbers = count(1)

    @staticmethod
    def check(encoding: Encoding) -> None:
        """Raise UnsupportedFormat where this server cannot decode it."""
        if sys.platform == "win32":
            raise UnsupportedFormat(f"format {encoding!r} is not decoded on Windows; send pcm or wav", "format")
        if not _installed():
            raise UnsupportedFormat(
                f"format {encoding!r} needs stenowire[codecs] where it is decoded (pip install 'stenowire[codecs]'); "
                "without it send pcm or wav",
                "format",
            )

    async def open(self, encoding: Encoding) -> Decoding:
        """A decoder for one stream. Raises UnsupportedFormat, InternalError."""
        self.check(encoding)
        # Twice, as the parent may have been ended since it was last asked.
        for _ in range(2):
            parent = await self._started()
            try:
                return await self._fork(parent, encoding)
            except (OSError, BadAudio) as error:
                log.warning("decoders ended", error=str(error))
                await self._end(parent)
        raise InternalError("the decoders do not start; the server's log says why")

    async def wav(self, encoding: Encoding, audio: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """A whole stream, decoded as it comes. Raises UnsupportedFormat, BadAudio."""
        decoding = await self.open(encoding)
        begun = False
        try:
            async for data in audio:
                begun |= bool(data)
                async for wav in decoding.feed(data):
                    yield wav
            if begun:
                async for wav in decoding.flush():
                    yield wav
        finally:
            decoding.close()

    def _kill(self, number: int) -> None:
        """End a decoder, whatever it does."""
        if self._parent is not None:
            with contextlib.suppress(OSError):
                self._parent.control.send(wire.ORDER.pack(wire.KILL, number, b""))

    async def stop(self) -> None:
        """End the parent; children end with their streams."""
        if self._parent is not None:
            await self._end(self._parent)

    async def _started(self) -> "Parent":
        async with self._starting:
            if self._parent is None:
                self._parent = await asyncio.to_thread(_start)
            return self._parent

    async def _fork(self, parent: "Parent", encoding: Encoding) -> Decoding:
        """A decoder that is there. Raises OSError or BadAudio when none comes."""
        ours, theirs = socket.socketpair()
        number = next(self._numbers)
        try:
            with theirs:
                order = wire.ORDER.pack(wire.START, number, encoding.encode())
                socket.send_fds(parent.control, [order], [theirs.fileno()])
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=READ_BYTES)
        except BaseException:
            ours.close()
            raise
        decoding = Decoding(encoding, reader, writer, lambda: self._kill(number), self._answer_s)
        try:
            await decoding.ready()
        except BaseException:
            decoding.close()
            raise
        return decoding

    async def _end(self, parent: "Parent") -> None:
        if self._parent is parent:
            self._parent = None
        parent.control.close()
        await asyncio.to_thread(_bury, parent.process)


class Parent(NamedTuple):
    process: subprocess.Popen[bytes]
    control: socket.socket


def _start() -> Parent:
    """In a session of its own: signals from a terminal are the server's affair."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", PROCESS, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        )
    ours.setblocking(False)
    return Parent(process, ours)


def _bury(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
