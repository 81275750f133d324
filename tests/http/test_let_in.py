"""Every door asks for a key and answers with a request id; a door that makes keys asks for a permanent one."""

from pathlib import Path

import httpx
import pytest

from http_calls import CHAT, FILES, GENERATION, TRANSCRIPTIONS, client
from live_server import KEY, live

pytestmark = pytest.mark.unit

OPENAI = [
    ("POST", TRANSCRIPTIONS),
    ("POST", CHAT),
    ("GET", "/compatible-mode/v1/models"),
    ("POST", "/v1/realtime/client_secrets"),
    ("POST", "/v1/realtime/transcription_sessions"),
]
NATIVE = [
    ("POST", GENERATION),
    ("POST", FILES),
    ("GET", "/api/v1/tasks/any"),
    ("POST", "/api/v1/tasks/any"),
    ("POST", "/api/v1/tasks/any/cancel"),
    ("GET", "/api/v1/assistants"),
    ("GET", "/api/v1/uploads"),
    ("POST", "/api/v1/tokens"),
]
WRONG = ["", "Bearer", "Bearer sk-wrong", f"Basic {KEY}", KEY, "Bearer st-never-issued"]


@pytest.mark.parametrize(("method", "path"), OPENAI + NATIVE)
async def test_without_a_good_key_no_door_opens(tmp_path: Path, method: str, path: str) -> None:
    async with live(tmp_path) as server, client(server, key=None) as visitor:
        answers = [await visitor.request(method, path, headers={"Authorization": header}) for header in WRONG]
        answers.append(await visitor.request(method, f"{path}?api_key={KEY}&token={KEY}"))
    for answer in answers:
        assert (answer.status_code, answer.reason_phrase) == (401, "Unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["x-request-id"]
        said = answer.json()
        if (method, path) in OPENAI:
            assert said["error"]["code"] == "invalid_api_key"
        else:
            assert (said["code"], said["request_id"]) == ("InvalidApiKey", answer.headers["x-request-id"])


@pytest.mark.parametrize(("method", "path"), OPENAI + NATIVE)
async def test_a_good_key_gets_past_the_door_in_any_spelling(tmp_path: Path, method: str, path: str) -> None:
    async with live(tmp_path) as server, client(server, key=None) as visitor:
        for header in (f"Bearer {KEY}", f"bearer   {KEY}"):
            answer = await visitor.request(method, path, headers={"Authorization": header})
            assert answer.status_code != 401


@pytest.mark.parametrize(("method", "path"), OPENAI + NATIVE)
async def test_a_method_that_a_door_does_not_know_is_told(tmp_path: Path, method: str, path: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")
    assert method in answer.headers["allow"]


async def test_a_key_in_the_body_or_the_address_never_reaches_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        await visitor.get(f"/api/v1/assistants?limit={KEY}")
        policy = (await visitor.get("/api/v1/uploads?action=getPolicy&model=m")).json()["data"]
        async with httpx.AsyncClient(trust_env=False) as keyless:
            await keyless.post(policy["upload_host"], content=b"x")
            await keyless.get(f"{server.http}/api/v1/results/a-secret-name.json")
    logged = "".join(capfd.readouterr())
    assert "request refused" in logged
    for secret in (KEY, policy["upload_host"].rpartition("/")[2], "a-secret-name"):
        assert secret not in logged
