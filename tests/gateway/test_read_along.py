"""Captions for others: who may publish and read, what viewers are told, and what sealed keys are good for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from live_server import KEY, PATH, Live, finish_task, hear, live, pcm, run_task, send_audio, until
from stenowire.gateway.captions import MOST_WAITING, Captions, Dropped
from stenowire.store.pepper import Pepper
from stenowire.store.sealed import Seal

pytestmark = pytest.mark.unit


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@asynccontextmanager
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.http, trust_env=False) as http:
        yield http


async def sealed(http: httpx.AsyncClient, path: str, key: str) -> str:
    answer = await http.post(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


async def watch(http: httpx.AsyncClient, name: str, key: str, said: list[tuple[str, Any]]) -> None:
    """Read along until the server ends it."""
    async with http.stream("GET", f"/api/v1/captions/{name}", headers=bearer(key)) as stream:
        assert stream.status_code == 200
        said.append(("here", None))
        kind = ""
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                said.append((kind, json.loads(line.removeprefix("data: "))))


async def test_a_viewer_reads_what_the_publisher_is_told(tmp_path: Path) -> None:
    said: list[tuple[str, Any]] = []
    async with live(tmp_path) as server, client(server) as http:
        key = await sealed(http, "/api/v1/captions/talk/keys", KEY)
        watching = asyncio.create_task(watch(http, "talk", key, said))
        await until(lambda: bool(said))
        address = f"{server.server.url}{PATH}?captions=talk"
        async with websockets.connect(address, additional_headers=bearer(KEY)) as publisher:
            await publisher.send(run_task("t"))
            await send_audio(publisher, pcm("w3 w7", 1500, "w5", 1500))
            await publisher.send(finish_task("t"))
            heard = await hear(publisher, "t")
        server.server.stop()
        await watching
    finals = [told["settled"] for kind, told in said if kind == "caption" and told["final"]]
    assert finals == heard.finals("t") == ["w3 w7", "w5"]
    assert [told["id"] for kind, told in said if kind == "caption" and told["final"]] == [1, 2]


async def test_a_view_key_opens_its_own_captions_and_nothing_else(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as http:
        key = await sealed(http, "/api/v1/captions/talk/keys", KEY)
        refused = [
            await http.get("/api/v1/captions/other", headers=bearer(key)),
            await http.post("/api/v1/captions/talk/keys", headers=bearer(key)),
            await http.post("/api/v1/page-keys", headers=bearer(key)),
            await http.post("/api/v1/tokens", headers=bearer(key)),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4
        with pytest.raises(websockets.InvalidStatus) as handshake:
            await server.connect(key)
        assert handshake.value.response.status_code == 403


async def test_the_link_opens_the_page_and_the_page_recognises_and_makes_view_keys(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as http:
        runtime = server.server.runtime
        link, _ = runtime.seal.issue("link", runtime.keys.owner.name, 60)
        assert (await http.post("/api/v1/tokens", headers=bearer(link))).status_code == 403
        page = await sealed(http, "/api/v1/page-keys", link)
        async with server.connect(page):
            pass
        await sealed(http, "/api/v1/captions/talk/keys", page)
        assert (await http.post("/api/v1/page-keys", headers=bearer(page))).status_code == 403


async def test_a_name_that_is_none_is_refused_before_the_upgrade(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        with pytest.raises(websockets.InvalidStatus) as handshake:
            await websockets.connect(f"{server.server.url}{PATH}?captions=../up", additional_headers=bearer(KEY))
        assert handshake.value.response.status_code == 400
        assert json.loads(handshake.value.response.body)["message"].startswith("captions: ")


async def test_a_viewer_who_does_not_keep_up_is_dropped_and_holds_nothing(tmp_path: Path) -> None:
    captions = Captions()
    with captions.watching("tenant", "talk") as slow, captions.publishing("tenant", "talk") as publisher:
        for number in range(MOST_WAITING + 2):
            publisher._channel.tell(Dropped(number))
        assert not publisher._channel.viewers
        heard = 0
        while await slow.next() is not None:
            heard += 1
        assert heard == MOST_WAITING - 1
    assert not captions._channels


def test_a_sealed_key_outlives_a_restart_and_no_change() -> None:
    now = 1000.0
    pepper = Pepper("p" * 32)
    key, ends_at = Seal(pepper, lambda: now).issue("page", "tenant-1", 60)
    again = Seal(pepper, lambda: now)
    claim = again.open(key)
    assert claim is not None and (claim.tenant, claim.ends_at) == ("tenant-1", ends_at)
    told, _, mac = key.partition(".")
    assert [again.open(text) for text in (told, f"{told}.", f"{told}A.{mac}", f"{told}.{mac[:-2]}AA", "sw-.", "")] == [
        None
    ] * 6
    assert Seal(Pepper("q" * 32), lambda: now).open(key) is None
    now += 60
    assert again.open(key) is None
