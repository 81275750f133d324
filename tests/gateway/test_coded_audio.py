"""Coded audio through a socket: the same words, in order, within bounds, and one bad stream ends one session."""

import asyncio
import base64
import io
import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import websockets

from audio.coded import encode, packets, voice
from live_server import (
    KEY,
    PATIENCE_S,
    Heard,
    Live,
    finish_task,
    frames,
    hear,
    live,
    pcm,
    run_task,
    send_audio,
    until,
    whole_task,
)
from serving.test_decoding import children, parent, silent_flac

pytestmark = pytest.mark.unit

WORDS = ("w1 w2 w3", 1500, "w4 w5", 1500, "w6")
MP3 = encode(voice(16_000, 2), 16_000, "libmp3lame", "mp3", 32_000)


def flac(*parts: str | int) -> bytes:
    """The scripted engine reads its words from exact samples."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm(*parts), "<i2"), 16_000, format="FLAC")
    return file.getvalue()


def decoding_now(server: Live) -> list[int]:
    """Process ids."""
    decoders = server.server.runtime.decoders
    return children(parent(decoders)) if decoders._parent else []


async def at_rest(server: Live) -> None:
    await server.at_rest()
    await until(lambda: not decoding_now(server))


@pytest.mark.parametrize("size", [7, 1000, 100_000])
async def test_coded_speech_becomes_the_text_of_the_same_speech_as_pcm(tmp_path: Path, size: int) -> None:
    async with live(tmp_path) as server:
        async with server.connect() as client:
            plain = await whole_task(client, "plain", pcm(*WORDS), max_sentence_silence=300)
            await client.send(run_task("coded", format="flac", max_sentence_silence=300))
            await send_audio(client, flac(*WORDS), size)
            await client.send(finish_task("coded"))
            coded = await hear(client, "coded")
        assert coded.finals("coded") == plain.finals("plain") == ["w1 w2 w3", "w4 w5", "w6"]
        assert ends(coded, "coded") == ends(plain, "plain")
        await at_rest(server)


def ends(heard: Heard, task_id: str) -> list[int]:
    return [s["end_time"] for s in heard.sentences(task_id) if s["end_time"] is not None]


async def test_bad_audio_fails_its_own_task(tmp_path: Path) -> None:
    data = flac(*WORDS)
    async with live(tmp_path) as server:
        async with server.connect() as bystander, server.connect() as client:
            await bystander.send(run_task("good", format="flac", max_sentence_silence=300))
            await send_audio(bystander, data[: len(data) // 2])
            heard = await whole_task(client, "bad", b"#EXTM3U\nfile:///etc/passwd\n" * 50, format="mp3")
            assert heard.events("bad") == ["task-started", "task-failed"]
            assert heard.failure("bad") == ("InvalidParameter", "Failed to decode audio as mp3: no MP3 frame in it.")
            await send_audio(bystander, data[len(data) // 2 :])
            await bystander.send(finish_task("good"))
            assert (await hear(bystander, "good")).finals("good") == ["w1 w2 w3", "w4 w5", "w6"]
        await at_rest(server)


async def test_a_killed_decoder_fails_its_own_task(tmp_path: Path) -> None:
    data = flac(*WORDS)
    half = len(data) // 2
    async with live(tmp_path) as server, server.connect() as victim, server.connect() as bystander:
        await victim.send(run_task("a", format="flac"))
        await send_audio(victim, data[:half])
        # Not only forked: one that ends before it has begun is replaced.
        await until(lambda: server.audio_s > 0)
        (first,) = decoding_now(server)
        await bystander.send(run_task("b", format="flac", max_sentence_silence=300))
        await send_audio(bystander, data[:half])
        await until(lambda: len(decoding_now(server)) == 2)
        os.kill(first, signal.SIGKILL)
        # One frame: the line is closed with the failure, and then nothing more can be sent.
        await victim.send(data[half : half + 1000])
        failure = (await hear(victim, "a")).failure("a")
        assert failure == ("InvalidParameter", "Failed to decode audio as flac: the decoder broke off.")
        await send_audio(bystander, data[half:])
        await bystander.send(finish_task("b"))
        assert (await hear(bystander, "b")).finals("b") == ["w1 w2 w3", "w4 w5", "w6"]


async def test_a_bomb_is_held_to_what_a_session_may_hold(tmp_path: Path) -> None:
    async with live(tmp_path, backlog_s=5.0) as server:
        most = 0.0
        async with server.connect() as client:
            await client.send(run_task("a", format="flac", heartbeat=True))
            await send_audio(client, silent_flac(900), 4000)
            await client.send(finish_task("a"))
            listening = asyncio.create_task(hear(client, "a"))
            while not listening.done():
                most = max(most, server.backlog_s)
                await asyncio.sleep(0.001)
        heard = await listening
        assert heard.messages[-1]["payload"]["usage"]["duration"] == math.ceil(900 * 65_535 / 16_000)
        # A session that is not full yet gets one answer of a decoder more, here a frame of 4.1 s, or two on the way.
        assert most < 5 + 2 * 4.1 + 1
        await at_rest(server)


async def test_whoever_leaves_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    data = flac(*WORDS)
    async with live(tmp_path) as server:
        for way in ("close", "abort"):
            for _ in range(5):
                client = await server.connect()
                await client.send(run_task("a", format="flac"))
                await send_audio(client, data[: len(data) // 2])
                if way == "close":
                    await client.close()
                else:
                    client.transport.abort()
        await at_rest(server)


async def test_a_task_without_any_byte_of_audio_is_told_so(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        heard = await whole_task(client, "a", b"", format="opus")
        failure = heard.failure("a")
        assert failure is not None and failure[0] == "NO_VALID_AUDIO_ERROR"


async def test_a_picture_larger_than_all_that_may_wait_is_read_through(tmp_path: Path) -> None:
    size = 500_000
    tag = b"ID3\x04\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    async with live(tmp_path) as server, server.connect() as client:
        heard = await whole_task(client, "a", tag + MP3, format="mp3")
        assert heard.events("a")[-1] == "task-finished"


async def test_a_server_that_stops_answers_what_it_has_decoded(tmp_path: Path) -> None:
    async with live(tmp_path) as server, server.connect() as client:
        await client.send(run_task("a", format="flac", max_sentence_silence=300))
        data = flac(*WORDS, 3000)
        await send_audio(client, data[:-10])
        await server.has_heard(8.0)
        server.server.stop()
        heard = await hear(client, "a")
        assert heard.finals("a") == ["w1 w2 w3", "w4 w5", "w6"]


# ---- session protocols: a packet in each append ---------------------------------------------------------------------


async def talk(server: Live, messages: list[dict[str, Any]], until_type: str) -> list[dict[str, Any]]:
    url = f"{server.server.url}/api-ws/v1/realtime?model=qwen3-asr-flash-realtime"
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {KEY}"}) as client:
        for message in messages:
            await client.send(json.dumps(message))
        said: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE_S):
            while not said or said[-1]["type"] != until_type:
                said.append(json.loads(await client.recv()))
        return said


def append(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}


UPDATE = {"type": "session.update", "session": {"input_audio_format": "opus", "turn_detection": None}}
COMMIT = {"type": "input_audio_buffer.commit"}
SESSION_FINISH = {"type": "session.finish"}
PACKETS = packets(voice(48_000, 2), 48_000, "libopus", 24_000)
OGG = encode(voice(48_000, 2), 48_000, "libopus", "ogg", 24_000)


@pytest.mark.parametrize("appends", [PACKETS, frames(OGG, 500)], ids=["packets", "ogg"])
async def test_opus_on_a_session_protocol_is_committed_after_it_is_decoded(
    tmp_path: Path, appends: list[bytes]
) -> None:
    half = len(appends) // 2
    messages = [UPDATE, *map(append, appends[:half]), COMMIT, *map(append, appends[half:]), COMMIT, SESSION_FINISH]
    async with live(tmp_path) as server:
        said = await talk(server, messages, "session.finished")
        kinds = [message["type"] for message in said]
        assert kinds.count("input_audio_buffer.committed") == 2
        assert kinds.count("conversation.item.input_audio_transcription.completed") == 2
        assert "error" not in kinds
        assert kinds.index("session.updated") < kinds.index("input_audio_buffer.committed")
        audio_s = server.server.runtime.metrics.audio_s._value.get()
        assert audio_s == pytest.approx(2, abs=0.2)
        await at_rest(server)
