"""What an HTTP request may take: bytes, seconds, streams; and that everything is free again, however it ends."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from http_calls import (
    CHAT,
    GENERATION,
    SAID,
    TRANSCRIPTIONS,
    TWO_SENTENCES,
    base64_wav,
    chat,
    client,
    events,
    generation,
    transcribe,
    wav,
)
from live_server import KEY, PATIENCE_S, Live, live, run_task, until
from stenowire.engines.base import Job

pytestmark = pytest.mark.faults

SPEECH = wav(*TWO_SENTENCES)
IN_BASE64 = base64_wav(*TWO_SENTENCES)


class Gate:
    """An engine that works only while the gate is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()

    def __call__(self, jobs: Sequence[Job]) -> None:
        self.reached.set()
        self.open.wait(20)


# ---- bytes and seconds --------------------------------------------------------------------------------------------


class Raw:
    """A client by hand, for what no library would do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> str:
        """All that the server says until it closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            return (await self.reader.read()).decode()


@asynccontextmanager
async def post(server: Live, path: str, *headers: str) -> AsyncIterator[Raw]:
    """The head of a request; its body is up to the test."""
    raw = Raw(*await asyncio.open_connection(*server.address))
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}", *headers]
    raw.writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    try:
        yield raw
    finally:
        raw.writer.close()


async def test_a_body_that_is_announced_too_large_is_refused_at_once(tmp_path: Path) -> None:
    async with live(tmp_path, max_body_bytes=64 << 10) as server:
        async with post(server, CHAT, f"Content-Length: {64 << 20}") as raw:
            raw.writer.write(b"{")
            answer = await raw.answer()
        await server.at_rest()
    assert answer.startswith("HTTP/1.1 413") and "PayloadTooLarge" in answer


async def test_a_body_that_turns_out_too_large_is_refused_on_its_way(tmp_path: Path) -> None:
    async with live(tmp_path, max_body_bytes=64 << 10) as server:
        async with post(server, CHAT, "Transfer-Encoding: chunked") as raw:
            for _ in range(40):
                raw.writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            answer = await raw.answer()
        await server.at_rest()
    assert answer.startswith("HTTP/1.1 413") and "PayloadTooLarge" in answer


async def test_who_is_refused_reads_why_although_it_still_sends(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server, "sk-wrong") as visitor:
        answer = await visitor.post(CHAT, content=bytes(20 << 20))
        await server.at_rest()
    assert answer.status_code == 401


async def test_a_body_that_nobody_needs_costs_no_connection(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        for _ in range(3):
            answer = await visitor.post("/api/v1/tokens", json={"not": "needed"})
            assert (answer.status_code, "connection" in answer.headers) == (200, False)
        assert len(server.server.web.server_state.connections) == 1


async def test_a_file_over_its_limit_is_refused(tmp_path: Path) -> None:
    async with live(tmp_path, max_upload_bytes=8 << 10) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH)
        small = await transcribe(visitor, wav("w3")[:8000])
        huge = await transcribe(visitor, SPEECH + bytes(2 << 20))
    assert [answer.status_code, small.status_code, huge.status_code] == [413, 200, 413]


async def test_a_recording_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    async with live(tmp_path, max_recording_s=3) as server, client(server) as visitor:
        for answer in (
            await transcribe(visitor, SPEECH),
            await visitor.post(CHAT, json=chat(IN_BASE64)),
            await visitor.post(GENERATION, json=generation(IN_BASE64)),
        ):
            assert answer.status_code == 413 and "3 seconds" in answer.text
        await server.at_rest()


async def test_a_body_that_never_ends_is_given_up(tmp_path: Path) -> None:
    async with live(tmp_path, request_s=0.3) as server:
        async with post(server, CHAT, "Content-Length: 10") as raw:
            raw.writer.write(b"{")
            answer = await raw.answer()
        await server.at_rest()
    assert answer.startswith("HTTP/1.1 500") and "RequestTimeOut" in answer


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, CHAT, GENERATION])
async def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path, path: str) -> None:
    gate = Gate()
    async with live(tmp_path, gate, request_s=0.3) as server, client(server) as visitor:
        if path == TRANSCRIPTIONS:
            answer = await transcribe(visitor, SPEECH)
        else:
            answer = await visitor.post(path, json=chat(IN_BASE64) if path == CHAT else generation(IN_BASE64))
        assert answer.status_code == 500 and "RequestTimeOut" in answer.text
        assert server.admission.streams == 0
        gate.open.set()
        await server.at_rest()


async def test_a_stream_that_takes_too_long_is_told_so_and_ended(tmp_path: Path) -> None:
    begun = threading.Event()

    def slow_after_the_first(jobs: Sequence[Job]) -> None:
        if begun.is_set():
            threading.Event().wait(1)
        begun.set()

    recording = wav("w41", 2000, "w43", 2000)
    async with live(tmp_path, slow_after_the_first, request_s=0.5) as server, client(server) as visitor:
        answer = await transcribe(visitor, recording, stream="true")
        await server.at_rest()
    told = events(answer.text)
    assert answer.status_code == 200
    assert told[0]["delta"] == "w41" and told[-1]["error"]["code"] == "RequestTimeOut"


# ---- clients that leave -------------------------------------------------------------------------------------------


def form(**fields: str) -> tuple[bytes, str]:
    request = httpx.Request("POST", "http://x", data={"model": "whisper-1", **fields}, files={"file": SPEECH})
    return request.read(), request.headers["content-type"]


@pytest.mark.parametrize("fields", [{}, {"stream": "true"}])
async def test_a_client_that_leaves_frees_its_stream_at_once(tmp_path: Path, fields: dict[str, str]) -> None:
    gate = Gate()
    async with live(tmp_path, gate) as server:
        body, kind = form(**fields)
        async with post(server, TRANSCRIPTIONS, f"Content-Type: {kind}", f"Content-Length: {len(body)}") as raw:
            raw.writer.write(body)
            await until(lambda: server.admission.streams == 1)
        # The engine is still in its step: only the client's leaving can have ended it.
        await until(lambda: server.admission.streams == 0)
        assert not gate.open.is_set()
        gate.open.set()
        await server.at_rest()


async def test_a_client_that_leaves_in_mid_stream_frees_everything(tmp_path: Path) -> None:
    gate = Gate()
    gate.open.set()
    recording = wav(*["w43", 2000] * 20)
    async with live(tmp_path, gate) as server, client(server) as visitor:
        data = {"model": "whisper-1", "stream": "true"}
        async with visitor.stream("POST", TRANSCRIPTIONS, data=data, files={"file": recording}) as answer:
            async for line in answer.aiter_lines():
                if line:
                    gate.open.clear()
                    break
        await until(lambda: server.admission.streams == 0)
        gate.open.set()
        await server.at_rest()


async def test_a_client_that_leaves_in_mid_upload_leaves_nothing(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        async with post(server, CHAT, "Content-Length: 9999") as raw:
            raw.writer.write(b'{"model"')
            await until(lambda: server.admission.connections == 1)
        await server.at_rest()


# ---- room ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, CHAT, GENERATION])
async def test_a_full_server_says_so_before_it_reads_the_audio(tmp_path: Path, path: str) -> None:
    async with live(tmp_path, max_streams=1) as server, server.connect() as socket, client(server) as visitor:
        await socket.send(run_task("a"))
        await socket.recv()
        answer = await visitor.post(path, content=b"not looked at")
        assert answer.status_code == 503 and "ServiceUnavailable" in answer.text
        assert int(answer.headers["retry-after"]) > 0


async def test_a_recording_counts_as_a_stream(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate, max_streams=1) as server, client(server) as visitor:
        first = asyncio.create_task(transcribe(visitor, SPEECH))
        await until(gate.reached.is_set)
        assert server.admission.streams == 1
        assert (await transcribe(visitor, SPEECH)).status_code == 503
        gate.open.set()
        assert (await first).json()["text"] == SAID
        await server.at_rest()
        metrics = (await visitor.get("/metrics")).text
    assert 'stenowire_sessions_ended_total{outcome="finished"} 1.0' in metrics
    assert "stenowire_sessions 0.0" in metrics
    assert "stenowire_finals_total 2.0" in metrics


async def test_many_recordings_at_once_are_all_answered(tmp_path: Path) -> None:
    async with live(tmp_path, max_streams=20) as server, client(server) as visitor:
        answers = await asyncio.gather(*(transcribe(visitor, wav(f"w{3 + n}", 1500, "w50")) for n in range(20)))
        await server.at_rest()
    assert [answer.json()["text"] for answer in answers] == [f"w{3 + n} w50" for n in range(20)]


async def test_while_models_load_the_doors_ask_to_wait(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        runtime = server.server.runtime
        hub, runtime._hub = runtime._hub, None
        answers = [await transcribe(visitor, SPEECH), await visitor.get("/compatible-mode/v1/models")]
        assert (await visitor.get("/api/v1/assistants")).status_code == 200
        runtime._hub = hub
    assert [answer.status_code for answer in answers] == [503, 503]


async def test_one_address_cannot_take_all_room(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate, max_connections_per_ip=2) as server, client(server) as visitor:
        first = asyncio.create_task(transcribe(visitor, SPEECH))
        await until(gate.reached.is_set)
        answer = await transcribe(visitor, SPEECH)
        assert answer.status_code == 429
        gate.open.set()
        assert (await first).status_code == 200


# ---- the server's own end -----------------------------------------------------------------------------------------


async def test_a_stopping_server_answers_what_it_has_begun_and_nothing_new(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate) as server, client(server) as visitor:
        begun = asyncio.create_task(transcribe(visitor, SPEECH))
        await until(gate.reached.is_set)
        server.server.stop()
        await until(lambda: server.admission.draining)
        async with client(server) as newcomer:
            assert (await transcribe(newcomer, SPEECH)).status_code == 503
        gate.open.set()
        assert (await begun).json()["text"] == SAID


async def test_what_a_stop_cannot_wait_for_is_told_to_come_again(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate, drain_s=0.3) as server, client(server) as visitor:
        begun = asyncio.create_task(transcribe(visitor, SPEECH))
        await until(gate.reached.is_set)
        server.server.stop()
        answer = await begun
        gate.open.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ServiceUnavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_an_engine_that_breaks_is_our_fault_and_ends_only_this_request(tmp_path: Path) -> None:
    broken = threading.Event()
    broken.set()

    def fail(jobs: Sequence[Job]) -> None:
        if broken.is_set():
            raise RuntimeError("a fault of the engine")

    async with live(tmp_path, fail) as server, client(server) as visitor:
        openai = await transcribe(visitor, SPEECH)
        native = await visitor.post(GENERATION, json=generation(IN_BASE64))
        broken.clear()
        assert (await transcribe(visitor, SPEECH)).json()["text"] == SAID
        await server.at_rest()
    assert (openai.status_code, openai.json()["error"]["type"]) == (500, "server_error")
    assert (native.status_code, native.json()["code"]) == (500, "InternalError")
    assert "fault of the engine" not in openai.text + native.text


async def test_nothing_that_was_said_and_no_key_reaches_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = "a canary in the context"
    async with live(tmp_path) as server, client(server) as visitor:
        await transcribe(visitor, SPEECH, prompt=context)
        await transcribe(visitor, SPEECH, stream="true")
        body = chat(IN_BASE64)
        body["messages"].insert(0, {"role": "system", "content": context})
        await visitor.post(CHAT, json=body)
        await visitor.post(CHAT, json=chat("@@@@"))
        metrics = (await visitor.get("/metrics")).text
    logged = "".join(capfd.readouterr())
    assert "recording ended" in logged
    for secret in (KEY, "w41", "w43", "canary", IN_BASE64[:40]):
        assert secret not in logged and secret not in metrics
