"""The store under real faults: a writer that is killed, a disk that is full, keys that are revoked while in use, and
secrets that must turn up nowhere. Servers are processes, and administrators are others."""

import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import websockets

from faults.daemons import postgres
from faults.store_process import Served, served
from http_calls import TWO_SENTENCES, wav
from live_server import PATIENCE_S, hear_all, pcm, run_task, send_audio, whole_task
from stenowire.settings import Settings
from stenowire.store.accounts import ID_CHARS, Accounts
from stenowire.store.connect import Store
from stenowire.store.pepper import Pepper
from stenowire.store.usage import Usage
from stenowire.store.vocabularies import Vocabularies

pytestmark = pytest.mark.faults

WRITER = Path(__file__).with_name("many_writers.py")
LISTS = "/api/v1/services/audio/asr/customization"
WRITES = 1000


def accounts_of(data: Path, **settings: str) -> Accounts:
    """The store as an administrator opens it beside the server."""
    loaded = Settings.load(data=data, **settings)
    return Accounts(Store.of(loaded), Pepper.of(loaded))


def new_list(prefix: str = "words") -> dict[str, object]:
    words = [{"text": "Bulge Bracket", "weight": 4}]
    action = {"action": "create_vocabulary", "target_model": "fun-asr-realtime", "prefix": prefix, "vocabulary": words}
    return {"model": "speech-biasing", "input": action}


# ---- killed while it writes -----------------------------------------------------------------------------------------


def test_every_write_that_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    """1,000 writes, and the writer is killed five times in the midst of them."""
    acknowledged: list[str] = []
    for kill in range(1, 6):
        writer = subprocess.Popen([sys.executable, str(WRITER), str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        while len(acknowledged) < kill * WRITES // 5:
            acknowledged.append(writer.stdout.readline().strip())
        writer.kill()
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
    assert len(acknowledged) >= WRITES
    accounts = accounts_of(tmp_path)
    keys = {key.id for key in accounts.list_keys("acme")}
    lists = {found.id for found in Vocabularies(accounts.store, 0).page("acme", None, 0, 10**6)}
    there = keys | lists
    written = {line[3 : 3 + ID_CHARS] if line.startswith("sk-") else line for line in acknowledged}
    assert len(written) == len(acknowledged) and written <= there
    with sqlite3.connect(tmp_path / "store.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_clean_stop_loses_no_usage(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    key, made = accounts.create_key("acme")
    async with served(tmp_path) as server, server.connect(key) as socket:
        await whole_task(socket, "a", pcm(*TWO_SENTENCES))
        await socket.send(run_task("b"))
        await send_audio(socket, pcm("w1 w2"))
        await (await socket.ping())
        server.process.terminate()
        await hear_all(socket)
    (used,) = Usage(accounts.store).read(0)
    assert (used.key, used.tenant, used.sessions, used.requests) == (made.id, "acme", 2, 1)
    assert used.audio_ms == round((len(pcm(*TWO_SENTENCES)) + len(pcm("w1 w2"))) / 32)


# ---- revoked while in use -------------------------------------------------------------------------------------------


async def refused(connecting: websockets.connect) -> int:
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await connecting
    return refusal.value.response.status_code


async def test_a_revoked_key_ends_its_connections_and_no_others(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    gone, made = accounts.create_key("acme")
    kept, _ = accounts.create_key("acme")
    async with served(tmp_path) as server, server.connect(gone) as socket, server.connect(kept) as other:
        async with server.http(gone) as visitor:
            token = (await visitor.post("/api/v1/tokens")).json()["token"]
        async with server.connect(token) as third:
            await socket.send(run_task("a"))
            await send_audio(socket, pcm("w1 w2"))
            accounts.revoke(made.id)
            heard = await hear_all(socket)
            assert heard.failure("a") == ("InvalidApiKey", "The API-key has been revoked or has expired.")
            await hear_all(third)
            assert third.close_code == 1008
        assert await refused(server.connect(gone)) == await refused(server.connect(token)) == 401
        assert (await whole_task(other, "b", pcm("w3"))).finals("b") == ["w3"]


async def test_a_key_that_was_made_a_moment_ago_is_good_at_once(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    accounts.create_key("acme")
    async with served(tmp_path) as server:
        for _ in range(5):
            key, _ = accounts.create_key("acme")
            async with server.connect(key) as socket:
                await (await socket.ping())


async def test_a_key_does_what_its_scopes_say_and_nothing_else(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    hearer, _ = accounts.create_key("acme", scopes={"recognise"})
    writer, _ = accounts.create_key("acme", scopes={"vocabulary"})
    async with served(tmp_path) as server:
        assert await refused(server.connect(writer)) == 403
        async with server.connect(hearer) as socket:
            assert (await whole_task(socket, "a", pcm("w3"))).finals("a") == ["w3"]
        async with server.http(hearer) as visitor:
            assert (await visitor.post(LISTS, json=new_list())).status_code == 403
        async with server.http(writer) as visitor:
            assert (await visitor.post(LISTS, json=new_list())).status_code == 200
            assert (await visitor.post("/v1/audio/transcriptions", files={"file": b"x"})).status_code == 403


# ---- quotas, as clients are told ------------------------------------------------------------------------------------


async def test_a_tenant_at_its_limit_is_told_so_in_each_protocol(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    key, _ = accounts.create_key("acme")
    other, _ = accounts.create_key("other")
    accounts.limit_tenant("acme", {"streams": 1})
    async with served(tmp_path) as server, server.connect(key) as first:
        await first.send(run_task("a"))
        assert json.loads(await first.recv())["header"]["event"] == "task-started"
        async with server.connect(key) as socket:
            await socket.send(run_task("b"))
            code, message = (await hear_all(socket)).failure("b") or ("", "")
            assert code == "Throttling.RateQuota" and "limit 1" in message
        async with server.connect(key, "/api-ws/v1/realtime?model=qwen3-asr-flash-realtime") as socket:
            with pytest.raises(websockets.ConnectionClosedError):
                while True:
                    event = json.loads(await socket.recv())
            assert event["type"] == "error" and "limit 1" in json.dumps(event) and socket.close_code == 1013
        async with server.http(key) as visitor:
            answer = await visitor.post(
                "/v1/audio/transcriptions", files={"file": ("a.wav", wav("w1"))}, data={"model": "whisper-1"}
            )
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        async with server.connect(other) as socket:
            assert (await whole_task(socket, "c", pcm("w3"))).finals("c") == ["w3"]


async def test_a_session_ends_where_the_audio_of_the_day_does(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    key, _ = accounts.create_key("acme")
    accounts.limit_tenant("acme", {"audio_s_per_day": 12})
    async with served(tmp_path) as server, server.connect(key) as socket:
        await socket.send(run_task("a"))
        await send_audio(socket, pcm(11_000))
        await (await socket.ping())
        await send_audio(socket, pcm(2_000))
        code, message = (await hear_all(socket)).failure("a") or ("", "")
        assert code == "Throttling.RateQuota" and "limit 12 s" in message
        async with server.http(key) as visitor:
            sound = {"file": ("a.wav", wav("w1"))}
            answer = await visitor.post("/v1/audio/transcriptions", files=sound, data={"model": "whisper-1"})
        assert answer.status_code == 429 and 0 < int(answer.headers["retry-after"]) <= 86_400
    (used,) = Usage(accounts.store).read(0)
    assert 12_000 <= used.audio_ms <= 12_200 and used.sessions == 1


# ---- a store that fails ---------------------------------------------------------------------------------------------


async def test_with_a_full_disk_speech_is_recognised_and_who_stores_is_told(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path / "data")
    key, _ = accounts.create_key("acme")
    async with served(tmp_path / "data") as server, server.http(key) as visitor:
        assert (await visitor.post(LISTS, json=new_list())).status_code == 200
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, most))
        answer = await visitor.post(LISTS, json=new_list())
        assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailable")
        async with server.connect(key) as socket:
            assert (await whole_task(socket, "a", pcm(*TWO_SENTENCES))).finals("a")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        assert (await visitor.post(LISTS, json=new_list())).status_code == 200
    assert sum(used.sessions for used in Usage(accounts.store).read(0)) == 1


async def test_while_another_holds_the_store_speech_is_recognised_and_who_stores_is_told(tmp_path: Path) -> None:
    accounts = accounts_of(tmp_path)
    key, _ = accounts.create_key("acme")
    accounts.store.close()
    async with served(tmp_path) as server:
        held = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        held.execute("BEGIN EXCLUSIVE")
        async with server.connect(key) as socket:
            assert (await whole_task(socket, "a", pcm("w3"))).finals("a") == ["w3"]
        async with server.http(key) as visitor:
            answer = await visitor.post(LISTS, json=new_list(), timeout=PATIENCE_S)
            assert answer.status_code == 503
        held.execute("ROLLBACK")
        held.close()
        async with server.http(key) as visitor:
            assert (await visitor.post(LISTS, json=new_list(), timeout=PATIENCE_S)).status_code == 200


# ---- secrets --------------------------------------------------------------------------------------------------------


async def misuse(server: Served, key: str, secrets: list[str]) -> None:
    """All that a key or a secret can go through."""
    async with server.http(key) as visitor:
        secrets.append((await visitor.post("/api/v1/tokens")).json()["token"])
        await visitor.post(LISTS, json=new_list("Not A Prefix"))
        await visitor.get(f"/v1/models?api_key={key}")
    for offered in (secrets[-1], key):
        async with websockets.connect(f"{server.url}/api-ws/v1/inference?api_key={offered}", proxy=None) as socket:
            await whole_task(socket, "a", pcm("w3"))
    for wrong in (key[:-1] + "!", "sk-canary-unknown-key-0123456789"):
        secrets.append(wrong)
        assert await refused(server.connect(wrong)) == 401
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"{server.url}/api-ws/v1/inference?token={wrong}", proxy=None)


async def test_no_key_or_secret_reaches_the_log_or_the_metrics(tmp_path: Path) -> None:
    with postgres() as url:
        settings = {"store": url, "pepper": "canary-pepper-" + "p" * 32, "redis": "redis://:canary-redis@127.0.0.1:1/0"}
        accounts = accounts_of(tmp_path / "data", **settings)
        key, made = accounts.create_key("acme")
        secrets = [key, key[3 + ID_CHARS :], "canary-password", "canary-pepper", "canary-redis"]
        async with served(tmp_path / "data", api_keys="sk-canary-of-the-settings", **settings) as server:
            await misuse(server, key, secrets)
            await misuse(server, "sk-canary-of-the-settings", secrets)
            accounts.limit_tenant("acme", {"streams": 1})
            await asyncio.sleep(2.5)
            async with server.connect(key) as socket:
                await socket.send(run_task("a"))
                assert ((await hear_all(socket)).failure("a") or ("",))[0] == "ServiceUnavailable"
                accounts.revoke(made.id)
            async with httpx.AsyncClient(trust_env=False) as visitor:
                metrics = (await visitor.get(server.url.replace("ws", "http", 1) + "/metrics")).text
    log = server.log.read_text(encoding="utf-8")
    assert "handshake refused" in log and "redis failed" in log and "stenowire_" in metrics
    secrets += ["sk-canary-of-the-settings", accounts._pepper.mac(key).hex()]
    assert [secret for secret in secrets if secret in log or secret in metrics] == []
