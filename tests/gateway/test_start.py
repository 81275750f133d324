"""What happens, and what is said, from start to ready."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from live_server import KEY, until
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.errors import ServiceUnavailable
from stenowire.gateway.server import Server
from stenowire.serving.hub import Hub
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing

pytestmark = pytest.mark.unit


class SlowHub(Hub):
    """Loads when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()
        self.error: Exception | None = None

    def load(self, root: Path, progress: Any = None) -> None:
        self.let.wait()
        if self.error:
            raise self.error
        self._engine, self._detector = ScriptedEngine(), ScriptedDetector()


def server(data: Path, hub: Hub, said: list[str], **settings: Any) -> Server:
    loaded = Settings.load(host="127.0.0.1", port=0, data=data, **settings)
    return Server(loaded, KeyRing.open(loaded), hub, said.append)


async def test_the_port_answers_while_models_load(tmp_path: Path) -> None:
    hub, said = SlowHub(), list[str]()
    starting = server(tmp_path, hub, said, api_keys=KEY)
    running = asyncio.create_task(starting.run())
    await until(lambda: bool(starting.url))
    url = starting.url.replace("ws://", "http://")
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url + "/health")).status_code == 200
        assert (await client.get(url + "/ready")).json() == {"status": "loading"}
        hub.let.set()
        await starting.ready.wait()
        assert (await client.get(url + "/ready")).status_code == 200
    starting.stop()
    assert await running == 0


async def test_a_key_that_was_made_is_shown_even_if_the_models_cannot_be_loaded(tmp_path: Path) -> None:
    hub, said = SlowHub(), list[str]()
    hub.error = ServiceUnavailable("the model is not here")
    hub.let.set()
    failing = server(tmp_path, hub, said)
    with pytest.raises(ServiceUnavailable, match="not here"):
        await failing.run()
    shown = next(line for line in said if "shown this once" in line).rpartition(" ")[2]
    KeyRing.open(failing.settings).find(shown)


async def test_a_server_told_to_stop_while_it_loads_stops(tmp_path: Path) -> None:
    hub = SlowHub()
    starting = server(tmp_path, hub, [], api_keys=KEY)
    running = asyncio.create_task(starting.run())
    await until(lambda: bool(starting.url))
    starting.stop()
    assert await running == 0
    hub.let.set()


async def test_the_banner_says_where_with_which_key_and_what_stands_behind_the_names(tmp_path: Path) -> None:
    said: list[str] = []
    starting = server(tmp_path, Hub(ScriptedEngine(), ScriptedDetector()), said, api_keys=KEY)
    running = asyncio.create_task(starting.run())
    await starting.ready.wait()
    starting.stop()
    assert await running == 0
    text = "\n".join(said)
    assert f"{starting.url}/api-ws/v1/inference" in text
    assert "the api_keys setting" in text and KEY not in text
    assert "Engine scripted (en): Reads words" in text
    assert all(len(line) <= 100 for line in said)
    for name in ("fun-asr-realtime", "paraformer-realtime-v2"):
        assert f" {name}," in text or f" {name}\n" in text
