"""A TCP proxy that misbehaves on demand: delay, stall, reset, half-open, throttle, cut after n bytes.

In: the address of a server. Out: a URL that leads to it, and the faults. Every connection that passes obeys what is set
at the moment; `cut` ends those that are open.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 4096


class Pipe:
    """One client's connection and its other half to the server."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.ends = (near, far)
        self.up_bytes = 0

    def reset(self) -> None:
        """Both sides see a reset, as when a machine falls."""
        for end in self.ends:
            raw: socket.socket | None = end.transport.get_extra_info("socket")
            with suppress(OSError, ValueError):  # it may be closed already
                if raw is not None:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()


class Chaos:
    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.port = 0
        self.path = ""
        self.delay_s = 0.0
        """Of every chunk."""
        self.bytes_per_s: float | None = None
        self.cut_after: int | None = None
        """Bytes of the client until a connection is reset."""
        self.refusing = False
        self.cuts = 0
        self.opened = 0
        self._pipes: set[Pipe] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self.path}"

    @property
    def open(self) -> int:
        return len(self._pipes)

    def cut(self) -> int:
        """Reset all connections; how many there were."""
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.reset()
        self.cuts += len(pipes)
        return len(pipes)

    def stall(self) -> None:
        """Nothing passes any more, and nobody is told: half-open, until `flow`."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.address)
        except OSError:
            writer.transport.abort()
            return
        self.opened += 1
        pipe = Pipe(writer, far_writer)
        self._pipes.add(pipe)
        try:
            ways = (self._pump(pipe, reader, far_writer, up=True), self._pump(pipe, far_reader, writer, up=False))
            _, others = await asyncio.wait([asyncio.create_task(way) for way in ways], return_when="FIRST_COMPLETED")
            for task in others:
                task.cancel()
        finally:
            self._pipes.discard(pipe)
            for end in pipe.ends:
                end.transport.abort()

    async def _pump(self, pipe: Pipe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flowing.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if up and self.bytes_per_s:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                writer.write(data)
                await writer.drain()
                pipe.up_bytes += len(data) if up else 0
                if self.cut_after is not None and pipe.up_bytes > self.cut_after:
                    self.cuts += 1
                    pipe.reset()
            # What was written last is on its way; the goodbye follows it.
            await asyncio.sleep(0.05)


@asynccontextmanager
async def chaos(address: tuple[str, int]) -> AsyncIterator[Chaos]:
    made = Chaos(address)
    async with await asyncio.start_server(made.join, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
        made.flow()
        made.cut()
