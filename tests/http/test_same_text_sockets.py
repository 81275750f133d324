"""The same audio, segmented alike, is the same text in every socket protocol, by silence and by commit: real engine."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import websockets

from live_server import KEY, Live, live_with, whole_task
from stenowire.serving.hub import Hub
from stenowire.types import Samples

pytestmark = pytest.mark.engine

SILENCE_MS = 1300
PIECE = 3200
QWEN = "/api-ws/v1/realtime?model=qwen3-asr-flash-realtime"
OMNI = "/api-ws/v1/realtime?model=qwen3-omni-flash-realtime"
OPENAI = "/v1/realtime?intent=transcription"
DONE = "transcription.done"
COMPLETED = "conversation.item.input_audio_transcription.completed"


@asynccontextmanager
async def real_server(data: Path, models: Path) -> AsyncIterator[Live]:
    hub = Hub()
    hub.load(models)
    # One effort for all finals: the automatic choice depends on how busy the machine is.
    async with live_with(hub, data, beam="always") as server:
        yield server


async def talk(
    server: Live, path: str, update: dict[str, Any], audio: bytes, *ends: dict[str, Any], items: int = 0
) -> list[str]:
    """The transcripts of one session: settings, all audio in pieces, then `ends`; until its end, or so many `items`."""
    headers = {"Authorization": f"Bearer {KEY}"}
    found: list[str] = []
    async with websockets.connect(server.server.url + path, additional_headers=headers) as socket:
        await socket.send(json.dumps(update))
        for at in range(0, len(audio), PIECE):
            piece = base64.b64encode(audio[at : at + PIECE]).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": piece}))
        for end in ends:
            await socket.send(json.dumps(end))
        async for frame in socket:
            event = json.loads(frame)
            assert event["type"] != "error", event
            if event["type"] in (COMPLETED, DONE):
                found.append(event.get("transcript", event.get("text")))
            if event["type"] in ("session.finished", DONE) or len(found) == items > 0:
                break
    return found


def openai_update(turn_detection: dict[str, Any] | None) -> dict[str, Any]:
    input = {"format": {"type": "audio/pcm", "rate": 16_000}, "turn_detection": turn_detection}
    return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": input}}}


def session_update(turn_detection: dict[str, Any] | None) -> dict[str, Any]:
    return {"type": "session.update", "session": {"turn_detection": turn_detection, "modalities": ["text"]}}


FINISH = {"type": "session.finish"}
COMMIT = {"type": "input_audio_buffer.commit"}


@pytest.fixture
def audio(two_cities: Samples) -> bytes:
    """Two sentences' worth of it, then silence enough to end the last one in every protocol."""
    sound = np.concatenate([two_cities[: 16_000 * 9], np.zeros(16_000 * 2, np.float32)])
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


async def test_cut_by_silence(tmp_path: Path, moonshine_folder: Path, silero_folder: Path, audio: bytes) -> None:
    vad = {"type": "server_vad", "threshold": 0.0, "silence_duration_ms": SILENCE_MS, "prefix_padding_ms": 300}
    async with real_server(tmp_path, moonshine_folder.parent) as server:
        async with server.connect() as socket:
            parameters = {"max_sentence_silence": SILENCE_MS}
            said = (await whole_task(socket, "a", audio, **parameters)).finals("a")
        assert len(" ".join(said).split()) > 10
        assert await talk(server, QWEN, session_update(vad), audio, FINISH) == said
        assert await talk(server, OMNI, session_update(vad), audio, FINISH) == said
        # OpenAI's protocol has no word for the end, and another scale for the threshold.
        openai = openai_update(vad | {"threshold": 0.5})
        assert await talk(server, OPENAI, openai, audio, items=len(said)) == said


async def test_cut_by_commit(tmp_path: Path, moonshine_folder: Path, silero_folder: Path, audio: bytes) -> None:
    async with real_server(tmp_path, moonshine_folder.parent) as server:
        said = await talk(server, QWEN, session_update(None), audio, COMMIT, FINISH)
        assert len(said) == 1 and len(said[0].split()) > 10
        assert await talk(server, OPENAI, openai_update(None), audio, COMMIT, items=1) == said
        vllm = {"type": "session.update", "model": "fun-asr-realtime"}
        assert await talk(server, "/v1/realtime", vllm, audio, COMMIT | {"final": True}) == said
