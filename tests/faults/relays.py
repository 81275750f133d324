"""A relay in the running event loop, and a client of the task protocol that knows nothing of relays."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from live_server import KEY, PATH, PATIENCE_S, finish_task, run_task
from stenowire.client.relay import Relay
from stenowire.client.relay_haul import Rules
from stenowire.client.relay_servers import server
from stenowire.gateway.web import Web, listen, url_of
from stenowire.settings import Settings

STEP_BYTES = 3_200


class Relaying:
    def __init__(self, relay: Relay, url: str) -> None:
        self.relay = relay
        self.url = url

    @property
    def http(self) -> str:
        return self.url.replace("ws", "http", 1)

    def connect(self, path: str = PATH, key: str = KEY, **options: Any) -> websockets.connect:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return websockets.connect(self.url + path, additional_headers=headers, compression=None, **options)


@asynccontextmanager
async def relaying(*urls: str, key: str = "", most: int = 64, **rules: Any) -> AsyncIterator[Relaying]:
    relay = Relay([server(url) for url in urls], key=key, rules=Rules(**rules), most_connections=most)
    settings = Settings.load(data=Path.cwd(), host="127.0.0.1", port=0, max_message_bytes=32 << 20)
    with listen(settings) as listener:
        web = Web(relay, settings)
        serving = asyncio.create_task(web.serve(sockets=[listener]))
        try:
            yield Relaying(relay, url_of(settings, listener))
        finally:
            await relay.drain()
            web.should_exit = True
            await serving


async def speak(client: ClientConnection, audio: bytes, speed: float, step_bytes: int = STEP_BYTES) -> None:
    """So many times faster than it was spoken, at 16 kHz."""
    for at in range(0, len(audio), step_bytes):
        await client.send(audio[at : at + step_bytes])
        await asyncio.sleep(step_bytes / 32_000 / speed)


async def task(
    client: ClientConnection, name: str, audio: bytes, speed: float, until_done: Any = None, **parameters: Any
) -> list[dict[str, Any]]:
    """Hold a task as any program does; everything that was told, in order."""
    told: list[dict[str, Any]] = []

    async def talk() -> None:
        await speak(client, audio, speed)
        if until_done is not None:
            await until_done
        await client.send(finish_task(name))

    await client.send(run_task(name, **parameters))
    told.append(json.loads(await client.recv()))
    talking = asyncio.create_task(talk())
    try:
        while told[-1]["header"]["event"] not in ("task-finished", "task-failed"):
            async with asyncio.timeout(2 * PATIENCE_S):
                told.append(json.loads(await client.recv()))
    finally:
        talking.cancel()
        await asyncio.wait({talking})
        if not talking.cancelled() and not isinstance(talking.exception(), websockets.ConnectionClosed):
            talking.result()
    return told


def finals(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without `sentence_begin`, which says whether an interim came before: that depends on the pace."""
    results = [message["payload"]["output"]["sentence"] for message in told if message["payload"].get("output")]
    return [s | {"sentence_begin": None} for s in results if s["end_time"] is not None]


def text(sentences: list[dict[str, Any]]) -> str:
    return " ".join(sentence["text"].strip() for sentence in sentences)
