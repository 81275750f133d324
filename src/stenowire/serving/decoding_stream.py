"""One stream's decoder, from the server's side: bytes go there, pieces of WAV come back.

In: bytes of a declared encoding, on the event loop. Out: WAV, as fast as it is taken and no faster: one message is
under way at a time, and a decoder whose answers are not read waits. It must not know where decoders come from.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

import structlog

from stenowire.errors import BadAudio, UnsupportedFormat
from stenowire.serving import decoding_wire as wire
from stenowire.types import Encoding

log = structlog.get_logger(__name__)

PIECE_BYTES = 16 << 10
"""Of what a client sends, in one message: seconds of coded audio."""


class Decoding:
    """One stream. Iterate over what `feed` and `flush` give to the end, or close; close it always."""

    def __init__(
        self,
        encoding: Encoding,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kill: Callable[[], None],
        answer_s: float,
    ) -> None:
        self._encoding, self._kill = encoding, kill
        self._reader, self._writer, self._answer_s = reader, writer, answer_s

    async def ready(self) -> None:
        """Wait for the decoder to be there. Raises BadAudio when it is not; no fault of the audio."""
        async for _ in self._answers():
            pass

    async def feed(self, data: bytes) -> AsyncGenerator[bytes, None]:
        """Pieces of one WAV stream. Of opus_packets, `data` is one packet, or bytes of a container. Raises BadAudio,
        UnsupportedFormat."""
        # No packet is as long as the largest message, so that none is cut.
        most = wire.LARGEST_MESSAGE_BYTES if self._encoding == "opus_packets" else PIECE_BYTES
        for at in range(0, len(data), most):
            async for wav in self._ask(wire.DATA, data[at : at + most]):
                yield wav

    async def flush(self) -> AsyncGenerator[bytes, None]:
        """The last pieces; nothing may be fed afterwards."""
        async for wav in self._ask(wire.END, b""):
            yield wav

    def close(self) -> None:
        """Free the decoder, whatever it does. Calling it twice is harmless."""
        if not self._writer.transport.is_closing():
            self._writer.transport.abort()
            self._kill()

    async def _ask(self, message: int, data: bytes) -> AsyncGenerator[bytes, None]:
        self._writer.write(wire.HEADER.pack(message, len(data)) + data)
        async for wav in self._answers():
            yield wav

    async def _answers(self) -> AsyncGenerator[bytes, None]:
        """WAV until the decoder is done with what it was asked."""
        try:
            while (answer := await self._answer())[0] == wire.WAV:
                yield answer[1]
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            log.warning("decoder crashed", encoding=self._encoding)
            raise self._bad("the decoder broke off") from error
        except TimeoutError as error:
            log.warning("decoder hangs", encoding=self._encoding)
            raise self._bad("decoding took too long") from error
        kind, said = answer[0], answer[1].decode(errors="replace")
        if kind == wire.UNSUPPORTED:
            raise UnsupportedFormat(said, "format")
        if kind == wire.BAD:
            raise self._bad(said)
        if kind != wire.DONE:
            log.error("decoder failed", encoding=self._encoding, error=said)
            raise self._bad("the decoder broke off")

    async def _answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(self._answer_s):
            kind, size = wire.HEADER.unpack(await self._reader.readexactly(wire.HEADER.size))
            return kind, await self._reader.readexactly(size)

    def _bad(self, why: str) -> BadAudio:
        return BadAudio(f"Failed to decode audio as {self._encoding.removesuffix('_packets')}: {why}.")
