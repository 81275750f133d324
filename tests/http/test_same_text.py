"""The same recording, segmented alike, is the same text at every door: the real engine over HTTP and by socket."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from http_calls import (
    ASYNC,
    CHAT,
    FILES,
    GENERATION,
    chat,
    client,
    ended,
    events,
    files,
    generation,
    transcribe,
    upload,
)
from live_server import Live, live_with, whole_task
from stenowire.serving.hub import Hub

pytestmark = pytest.mark.engine

MODEL = "fun-asr-realtime"
"""The same name at every door, so that sentences end after the same silence."""


@asynccontextmanager
async def real_server(data: Path, models: Path) -> AsyncIterator[Live]:
    hub = Hub()
    hub.load(models)
    # One effort for all finals: the automatic choice depends on how busy the machine is.
    async with live_with(hub, data, beam="always") as server:
        yield server


async def test_every_door_gives_the_same_text(tmp_path: Path, moonshine_folder: Path, silero_folder: Path) -> None:
    recording = (moonshine_folder / "beckett.wav").read_bytes()
    async with real_server(tmp_path, moonshine_folder.parent) as server, client(server) as visitor:
        async with server.connect() as socket:
            finals = (await whole_task(socket, "a", recording, format="wav")).finals("a")
        said = " ".join(finals)
        texts = await http_texts(visitor, recording)
    assert len(said.split()) > 10
    assert texts == dict.fromkeys(texts, said)


async def http_texts(visitor: httpx.AsyncClient, recording: bytes) -> dict[str, str]:
    audio = base64.b64encode(recording).decode()
    of_chat, of_generation = chat(audio, model=MODEL), generation(audio) | {"model": MODEL}
    texts = {
        "json": (await transcribe(visitor, recording, model=MODEL)).json()["text"],
        "text": (await transcribe(visitor, recording, model=MODEL, response_format="text")).text.removesuffix("\n"),
        "streamed": events((await transcribe(visitor, recording, model=MODEL, stream="true")).text)[-1]["text"],
        "chat": (await visitor.post(CHAT, json=of_chat)).json()["choices"][0]["message"]["content"],
        "message": message_text((await visitor.post(GENERATION, json=of_generation)).json()),
    }
    chunks = events((await visitor.post(CHAT, json=of_chat | {"stream": True})).text)
    texts["chat streamed"] = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    task = await visitor.post(FILES, json=files(await upload(visitor, recording), model=MODEL), headers=ASYNC)
    done = await ended(visitor, task.json()["output"]["task_id"])
    result = (await visitor.get(done["output"]["results"][0]["transcription_url"])).json()
    texts["file task"] = result["transcripts"][0]["text"]
    return texts


def message_text(answer: dict[str, Any]) -> str:
    return str(answer["output"]["choices"][0]["message"]["content"][0]["text"])
