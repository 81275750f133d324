"""A server as a process, on a store that a test chooses, and what it said."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import websockets

from live_server import PATH, PATIENCE_S

SCRIPT = Path(__file__).with_name("store_server.py")


class Served:
    def __init__(self, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def http(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url.replace("ws", "http", 1), headers=headers, trust_env=False)

    def connect(self, key: str, path: str = PATH) -> websockets.connect:
        headers = {"Authorization": f"Bearer {key}"}
        return websockets.connect(self.url + path, additional_headers=headers, compression=None, proxy=None)


@asynccontextmanager
async def served(data: Path, **settings: str) -> AsyncIterator[Served]:
    """Ready when the block begins, stopped as it should be at its end."""
    given = {f"STENOWIRE_{name.upper()}": value for name, value in {"data": str(data), **settings}.items()}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STENOWIRE_")}
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPT), env=clean | given, stdout=asyncio.subprocess.PIPE, stderr=stderr
        )
    try:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(PATIENCE_S):
            while "Engine " not in said:
                line = (await process.stdout.readline()).decode()
                assert line, f"it did not start: {log.read_text()}"
                said += line
        url = next(word for word in said.split() if word.startswith("ws://"))
        yield Served(process, url.removesuffix(PATH), log)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
