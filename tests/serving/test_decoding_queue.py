"""Between a client and its session nothing overtakes anything, whatever has to be decoded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from audio.coded import cut, encode, packets, voice, wavs
from stenowire.errors import BadAudio
from stenowire.events import Audio, Broken, Clear, Command, Commit, Finish, Reconfigure
from stenowire.serving.decoding import Decoders
from stenowire.serving.decoding_queue import DecodingQueue, needs_decoding
from stenowire.types import AudioFormat, Encoding, Segmentation

pytestmark = pytest.mark.unit

NAME = "s"
OGG = encode(voice(48_000, 1), 48_000, "libopus", "ogg", 24_000)
BARE = packets(voice(48_000, 1), 48_000, "libopus", 24_000)
MP3 = encode(voice(16_000, 1), 16_000, "libmp3lame", "mp3", 32_000)
PATIENCE_S = 20.0


NewQueue = Callable[[Callable[[Command | Broken], None], Callable[[], None]], DecodingQueue]


class Session:
    """Takes what the queue gives, at once or when it is told to."""

    def __init__(
        self, queue: Callable[[Callable[[Command | Broken], None], Callable[[], None]], DecodingQueue]
    ) -> None:
        self.given: list[Command | Broken] = []
        self.taken = 0
        self.queue = queue(self._take, self._count)
        self.eager = True

    def _take(self, command: Command | Broken) -> None:
        self.given.append(command)
        if self.eager:
            self.queue.proceed()

    def _count(self) -> None:
        self.taken += 1

    def kinds(self) -> list[str]:
        """What was given, with audio in a row counted once."""
        names = [type(command).__name__ for command in self.given]
        return [name for at, name in enumerate(names) if at == 0 or name != "Audio" or names[at - 1] != "Audio"]

    def wav(self) -> bytes:
        return b"".join(command.data for command in self.given if isinstance(command, Audio))

    async def has(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.given) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


@asynccontextmanager
async def session(encoding: Encoding) -> AsyncIterator[Session]:
    decoders = Decoders()
    one = Session(lambda give, taken: DecodingQueue(NAME, encoding, decoders, give, taken))
    task = asyncio.create_task(one.queue.run())
    try:
        yield one
        async with asyncio.timeout(PATIENCE_S):
            await task
    finally:
        task.cancel()
        await decoders.stop()


async def test_a_finish_goes_on_only_when_all_audio_before_it_has() -> None:
    async with session("opus") as one:
        for piece in cut(OGG, 50):
            one.queue.put(Audio(NAME, piece))
        one.queue.put(Finish(NAME))
    assert one.kinds() == ["Audio", "Finish"]
    assert one.wav() == wavs("opus", [OGG])
    assert one.queue.waiting_bytes == 0
    assert one.taken > 0


async def test_commits_and_clears_keep_their_places() -> None:
    expected: list[type] = []
    async with session("opus_packets") as one:
        for at, packet in enumerate(BARE):
            one.queue.put(Audio(NAME, packet))
            expected.append(Audio)
            if at % 7 == 3:
                mark = Clear(NAME) if at % 2 else Commit(NAME)
                one.queue.put(mark)
                expected.append(type(mark))
        one.queue.put(Finish(NAME))
    assert [type(command) for command in one.given] == [*expected, Finish]
    assert one.wav() == wavs("opus_packets", BARE)


async def test_nothing_is_given_while_the_session_is_full() -> None:
    async with session("opus_packets") as one:
        one.eager = False
        for packet in BARE:
            one.queue.put(Audio(NAME, packet))
        one.queue.put(Finish(NAME))
        await one.has(1)
        await asyncio.sleep(0.1)
        assert len(one.given) == 1
        one.queue.proceed()
        await one.has(2)
        await asyncio.sleep(0.05)
        assert len(one.given) == 2
        assert one.queue.waiting_bytes > 0
        one.eager = True
        one.queue.proceed()
    assert len(one.given) == len(BARE) + 1


async def test_a_change_of_format_ends_one_stream_and_begins_another() -> None:
    pcm = bytes(70_000)
    async with session("pcm") as one:
        one.queue.put(Audio(NAME, pcm))
        one.queue.put(Reconfigure(NAME, format=AudioFormat("mp3", 16_000)))
        one.queue.put(Audio(NAME, MP3))
        one.queue.put(Reconfigure(NAME, segmentation=Segmentation(mode="manual")))
        one.queue.put(Reconfigure(NAME, format=AudioFormat("opus_packets", 48_000)))
        for packet in BARE:
            one.queue.put(Audio(NAME, packet))
        one.queue.put(Reconfigure(NAME, format=AudioFormat("pcm", 8_000)))
        one.queue.put(Audio(NAME, pcm))
        one.queue.put(Finish(NAME))
    formats = [command.format for command in one.given if isinstance(command, Reconfigure) and command.format]
    assert formats == [AudioFormat("wav", 16_000), AudioFormat("wav", 48_000), AudioFormat("pcm", 8_000)]
    assert one.wav() == pcm + wavs("mp3", [MP3]) + wavs("opus_packets", BARE) + pcm
    assert one.kinds()[-3:] == ["Reconfigure", "Audio", "Finish"]


async def test_what_cannot_be_decoded_breaks_the_session_and_ends_the_queue() -> None:
    async with session("opus") as one:
        one.queue.put(Audio(NAME, b"#EXTM3U\n" * 10))
        one.queue.put(Audio(NAME, OGG))
        one.queue.put(Finish(NAME))
    (broken,) = one.given
    assert isinstance(broken, Broken)
    assert (broken.stream, type(broken.error)) == (None, BadAudio)
    assert "Failed to decode audio as opus" in broken.error.message


async def test_a_stream_that_never_began_is_finished_without_a_decoder() -> None:
    async with session("mp3") as one:
        one.queue.put(Audio(NAME, b""))
        one.queue.put(Finish(NAME))
    assert one.given == [Finish(NAME)]


def test_only_a_change_to_a_coded_format_needs_a_queue() -> None:
    assert needs_decoding(Reconfigure(NAME, format=AudioFormat("opus", 16_000)))
    assert not needs_decoding(Reconfigure(NAME, format=AudioFormat("wav", 16_000)))
    assert not needs_decoding(Reconfigure(NAME, segmentation=Segmentation()))
    assert not needs_decoding(Commit(NAME))
