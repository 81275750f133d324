"""Temporary keys: how they are made, what they open, and when they end."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import websockets

from http_calls import SAID, TWO_SENTENCES, client, transcribe, wav
from live_server import PATH, Live, live, pcm, whole_task
from stenowire.errors import InvalidParameter
from stenowire.store.pepper import Pepper
from stenowire.store.tokens import MOST_CHARS, Tokens

pytestmark = pytest.mark.unit

SECRETS = "/v1/realtime/client_secrets"
BETA = "/v1/realtime/transcription_sessions"


async def token(server: Live, query: str = "") -> str:
    async with client(server) as visitor:
        answer = await visitor.post(f"/api/v1/tokens{query}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


async def test_a_token_says_when_it_ends(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        default = (await visitor.post("/api/v1/tokens")).json()
        longest = (await visitor.post("/api/v1/tokens?expire_in_seconds=1800")).json()
    assert default["token"].startswith("st-") and len(default["token"]) > 40
    assert default["expires_at"] - time.time() == pytest.approx(60, abs=10)
    assert longest["expires_at"] - default["expires_at"] == pytest.approx(1740, abs=10)


@pytest.mark.parametrize("seconds", ["0", "1801", "-1", "1.5", "many", ""])
async def test_a_lifetime_out_of_range_is_refused(tmp_path: Path, seconds: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(f"/api/v1/tokens?expire_in_seconds={seconds}")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert "expire_in_seconds" in answer.json()["message"]


async def test_it_opens_sockets_and_requests_but_makes_no_other(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        key = await token(server)
        async with server.connect(key) as socket:
            assert (await whole_task(socket, "a", pcm(*TWO_SENTENCES))).finals("a")
        async with client(server, key) as visitor:
            assert (await transcribe(visitor, wav(*TWO_SENTENCES))).json()["text"] == SAID
            for path in ("/api/v1/tokens", SECRETS, BETA):
                answer = await visitor.post(path, json={})
                assert answer.status_code == 403


@pytest.mark.parametrize("name", ["api_key", "token"])
async def test_a_browser_may_put_it_into_the_query(tmp_path: Path, name: str) -> None:
    async with live(tmp_path) as server:
        url = f"{server.server.url}{PATH}?{name}={await token(server)}"
        async with websockets.connect(url, proxy=None) as socket:
            assert (await whole_task(socket, "a", pcm("w3 w4"))).finals("a") == ["w3 w4"]


async def test_a_browser_may_offer_it_as_a_sub_protocol(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        offered: Any = ["realtime", f"openai-insecure-api-key.{await token(server)}", "openai-beta.realtime-v1"]
        async with websockets.connect(server.server.url + PATH, subprotocols=offered, proxy=None) as socket:
            assert socket.subprotocol == "realtime"
        offered = ["realtime", "openai-insecure-api-key.st-wrong"]
        with pytest.raises(websockets.InvalidStatus, match="401"):
            await websockets.connect(server.server.url + PATH, subprotocols=offered, proxy=None)


async def test_an_ended_token_opens_nothing_and_a_connection_made_in_time_stays(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        now = 0.0
        tokens = server.server.runtime.tokens
        tokens._clock = lambda: now
        key = await token(server, "?expire_in_seconds=5")
        async with server.connect(key) as socket, client(server, key) as visitor:
            now = 5.0
            assert (await visitor.get("/api/v1/assistants")).status_code == 401
            with pytest.raises(websockets.InvalidStatus, match="401"):
                await server.connect(key)
            assert (await whole_task(socket, "a", pcm("w3 w4"))).finals("a") == ["w3 w4"]


async def test_it_acts_for_the_key_that_made_it(tmp_path: Path) -> None:
    async with live(tmp_path, api_keys="sk-one,sk-two") as server:
        credentials = server.server.runtime.credentials
        async with client(server, "sk-two") as visitor:
            made = (await visitor.post("/api/v1/tokens")).json()["token"]
        assert credentials.check(made).tenant == credentials.check("sk-two").tenant
        assert credentials.check(made).tenant != credentials.check("sk-one").tenant


def test_a_token_is_good_wherever_the_pepper_and_its_key_are() -> None:
    made = Tokens(Pepper("p" * 32)).issue("key-id", 60, "{}")
    assert Tokens(Pepper("p" * 32)).find(made) == Tokens(Pepper("p" * 32)).find(made) != None  # noqa: E711
    assert Tokens(Pepper("q" * 32)).find(made) is None


@pytest.mark.parametrize("at", [3, 10, -1])
def test_a_changed_token_is_none(at: int) -> None:
    tokens = Tokens(Pepper("p" * 32))
    made = list(tokens.issue("key-id", 60))
    made[at] = "A" if made[at] != "A" else "B"
    assert tokens.find("".join(made)) is None


def test_a_token_never_outgrows_a_header() -> None:
    tokens = Tokens(Pepper("p" * 32))
    with pytest.raises(InvalidParameter, match="too long"):
        tokens.issue("key-id", 60, "x" * MOST_CHARS)


# ---- OpenAI's ways to ask -----------------------------------------------------------------------------------------

WITH_VAD_OFF = {
    "type": "transcription",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 16000},
            "transcription": {"model": "whisper-1", "language": "en"},
            "turn_detection": None,
        }
    },
}


async def first_words(server: Live, key: str, path: str = "/v1/realtime?intent=transcription") -> list[dict[str, Any]]:
    offered: Any = ["realtime", f"openai-insecure-api-key.{key}"]
    async with websockets.connect(server.server.url + path, subprotocols=offered, proxy=None) as socket:
        return [json.loads(await socket.recv()), json.loads(await socket.recv())]


async def test_a_client_secret_brings_its_session_along(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        asked = {"session": WITH_VAD_OFF, "expires_after": {"anchor": "created_at", "seconds": 30}}
        secret = (await visitor.post(SECRETS, json=asked)).json()
        created, updated = await first_words(server, secret["value"])
    assert secret["expires_at"] - time.time() == pytest.approx(30, abs=10)
    assert (created["type"], updated["type"]) == ("session.created", "session.updated")
    for told in (secret["session"]["audio"]["input"], updated["session"]["audio"]["input"]):
        assert told["turn_detection"] is None
        assert told["transcription"] == {"model": "whisper-1", "language": "en"}
        assert told["format"] == {"type": "audio/pcm", "rate": 16000}


async def test_a_client_secret_needs_no_session(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        secret = (await visitor.post(SECRETS, json={})).json()
        assert secret["expires_at"] - time.time() == pytest.approx(600, abs=10)
        assert secret["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
        async with server.connect(secret["value"]) as socket:
            assert (await whole_task(socket, "a", pcm("w3 w4"))).finals("a") == ["w3 w4"]


async def test_a_beta_session_is_told_flat_with_its_secret(tmp_path: Path) -> None:
    asked = {"input_audio_format": "g711_ulaw", "input_audio_transcription": {"model": "gpt-4o-transcribe"}}
    async with live(tmp_path) as server, client(server) as visitor:
        session = (await visitor.post(BETA, json=asked)).json()
        created, updated = await first_words(server, session["client_secret"]["value"])
    assert session["object"] == "realtime.transcription_session"
    assert session["input_audio_format"] == "g711_ulaw"
    assert session["client_secret"]["expires_at"] - time.time() == pytest.approx(60, abs=10)
    assert created["type"].endswith("session.created")
    assert "ulaw" in json.dumps(updated) or "pcmu" in json.dumps(updated)


async def test_the_session_of_a_secret_means_nothing_on_the_task_protocol(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        secret = (await visitor.post(SECRETS, json={"session": WITH_VAD_OFF})).json()["value"]
        async with server.connect(secret) as socket:
            assert (await whole_task(socket, "a", pcm("w3 w4"))).finals("a") == ["w3 w4"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (SECRETS, {"expires_after": {"seconds": 5}}, 400),
        (SECRETS, {"expires_after": {"seconds": 7201}}, 400),
        (SECRETS, {"session": {"audio": {"input": {"transcription": {"model": "no-such-model"}}}}}, 404),
        (SECRETS, {"session": {"audio": {"input": {"transcription": {"language": "zh"}}}}}, 400),
        (SECRETS, {"session": {"audio": {"input": {"format": {"type": "audio/mp3"}}}}}, 400),
        (SECRETS, {"session": "x"}, 400),
        (BETA, {"input_audio_format": "mp3"}, 400),
        (BETA, {"input_audio_transcription": {"model": "no-such-model"}}, 404),
    ],
)
async def test_a_wrong_session_is_refused_while_it_can_be_corrected(
    tmp_path: Path, path: str, body: dict[str, Any], status: int
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["param"]
