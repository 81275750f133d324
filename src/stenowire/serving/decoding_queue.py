"""What a client says to its session, with coded audio made WAV on the way, and nothing overtaking anything.

In: commands, as the dialect gives them. Out: the same commands in the same order; coded Audio as Audio of one WAV
stream, a change to a coded format as one to wav. A commit or a finish goes on only when all audio before it has. It
must not know what the commands do.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

import msgspec
import structlog

from stenowire.errors import InternalError, StenowireError
from stenowire.events import Audio, Broken, Command, Finish, Reconfigure
from stenowire.serving.decoding import CODED, Decoders, as_wav
from stenowire.serving.decoding_stream import Decoding
from stenowire.types import AudioFormat, Encoding

log = structlog.get_logger(__name__)

MERGED_BYTES = 16 << 10
"""Small pieces of a stream are put together up to this while they wait."""
PIECE_BYTES = 32 << 10
"""Audio is given to a session in pieces of at most this, 1 s of pcm at 16 kHz: converting one takes under 1 ms."""


def needs_decoding(command: Command) -> bool:
    """Whether what follows this command must come by a queue."""
    return isinstance(command, Reconfigure) and command.format is not None and command.format.encoding in CODED


def pieces(audio: Audio) -> Iterator[Audio]:
    """The same audio, in pieces that a session takes in at once."""
    for at in range(0, len(audio.data), PIECE_BYTES):
        yield Audio(audio.session, audio.data[at : at + PIECE_BYTES])


class DecodingQueue:
    """`give` gets each command, or Broken for the session when decoding has failed; then nothing follows.

    `taken` is called when `waiting_bytes` has become less.
    """

    def __init__(
        self,
        session: str,
        encoding: Encoding,
        decoders: Decoders,
        give: Callable[[Command | Broken], None],
        taken: Callable[[], None],
    ) -> None:
        self._session, self._decoders, self._give, self._taken = session, decoders, give, taken
        self._encoding = self._last_encoding = encoding
        """Of what is decoded now, and of what is put now."""
        self._waiting: deque[Command] = deque()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._decoding: Decoding | None = None
        self.waiting_bytes = 0
        """Of audio that was put and has not been decoded."""

    def put(self, command: Command) -> None:
        match command:
            case Audio(data=data):
                self.waiting_bytes += len(data)
                command = self._merged(command)
            case Reconfigure(format=AudioFormat() as format):
                self._last_encoding = format.encoding
        self._waiting.append(command)
        self._came.set()

    def _merged(self, audio: Audio) -> Audio:
        """With the audio right before it, where borders carry no meaning."""
        last = self._waiting[-1] if self._waiting else None
        if self._last_encoding == "opus_packets" or not isinstance(last, Audio) or len(last.data) >= MERGED_BYTES:
            return audio
        self._waiting.pop()
        return Audio(audio.session, last.data + audio.data)

    def proceed(self) -> None:
        """The session can take the next command: after each one that is given, nothing comes before this is called."""
        self._room.set()

    async def run(self) -> None:
        """Until cancelled, or until Finish or Broken has been given. Frees the decoder, however it ends."""
        try:
            while True:
                command = await self._next()
                await self._pass(command)
                if isinstance(command, Finish):
                    return
        except StenowireError as error:
            self._give(Broken(self._session, None, error))
        except Exception:
            log.exception("decoding failed", session=self._session)
            self._give(Broken(self._session, None, InternalError("decoding failed; the server's log says why")))
        finally:
            self._close()

    async def _next(self) -> Command:
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        command = self._waiting.popleft()
        if isinstance(command, Audio):
            self.waiting_bytes -= len(command.data)
            self._taken()
        return command

    async def _pass(self, command: Command) -> None:
        match command:
            case Audio(data=data) if self._encoding in CODED:
                await self._decode(data)
            case Audio():
                for piece in pieces(command):
                    await self._tell(piece)
            case Reconfigure(format=AudioFormat() as format):
                await self._flush()
                if format.encoding in CODED:
                    self._decoders.check(format.encoding)
                self._encoding = format.encoding
                await self._tell(msgspec.structs.replace(command, format=as_wav(format)))
            case Finish():
                await self._flush()
                await self._tell(command)
            case _:
                await self._tell(command)

    async def _decode(self, data: bytes) -> None:
        if not data:
            return
        if self._decoding is None:
            self._decoding = await self._decoders.open(self._encoding)
        await self._hand_over(self._decoding.feed(data))

    async def _flush(self) -> None:
        """A stream that never began has nothing to answer for."""
        if self._decoding is not None:
            await self._hand_over(self._decoding.flush())
        self._close()

    async def _hand_over(self, wavs: AsyncIterator[bytes]) -> None:
        async for wav in wavs:
            await self._tell(Audio(self._session, wav))

    async def _tell(self, command: Command) -> None:
        self._room.clear()
        self._give(command)
        await self._room.wait()

    def _close(self) -> None:
        if self._decoding is not None:
            self._decoding.close()
            self._decoding = None
