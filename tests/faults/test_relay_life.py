"""A relay as a process and at its door: signals, servers that die, keys, plain requests, bounds."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from faults.chaos_proxy import chaos
from faults.relays import finals, relaying, speak, task, text
from faults.test_chaos import drop, process, recognised, words
from live_server import KEY, PATH, finish_task, hear, hear_all, live, pcm, run_task, send_audio, until

pytestmark = pytest.mark.faults

HEADERS = {"Authorization": f"Bearer {KEY}"}


@asynccontextmanager
async def relay_process(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    program = str(Path(sys.executable).with_name("stenowire"))
    relay = await asyncio.create_subprocess_exec(
        *(program, "relay", "--port", "0", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert relay.stdout is not None
    try:
        greeting = (await relay.stdout.readline()).decode()
        yield relay, greeting.partition(" at ")[2].partition(",")[0]
    finally:
        if relay.returncode is None:
            relay.kill()
        await relay.wait()


def connect(url: str, path: str = PATH, headers: dict[str, str] = HEADERS) -> websockets.connect:
    return websockets.connect(url + path, additional_headers=headers, compression=None)


# ---- servers --------------------------------------------------------------------------------------------------------


async def test_a_server_killed_in_mid_utterance_and_started_anew_costs_nothing(tmp_path: Path) -> None:
    audio, said = words(30)
    async with (
        process(tmp_path / "a") as (first, address),
        chaos(address) as proxy,
        relaying(proxy.url) as relay,
        relay.connect() as client,
        asyncio.TaskGroup() as tasks,
    ):
        told = tasks.create_task(task(client, "mine", audio, 5.0))
        await asyncio.sleep(2.0)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        async with process(tmp_path / "b") as (_, proxy.address):
            sentences = finals(await told)
    assert text(sentences) == said
    assert [sentence["sentence_id"] for sentence in sentences] == list(range(1, len(sentences) + 1))


async def test_the_next_server_takes_over_where_one_is_gone(tmp_path: Path) -> None:
    audio, said = words(20)
    async with (
        live(tmp_path / "a") as one,
        live(tmp_path / "b") as other,
        chaos(one.address) as proxy,
        relaying(proxy.url, other.server.url) as relay,
        relay.connect() as client,
    ):
        telling = asyncio.create_task(task(client, "mine", audio, 20.0))
        await one.has_heard(5.0)
        proxy.refusing = True
        proxy.cut()
        assert text(finals(await telling)) == said


async def test_who_is_away_for_too_long_is_told_of(tmp_path: Path) -> None:
    async with (
        live(tmp_path) as server,
        chaos(server.address) as proxy,
        relaying(proxy.url, patience_s=0.5) as relay,
        relay.connect() as client,
    ):
        telling = asyncio.create_task(task(client, "mine", words(20)[0], 20.0))
        await server.has_heard(2.0)
        proxy.refusing = True
        proxy.cut()
        told = await telling
        assert told[-1]["header"]["error_code"] == "ServiceUnavailable"
        assert "cannot connect" in told[-1]["header"]["error_message"]
        assert (await hear_all(client)).messages == []
        with pytest.raises(InvalidStatus) as refused:
            await relay.connect()
    assert refused.value.response.status_code == 503


async def test_the_fault_of_a_client_is_passed_on(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relaying(server.server.url) as relay, relay.connect() as client:
        await client.send(run_task("mine", max_sentence_silence=1))
        heard = await hear_all(client)
    code, told = heard.failure("mine") or ("", "")
    assert code == "InvalidParameter" and "max_sentence_silence" in told


async def test_a_stopping_server_hands_over_to_the_next(tmp_path: Path) -> None:
    """It ends the sentence that it is in, a word of which may be cut in two; nothing else is lost or said twice."""
    audio, said = words(20)
    async with (
        live(tmp_path / "a") as one,
        live(tmp_path / "b") as other,
        relaying(one.server.url, other.server.url) as relay,
        relay.connect() as client,
    ):
        telling = asyncio.create_task(task(client, "mine", audio, 20.0))
        await one.has_heard(5.0)
        one.server.stop()
        told = await telling
    assert told[-1]["header"]["event"] == "task-finished"
    heard, spoken = text(finals(told)).split(), said.split()
    before = next(index for index, (a, b) in enumerate(zip(heard, spoken, strict=False)) if a != b or index == 19)
    assert heard[before + 1 :][-(len(spoken) - before - 1) :] == spoken[before + 1 :]
    assert len(spoken) <= len(heard) <= len(spoken) + 1


# ---- tasks on one connection --------------------------------------------------------------------------------------


async def test_tasks_follow_one_another_on_one_connection(tmp_path: Path) -> None:
    async with live(tmp_path) as server, chaos(server.address) as proxy:
        async with relaying(proxy.url) as relay, relay.connect() as client:
            first = await task(client, "one", pcm("w1 w2", 1500), 20.0)
            proxy.cut()
            second = await task(client, "two", pcm("w3", 1500), 20.0)
            third = await task(client, "three", pcm("w4", 1500), 20.0)
        assert proxy.opened == 2
    assert [text(finals(told)) for told in (first, second, third)] == ["w1 w2", "w3", "w4"]


async def test_our_own_client_may_stand_behind_a_relay(tmp_path: Path) -> None:
    """The relay resumes in its place, and answers as a server that knows nothing of it."""
    audio, said = words(10)
    async with live(tmp_path) as server, chaos(server.address) as proxy, relaying(proxy.url) as relay:
        dropping = asyncio.create_task(drop(proxy, 5, (0.1, 0.3)))
        finals = await recognised(relay.url, audio)
        dropping.cancel()
    assert " ".join(sentence.text for sentence in finals) == said


async def test_a_wav_file_is_sent_again_whole(tmp_path: Path) -> None:
    audio, said = words(10)
    header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\xff\xff\xff\xff"
    async with live(tmp_path) as server, chaos(server.address) as proxy, relaying(proxy.url) as relay:
        async with relay.connect() as client:
            telling = asyncio.create_task(task(client, "mine", header + audio, 10.0, format="wav"))
            for _ in range(3):
                await asyncio.sleep(0.4)
                proxy.cut()
            assert text(finals(await telling)) == said
        async with relay.connect() as client:
            told = asyncio.create_task(task(client, "mine", header + audio, 10.0))
            await asyncio.sleep(0.6)
            proxy.cut()
            assert text(finals(await told)) == said


# ---- the relay's own end ------------------------------------------------------------------------------------------


async def test_a_relay_that_is_stopped_has_everything_answered_first(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relay_process("--to", server.server.url) as (relay, url):
        async with connect(url) as client:
            await client.send(run_task("mine"))
            await send_audio(client, pcm("w1 w2 w3"))
            await server.has_heard(1.4)
            relay.send_signal(signal.SIGTERM)
            heard = await hear_all(client)
        assert heard.finals("mine") == ["w1 w2 w3"]
        assert (heard.failure("mine") or ("",))[0] == "ServiceUnavailable"
        assert client.close_code == 1012
        assert await relay.wait() == 0


async def test_a_relay_that_is_killed_leaves_no_client_waiting(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relay_process("--to", server.server.url) as (relay, url):
        async with connect(url) as client:
            await client.send(run_task("mine"))
            await client.recv()
            relay.kill()
            with pytest.raises(ConnectionClosed):
                await client.recv()
        await server.at_rest()


async def test_a_relay_without_any_server_says_so_and_leaves(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("stenowire"))
    relay = await asyncio.create_subprocess_exec(
        *(program, "relay", "--to", "ws://127.0.0.1:1"), stderr=asyncio.subprocess.PIPE
    )
    _, said = await relay.communicate()
    assert relay.returncode == 3
    assert said.decode().count("\n") == 1 and "cannot connect to ws://127.0.0.1:1" in said.decode()


# ---- the door -------------------------------------------------------------------------------------------------------


async def test_a_clients_own_key_is_the_one_that_counts(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relaying(server.server.url, key=KEY) as relay:
        async with relay.connect(key="") as client:
            assert text(finals(await task(client, "mine", pcm("w1", 1500), 50.0))) == "w1"
        with pytest.raises(InvalidStatus) as refused:
            await relay.connect(key="sk-wrong")
    assert refused.value.response.status_code == 401
    assert b"InvalidApiKey" in (refused.value.response.body or b"")


async def test_the_relays_key_is_not_for_pages_of_other_sites(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relaying(server.server.url, key=KEY) as relay:
        with pytest.raises(InvalidStatus) as refused:
            await relay.connect(key="", origin="https://elsewhere.example")
        async with httpx.AsyncClient() as client:
            answer = await client.get(relay.http + "/v1/models", headers={"Origin": "https://elsewhere.example"})
    assert refused.value.response.status_code == answer.status_code == 403


async def test_requests_pass_as_they_are(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relaying(server.server.url) as relay, httpx.AsyncClient() as client:
        paths = ("/api/v1/assistants?limit=1", "/v1/models", "/nowhere", "/health")
        for path in paths:
            asked = [await client.get(base + path, headers=HEADERS) for base in (server.http, relay.http)]
            assert asked[0].status_code == asked[1].status_code
            assert set(asked[0].headers) == set(asked[1].headers)
        assert asked[0].json().keys() == asked[1].json().keys()
        files = {"file": ("said.wav", _wav(pcm("w7 w8", 1500)), "audio/wav"), "model": (None, "whisper-1")}
        said = await client.post(relay.http + "/v1/audio/transcriptions", headers=HEADERS, files=files)
        assert said.json()["text"] == "w7 w8"
        assert (await client.post(relay.http + "/v1/audio/transcriptions", files=files)).status_code == 401


async def test_no_more_clients_than_were_allowed(tmp_path: Path) -> None:
    async with live(tmp_path) as server, relaying(server.server.url, most=1) as relay, relay.connect():
        with pytest.raises(InvalidStatus) as refused:
            await relay.connect()
    assert refused.value.response.status_code == 503


async def test_while_servers_are_away_a_client_is_held_at_the_bound(tmp_path: Path) -> None:
    """Ten seconds are kept; what is more waits with the client, and nothing is lost."""
    audio, said = words(60)
    async with (
        live(tmp_path) as server,
        chaos(server.address) as proxy,
        relaying(proxy.url, keep_s=10.0) as relay,
        relay.connect(write_limit=3_200) as client,
    ):
        await client.send(run_task("mine"))
        await client.recv()
        proxy.refusing = True
        proxy.cut()
        sending = asyncio.create_task(speak(client, audio, 1000.0))
        talk = next(iter(next(iter(relay.relay._clients))._hauls)).talk
        await until(lambda: talk.full)
        await asyncio.sleep(0.2)
        assert talk.kept_bytes < 11 * 32_000
        proxy.refusing = False
        await sending
        await client.send(finish_task("mine"))
        heard = await hear(client, "mine")
    assert " ".join(heard.finals("mine")) == said


async def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with live(tmp_path, https=True, host="127.0.0.1") as server:
        url = server.server.url
        async with relaying(url) as relay, httpx.AsyncClient() as client:
            (line,) = await relay.relay.check()
            assert "certificate" in line and "self-signed" in line
            with pytest.raises(InvalidStatus) as refused:
                await relay.connect()
            assert b"certificate" in (refused.value.response.body or b"")
            assert "certificate" in (await client.get(relay.http + "/v1/models")).json()["message"]
        monkeypatch.setenv("SSL_CERT_FILE", _certificate(tmp_path))
        async with relaying(url) as relay, relay.connect() as trusting, httpx.AsyncClient() as client:
            assert not await relay.relay.check()
            assert text(finals(await task(trusting, "mine", pcm("w1", 1500), 50.0))) == "w1"
            assert (await client.get(relay.http + "/v1/models")).status_code == 200


def _certificate(data: Path) -> str:
    """The one that a server made for itself."""
    (path,) = [path for path in data.rglob("*.pem") if "CERTIFICATE" in path.read_text()]
    return str(path)


def _wav(samples: bytes) -> bytes:
    import io
    import wave

    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples)
    return made.getvalue()
