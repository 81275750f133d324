"""Whole conversations over a real socket, with an engine whose words are written into the audio."""

import asyncio
from pathlib import Path

import pytest

from live_server import PATIENCE_S, finish_task, frames, hear, live, pcm, run_task, send_audio, whole_task

pytestmark = pytest.mark.unit

TWO_SENTENCES = pcm(300, "w3 w7 w9", 2000, "w20 w21")


async def test_an_unpaced_upload_is_answered_whole(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        heard = await whole_task(client, "a", TWO_SENTENCES)
    assert heard.finals("a") == ["w3 w7 w9", "w20 w21"]
    assert heard.events("a")[0] == "task-started" and heard.events("a")[-1] == "task-finished"


async def test_audio_may_come_before_task_started_was_read(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.send(TWO_SENTENCES)
        await client.send(finish_task("a"))
        assert (await hear(client, "a")).finals("a") == ["w3 w7 w9", "w20 w21"]


@pytest.mark.parametrize("size", [1, 333, 3200, 64_000, 1 << 20])
async def test_frame_borders_carry_no_meaning(tmp_path: Path, size: int) -> None:
    audio = pcm(300, "w3 w7", 800)
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, audio, size)
        await client.send(finish_task("a"))
        heard = await hear(client, "a")
    assert heard.finals("a") == ["w3 w7"]
    assert heard.messages[-1]["payload"]["usage"]["duration"] == 3


async def test_tasks_follow_one_another_on_one_connection(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        for number in range(1, 6):
            heard = await whole_task(client, f"task-{number}", pcm(f"w{number} w{number + 1}"))
            assert heard.finals(f"task-{number}") == [f"w{number} w{number + 1}"]
        assert server.admission.streams == 0


async def test_tasks_run_at_once_on_one_connection(tmp_path: Path) -> None:
    """The second one's audio follows once the first has been finished, while the first still answers."""
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.send(run_task("b"))
        await send_audio(client, pcm("w1 w2 w3"))
        await client.send(finish_task("a"))
        await send_audio(client, pcm("w4 w5 w6"))
        await client.send(finish_task("b"))
        heard = await hear(client, "a", "b")
    assert heard.finals("a") == ["w1 w2 w3"]
    assert heard.finals("b") == ["w4 w5 w6"]


async def test_many_connections_do_not_mix(tmp_path: Path) -> None:
    async def one(number: int) -> None:
        async with server.connect() as client:
            words = f"w{number} w{number + 20}"
            heard = await whole_task(client, "the-same-id", pcm(words, 1500, words))
            assert heard.finals("the-same-id") == [words, words]

    async with live(tmp_path) as server:
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, 21):
                tasks.create_task(one(number))
        await server.at_rest()


async def test_a_task_id_may_come_again_on_another_connection_at_the_same_time(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as first, server.connect() as second:
        await first.send(run_task("x"))
        await second.send(run_task("x"))
        await send_audio(first, pcm("w1"))
        await send_audio(second, pcm("w2"))
        await first.close()
        await second.send(finish_task("x"))
        assert (await hear(second, "x")).finals("x") == ["w2"]


async def test_interims_come_while_someone_speaks(tmp_path: Path) -> None:
    """Paced, as interims of audio that has been overtaken are left out."""
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        for frame in frames(pcm("w1 w2 w3 w4")):
            await client.send(frame)
            await asyncio.sleep(0.05)
        await client.send(finish_task("a"))
        heard = await hear(client, "a")
    interims = [sentence for sentence in heard.sentences("a") if sentence["end_time"] is None]
    assert interims and heard.finals("a") == ["w1 w2 w3 w4"]
    assert all("w1 w2 w3 w4".startswith(sentence["text"]) for sentence in interims)


async def test_pings_are_answered_with_and_without_a_task(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client, asyncio.timeout(PATIENCE_S):
        await (await client.ping())
        await client.send(run_task("a"))
        await send_audio(client, TWO_SENTENCES)
        await (await client.ping())


async def test_the_server_pings_and_keeps_who_answers(tmp_path: Path) -> None:
    async with live(tmp_path, ping_interval_s=0.1, ping_timeout_s=0.2) as server, server.connect() as client:
        await asyncio.sleep(0.6)
        assert (await whole_task(client, "a", pcm("w1"))).finals("a") == ["w1"]


async def test_a_connection_without_a_task_is_closed_after_a_while(tmp_path: Path) -> None:
    async with live(tmp_path, idle_s=0.2) as server, server.connect() as client:
        await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
        assert client.close_code == 1000
        await server.at_rest()


async def test_a_failed_task_is_told_and_its_connection_closed(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a", format="vorbis"))
        heard = await hear(client, "a")
        failure = heard.failure("a")
        assert failure is not None and failure[0] == "UNSUPPORTED_FORMAT"
        await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
        assert client.close_code == 1000
        await server.at_rest()
