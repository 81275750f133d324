"""The cheap requests that clients send before they speak."""

from pathlib import Path

import pytest

from http_calls import client
from live_server import live

pytestmark = pytest.mark.unit


async def test_the_warm_up_answers_with_an_empty_list(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.get("/api/v1/assistants?limit=1")
        wrong = await visitor.get("/api/v1/assistants?limit=many")
    told = answer.json()
    assert answer.status_code == 200
    assert told.pop("request_id") == answer.headers["x-request-id"]
    assert told == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert wrong.status_code == 400 and "limit" in wrong.json()["message"]


async def test_the_connection_it_warms_is_kept(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        for _ in range(3):
            await visitor.get("/api/v1/assistants?limit=1")
        assert len(server.server.web.server_state.connections) == 1


async def test_the_models_are_listed_below_the_chat_door_too(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        here = (await visitor.get("/compatible-mode/v1/models")).json()
        there = (await visitor.get("/v1/models")).json()
    assert here == there
    assert {"whisper-1", "qwen3-asr-flash", "fun-asr", "fun-asr-realtime"} <= {card["id"] for card in here["data"]}
