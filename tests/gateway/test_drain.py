"""A stopping server lets everyone finish."""

import asyncio
from pathlib import Path

import httpx
import pytest
import websockets

from live_server import KEY, PATH, Heard, Live, finish_task, hear, hear_all, live, pcm, run_task, send_audio, until

pytestmark = pytest.mark.unit


async def test_what_was_heard_is_answered_before_the_goodbye(tmp_path: Path) -> None:
    """20 sessions in the middle of a sentence, their audio neither finished nor followed by silence."""

    async def speak(number: int) -> None:
        async with server.connect() as client:
            await client.send(run_task("a"))
            await send_audio(client, pcm(f"w{number}", 2000, f"w{number} w{number + 20}"))
            heard = await hear_all(client)
        assert heard.finals("a") == [f"w{number}", f"w{number} w{number + 20}"]
        assert heard.failure("a") == ("ServiceUnavailable", "The server is restarting, please connect again.")
        assert client.close_code == 1012

    async with live(tmp_path) as server, asyncio.TaskGroup() as tasks:
        for number in range(1, 21):
            tasks.create_task(speak(number))
        await server.has_heard(20 * 3.5)
        server.server.stop()


async def test_a_client_that_goes_on_speaking_still_gets_its_words(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, pcm("w1 w2"))
        await server.has_heard(1.0)
        server.server.stop()
        heard, _ = await asyncio.gather(hear_all(client), keep_speaking(client))
    assert heard.finals("a")[0].startswith("w1 w2")
    assert heard.failure("a") is not None and client.close_code == 1012


async def keep_speaking(client: websockets.ClientConnection) -> None:
    try:
        while True:
            await client.send(bytes(32_000))
            await asyncio.sleep(0.001)
    except websockets.ConnectionClosed:
        pass


async def test_a_task_that_its_client_has_finished_ends_well(tmp_path: Path) -> None:
    async with live(tmp_path, before_step=lambda jobs: block(0.2)) as server, server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, pcm("w1 w2"))
        await client.send(finish_task("a"))
        heard = Heard()
        heard.messages.append({"header": {"task_id": "", "event": await client.recv()}})
        server.server.stop()
        await hear(client, "a", heard=heard)
        assert heard.finals("a") == ["w1 w2"] and heard.failure("a") is None
        await client.wait_closed()
        assert client.close_code == 1012


def block(seconds: float) -> None:
    import time

    time.sleep(seconds)


@pytest.mark.parametrize("words", [["w1 w2"], []])
async def test_of_two_tasks_both_hear_the_true_reason(tmp_path: Path, words: list[str]) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.send(run_task("b"))
        await send_audio(client, pcm(*words, 0))
        await until(lambda: server.admission.streams == 2)
        await server.has_heard(len(words))
        server.server.stop()
        heard = await hear_all(client)
    assert heard.finals("a") == words
    assert heard.failure("a") == heard.failure("b")


async def test_an_idle_connection_is_closed_as_a_restart(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        server.server.stop()
        await client.wait_closed()
        assert client.close_code == 1012


async def test_newcomers_are_sent_away_while_others_finish(tmp_path: Path) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_gate(jobs: object) -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    async with live(tmp_path, before_step=wait_for_gate) as server, server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, pcm("w1 w2"))
        await server.has_heard(1.0)
        server.server.stop()
        await told_to_wait(server)
        gate.set()
        assert (await hear_all(client)).finals("a") == ["w1 w2"]


async def told_to_wait(server: Live) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while (ready := await http.get(server.http + "/ready")).status_code == 200:
            pass
    assert ready.json() == {"status": "draining"}
    with pytest.raises(websockets.InvalidStatus) as failure:
        async with websockets.connect(server.server.url + PATH, additional_headers={"Authorization": f"Bearer {KEY}"}):
            pass
    response = failure.value.response
    assert response.status_code == 503 and int(response.headers["retry-after"]) > 0


async def test_sessions_that_cannot_answer_do_not_hold_the_server(tmp_path: Path) -> None:
    async with live(tmp_path, before_step=lambda jobs: block(1.0), drain_s=0.1) as server, server.connect() as client:
        await client.send(run_task("a"))
        await send_audio(client, pcm("w1 w2"))
        await client.send(finish_task("a"))
        await client.send(run_task("b"))
        await client.send(run_task("c"))
        await send_audio(client, pcm("w3 w4"))
        await server.has_heard(2.0)
        server.server.stop()
        heard = await hear_all(client)
    restarting = ("ServiceUnavailable", "The server is restarting, please connect again.")
    assert [heard.failure(task_id) for task_id in "abc"] == [restarting] * 3
    assert client.close_code == 1012
