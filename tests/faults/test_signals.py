"""What a process manager does to the server."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets

from live_server import KEY, PATH, PATIENCE_S, Heard, hear_all, pcm, run_task, send_audio

pytestmark = pytest.mark.faults

SCRIPT = Path(__file__).with_name("scripted_server.py")


@asynccontextmanager
async def process(data: Path, step_s: float = 0.0) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    arguments = [sys.executable, str(SCRIPT), str(data), str(step_s)]
    child = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (line := (await child.stdout.readline()).decode().strip()).startswith("ws://"):
                pass
        yield child, line
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def speak(url: str, number: int, spoken: asyncio.Semaphore) -> tuple[Heard, int | None]:
    """Begin two sentences, wait for the first to be answered, and leave the second open."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with websockets.connect(url + PATH, additional_headers=headers) as client:
        await client.send(run_task("a", max_sentence_silence=400))
        await send_audio(client, pcm(f"w{number}", 600, f"w{number} w{number + 1} w{number + 2} w{number + 3}"))
        await (await client.ping())
        spoken.release()
        heard = await hear_all(client)
        return heard, client.close_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_delivers_every_final_and_ends_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    count = 20
    spoken = asyncio.Semaphore(0)
    async with process(tmp_path) as (child, url):
        async with asyncio.TaskGroup() as tasks:
            clients = [tasks.create_task(speak(url, n, spoken)) for n in range(1, count + 1)]
            for _ in range(count):
                await spoken.acquire()
            child.send_signal(number)
        status = await asyncio.wait_for(child.wait(), PATIENCE_S)
    for n, client in enumerate(clients, 1):
        heard, close_code = client.result()
        assert heard.finals("a") == [f"w{n}", f"w{n} w{n + 1} w{n + 2} w{n + 3}"]
        assert heard.failure("a") is not None and close_code == 1012
    assert status == 0


async def test_a_second_signal_does_not_wait_for_an_engine_that_hangs(tmp_path: Path) -> None:
    async with process(tmp_path, step_s=600.0) as (child, url):
        headers = {"Authorization": f"Bearer {KEY}"}
        async with websockets.connect(url + PATH, additional_headers=headers) as client:
            await client.send(run_task("a"))
            await send_audio(client, pcm("w1 w2"))
            await (await client.ping())
            child.send_signal(signal.SIGTERM)
            await draining(url)
            child.send_signal(signal.SIGTERM)
            heard = await hear_all(client)
        status = await asyncio.wait_for(child.wait(), PATIENCE_S)
    assert heard.failure("a") is not None and client.close_code == 1012
    assert status == 1


async def draining(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while (await http.get(url.replace("ws://", "http://") + "/ready")).status_code == 200:
            pass


async def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    async with process(tmp_path) as (_, url):
        port = url.rpartition(":")[2]
        code = "import sys; from stenowire.gateway.server import serve; from stenowire.settings import Settings; "
        code += f"sys.exit(serve(Settings.load(port={port}, host='127.0.0.1', api_keys='sk-x', data='{tmp_path}')))"
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        _, complaint = await asyncio.wait_for(second.communicate(), PATIENCE_S)
    assert second.returncode == 1
    assert complaint.decode().strip().count("\n") == 0 and f"127.0.0.1:{port}" in complaint.decode()
