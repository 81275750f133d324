"""Who may come in, and how the others are told before the upgrade."""

import json
import uuid
from pathlib import Path

import pytest
import websockets

from live_server import KEY, PATH, finish_task, hear, live, pcm, run_task

pytestmark = pytest.mark.unit


async def refused(url: str, **headers: str) -> tuple[int, str, websockets.Headers, dict[str, str]]:
    with pytest.raises(websockets.InvalidStatus) as failure:
        async with websockets.connect(url, additional_headers=headers, proxy=None):
            pass
    response = failure.value.response
    assert response.body is not None
    return response.status_code, response.reason_phrase, response.headers, json.loads(response.body)


@pytest.mark.parametrize("path", [PATH, PATH + "/", PATH + "?trace=1"])
@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}", f"bearer   {KEY}"])
async def test_a_valid_key_opens(tmp_path: Path, path: str, authorization: str) -> None:
    async with live(tmp_path) as server:
        url = server.server.url + path
        async with websockets.connect(url, additional_headers={"Authorization": authorization}) as client:
            await client.ping()


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer sk-wrong", f"Basic {KEY}", KEY, "Bearer " + "x" * 4000]
)
async def test_anything_else_gets_the_401_that_clients_look_for(tmp_path: Path, authorization: str) -> None:
    async with live(tmp_path) as server:
        status, reason, headers, body = await refused(server.server.url + PATH, Authorization=authorization)
    assert (status, reason) == (401, "Unauthorized")
    assert headers["content-type"] == "application/json"
    assert body["code"] == "InvalidApiKey" and body["message"] == "Invalid API-key provided."
    assert headers["x-request-id"] == body["request_id"] == str(uuid.UUID(body["request_id"]))


async def test_no_header_at_all_is_refused_too(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        status, *_ = await refused(server.server.url + PATH)
    assert status == 401


@pytest.mark.parametrize("name", ["api_key", "token"])
async def test_a_browser_may_put_the_key_into_the_query(tmp_path: Path, name: str) -> None:
    async with live(tmp_path) as server:
        async with websockets.connect(f"{server.server.url}{PATH}?{name}={KEY}") as client:
            await client.ping()
        status, *_ = await refused(f"{server.server.url}{PATH}?{name}=sk-wrong")
        assert status == 401


async def test_a_header_is_not_rescued_by_the_query(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        url = f"{server.server.url}{PATH}?api_key={KEY}"
        status, *_ = await refused(url, Authorization="Bearer sk-wrong")
    assert status == 401


async def test_origin_does_not_matter(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect(origin="https://example.org") as client:
        await client.ping()


async def test_an_unknown_path_is_404(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        status, reason, _, body = await refused(server.server.url + "/elsewhere", Authorization=f"Bearer {KEY}")
    assert (status, reason, body["code"]) == (404, "Not Found", "NotFound")


async def test_a_full_server_says_503_and_when_to_come_again(tmp_path: Path) -> None:
    async with live(tmp_path, max_connections=1) as server:
        async with server.connect():
            status, _, headers, body = await refused(server.server.url + PATH, Authorization=f"Bearer {KEY}")
            assert (status, body["code"]) == (503, "ServiceUnavailable")
            assert int(headers["retry-after"]) > 0
        await server.at_rest()
        async with server.connect() as client:
            await client.ping()


async def test_one_address_cannot_take_all_connections(tmp_path: Path) -> None:
    async with live(tmp_path, max_connections_per_ip=2) as server, server.connect(), server.connect():
        status, _, _, body = await refused(server.server.url + PATH, Authorization=f"Bearer {KEY}")
    assert (status, body["code"]) == (429, "Throttling.RateQuota")


async def test_the_last_free_stream_is_not_given_twice(tmp_path: Path) -> None:
    """Both were let in while a stream was free; the second to ask for it is told in the protocol's own words."""
    async with live(tmp_path, max_streams=1) as server, server.connect() as first, server.connect() as second:
        await first.send(run_task("one"))
        await first.recv()
        heard = await hear_refusal(second)
        assert heard == "Throttling.RateQuota"
        await first.send(pcm("w1 w2"))
        await first.send(finish_task("one"))
        assert (await hear(first, "one")).finals("one") == ["w1 w2"]


async def hear_refusal(client: websockets.ClientConnection) -> str:
    await client.send(run_task("two"))
    failure = (await hear(client, "two")).failure("two")
    assert failure is not None
    return failure[0]


async def test_while_models_load_the_port_answers_and_sessions_wait(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        hub, server.server.runtime._hub = server.server.runtime._hub, None
        status, _, headers, body = await refused(server.server.url + PATH, Authorization=f"Bearer {KEY}")
        assert (status, body["code"]) == (503, "ServiceUnavailable") and "retry-after" in headers
        server.server.runtime._hub = hub


async def test_the_place_of_a_client_that_left_is_free_at_once(tmp_path: Path) -> None:
    async with live(tmp_path, max_connections=1) as server:
        for _ in range(3):
            async with server.connect() as client:
                await client.send(run_task("a"))
                await client.recv()
            await server.at_rest()
