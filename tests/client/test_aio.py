"""The client against a real server on loopback, whose engine reads its words from the audio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from live_server import KEY, frames, live, pcm
from stenowire.client.aio import connect, recognise
from stenowire.client.errors import CannotConnect, ConnectionLost, KeyRefused, TaskFailed
from stenowire.dialects.task_wire import Parameters
from stenowire.engines.base import Job
from stenowire.errors import InternalError, InvalidParameter, ModelNotFound
from stenowire.events import Final, Partial
from stenowire.types import AudioFormat

pytestmark = pytest.mark.unit

PCM = AudioFormat("pcm", 16_000)
SPEECH = pcm("w1 w2 w3", 1500, "w4 w5", 1500)
SAID = ["w1 w2 w3", "w4 w5"]


async def source(data: bytes, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for frame in frames(data):
        yield frame
        await asyncio.sleep(pause_s)


def texts(updates: Sequence[Partial | Final]) -> list[str]:
    return [update.sentence.text for update in updates if isinstance(update, Final)]


async def test_what_was_said_comes_back_as_sentences_with_times(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        updates = [update async for update in recognise(source(SPEECH), server.server.url, key=KEY, format=PCM)]
    finals = [update.sentence for update in updates if isinstance(update, Final)]
    assert [sentence.text for sentence in finals] == SAID
    assert [sentence.id for sentence in finals] == [1, 2]
    assert 0 <= finals[0].begin_ms < finals[0].words[-1].end_ms <= finals[1].begin_ms


async def test_partials_grow_while_one_speaks(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        audio = source(pcm("w1 w2 w3 w4 w5 w6", 1500), pause_s=0.02)
        updates = [update async for update in recognise(audio, server.server.url, key=KEY, format=PCM)]
    partials = [update.sentence.text for update in updates if isinstance(update, Partial)]
    assert any("w1 w2 w3 w4 w5 w6".startswith(text) and text for text in partials)
    assert texts(updates) == ["w1 w2 w3 w4 w5 w6"]


async def test_everything_may_be_sent_before_anything_is_read(tmp_path: Path) -> None:
    async with live(tmp_path) as server, connect(server.server.url, key=KEY, format=PCM) as task:
        for frame in frames(SPEECH * 20):
            await task.send(frame)
        await task.finish()
        assert texts([update async for update in task]) == SAID * 20


async def test_a_task_knows_its_id_and_its_delays(tmp_path: Path) -> None:
    async with live(tmp_path) as server, connect(server.server.url, key=KEY, format=PCM) as task:
        assert len(task.request_id) == 32
        assert task.first_package_delay_ms is None and task.last_package_delay_ms is None
        await task.feed(source(SPEECH))
        async for _ in task:
            pass
        assert task.first_package_delay_ms is not None and task.last_package_delay_ms is not None


async def test_further_parameters_of_the_protocol_are_obeyed(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        patient = Parameters(max_sentence_silence=4000)
        url = server.server.url
        updates = [u async for u in recognise(source(SPEECH), url, key=KEY, format=PCM, parameters=patient)]
    assert texts(updates) == ["w1 w2 w3 w4 w5"]


@pytest.mark.parametrize("key", ["sk-wrong", ""])
async def test_a_refused_key_says_so(tmp_path: Path, key: str) -> None:
    async with live(tmp_path) as server:
        with pytest.raises(KeyRefused, match="refused the key: Invalid API-key provided"):
            async with connect(server.server.url, key=key, format=PCM):
                pass


async def test_nobody_there_is_told_in_the_words_of_the_system(unused_tcp_port: int) -> None:
    with pytest.raises(CannotConnect, match="Connection refused"):
        async with connect(f"ws://127.0.0.1:{unused_tcp_port}", key=KEY, format=PCM):
            pass


async def test_a_wrong_path_is_told_with_the_status(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        with pytest.raises(CannotConnect, match="answered HTTP 404"):
            async with connect(f"{server.server.url}/nowhere", key=KEY, format=PCM):
                pass


async def test_somebody_who_never_answers_is_given_up() -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as deaf:
        port = deaf.sockets[0].getsockname()[1]
        with pytest.raises(CannotConnect, match="does not answer within"):
            async with connect(f"ws://127.0.0.1:{port}", key=KEY, format=PCM, open_timeout_s=0.2):
                pass


async def test_an_unknown_model_fails_the_task_before_it_begins(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        with pytest.raises(TaskFailed) as failure:
            async with connect(server.server.url, key=KEY, format=PCM, model="no-such-model"):
                pass
    assert isinstance(failure.value.error, ModelNotFound)
    assert failure.value.request_id


async def test_a_language_that_nobody_knows_is_named(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        with pytest.raises(TaskFailed, match="xx") as failure:
            async with connect(server.server.url, key=KEY, format=PCM, language="xx"):
                pass
    assert isinstance(failure.value.error, InvalidParameter)


async def test_an_engine_that_breaks_ends_the_iteration_with_the_servers_error(tmp_path: Path) -> None:
    def explode(jobs: Sequence[Job]) -> None:
        raise RuntimeError("on purpose")

    async with live(tmp_path, explode) as server:
        with pytest.raises(TaskFailed) as failure:
            async for _ in recognise(source(SPEECH), server.server.url, key=KEY, format=PCM):
                pass
    assert isinstance(failure.value.error, InternalError)


@asynccontextmanager
async def cable(address: tuple[str, int]) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A URL that leads to `address`, and scissors."""
    ends: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*address)
        ends.extend((writer, far_writer))
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    def cut() -> None:
        for end in ends:
            end.transport.abort()

    async with await asyncio.start_server(join, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", cut
        cut()


async def test_a_broken_connection_is_told_to_reader_and_writer(tmp_path: Path) -> None:
    async with live(tmp_path) as server, cable(server.address) as (url, cut):
        async with connect(url, key=KEY, format=PCM, resume=False) as task:
            await task.send(SPEECH)
            await server.has_heard(5.5)
            cut()
            with pytest.raises(ConnectionLost, match="was lost"):
                async for _ in task:
                    pass
            with pytest.raises(ConnectionLost, match="was lost"):
                await task.send(SPEECH)
        await server.at_rest()


async def test_audio_that_breaks_raises_its_own_error(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield SPEECH
        raise OSError("the disk is gone")

    async with live(tmp_path) as server:
        with pytest.raises(OSError, match="the disk is gone"):
            async for _ in recognise(broken(), server.server.url, key=KEY, format=PCM):
                pass
        await server.at_rest()


async def test_leaving_early_frees_the_servers_session(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        async with connect(server.server.url, key=KEY, format=PCM) as task:
            await task.send(pcm("w1 w2 w3 w4 w5 w6 w7 w8"))
            await server.has_heard(4.0)
        await server.at_rest()
