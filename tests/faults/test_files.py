"""When the system grants no more open files."""

import asyncio
import resource
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import websockets

from live_server import KEY, PATH, PATIENCE_S, finish_task, hear, pcm, run_task, send_audio, whole_task

pytestmark = pytest.mark.faults

SCRIPT = Path(__file__).with_name("scripted_server.py")


async def test_without_free_files_newcomers_fail_and_those_inside_go_on(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        str(tmp_path),
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)),
    )
    assert child.stdout is not None
    headers = {"Authorization": f"Bearer {KEY}"}
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (url := (await child.stdout.readline()).decode().strip()).startswith("ws://") or " " in url:
                pass
        async with websockets.connect(url + PATH, additional_headers=headers) as client, AsyncExitStack() as crowd:
            await whole_task(client, "warm-up", pcm("w1"))
            await client.send(run_task("a"))
            await send_audio(client, pcm("w1 w2"))
            refused = 0
            for _ in range(60):
                try:
                    await crowd.enter_async_context(
                        websockets.connect(url + PATH, additional_headers=headers, open_timeout=5)
                    )
                except (OSError, TimeoutError, websockets.WebSocketException):
                    refused += 1
                    if refused > 3:
                        break
            assert refused > 3
            await client.send(finish_task("a"))
            assert (await hear(client, "a")).finals("a") == ["w1 w2"]
            await crowd.aclose()
            async with websockets.connect(url + PATH, additional_headers=headers) as late:
                assert (await whole_task(late, "b", pcm("w3"))).finals("b") == ["w3"]
    finally:
        child.kill()
        await child.wait()
