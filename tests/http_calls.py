"""Recordings for the scripted engine as clients send them, and a client to send them: for tests of the HTTP doors."""

import asyncio
import base64
import json
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from live_server import KEY, PATIENCE_S, Live, pcm

SCRIPT = Path(__file__).with_name("faults") / "scripted_server.py"
RATE_HZ = 16_000
TWO_SENTENCES = ("w41 w42", 2000, "w43")
SAID = "w41 w42 w43"


def wav(*parts: str | int) -> bytes:
    """Words as text, pauses as milliseconds: a WAV file of 16 bit at 16 kHz."""
    data = pcm(*parts)
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, RATE_HZ, 32_000, 2, 16)
    return head + struct.pack("<4sI", b"data", len(data)) + data


def base64_wav(*parts: str | int) -> str:
    return base64.b64encode(wav(*parts)).decode()


def client(server: Live, key: str | None = KEY, **options: Any) -> httpx.AsyncClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    headers |= options.pop("headers", {})
    return httpx.AsyncClient(base_url=server.http, headers=headers, trust_env=False, timeout=PATIENCE_S, **options)


# ---- the doors ----------------------------------------------------------------------------------------------------

TRANSCRIPTIONS = "/v1/audio/transcriptions"
CHAT = "/compatible-mode/v1/chat/completions"
GENERATION = "/api/v1/services/aigc/multimodal-generation/generation"
FILES = "/api/v1/services/audio/asr/transcription"
ASYNC = {"X-DashScope-Async": "enable"}


async def transcribe(visitor: httpx.AsyncClient, recording: bytes, **fields: Any) -> httpx.Response:
    data = {"model": "whisper-1", **fields}
    return await visitor.post(TRANSCRIPTIONS, data=data, files={"file": ("speech.wav", recording)})


def chat(audio: str, **changes: Any) -> dict[str, Any]:
    part = {"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}}
    return {"model": "qwen3-asr-flash", "messages": [{"role": "user", "content": [part]}], **changes}


def generation(audio: str, **parameters: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": [{"audio": audio}]}]
    return {"model": "qwen3-asr-flash", "input": {"messages": messages}, "parameters": parameters}


def files(*urls: str, **changes: Any) -> dict[str, Any]:
    return {"model": "fun-asr", "input": {"file_urls": list(urls)}, **changes}


async def upload(visitor: httpx.AsyncClient, recording: bytes, name: str = "speech.wav") -> str:
    """The address of the uploaded recording."""
    policy = (await visitor.get("/api/v1/uploads?action=getPolicy&model=fun-asr")).json()["data"]
    form = {"key": f"{policy['upload_dir']}/{name}", "success_action_status": "200"}
    # As in the vendor's clients, the form goes without a key.
    async with httpx.AsyncClient(trust_env=False) as keyless:
        kept = await keyless.post(policy["upload_host"], data=form, files={"file": (name, recording)})
    assert kept.status_code == 200, kept.text
    return f"oss://{form['key']}"


async def ended(visitor: httpx.AsyncClient, task_id: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """The task, once it has ended."""
    async with asyncio.timeout(patience_s):
        while True:
            task: dict[str, Any] = (await visitor.get(f"/api/v1/tasks/{task_id}")).json()
            if task["output"]["task_status"] not in ("PENDING", "RUNNING"):
                return task
            await asyncio.sleep(0.02)


def events(body: str) -> list[dict[str, Any]]:
    """The data of server-sent events, as JSON where it is that."""
    lines = (line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:"))
    return [json.loads(line) for line in lines if line != "[DONE]"]


# ---- a server that can be killed ----------------------------------------------------------------------------------


@contextmanager
def scripted_process(data: Path, step_s: float = 0.0) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server with the scripted engine in a process of its own, and its address."""
    said = data / "stdout"
    with said.open("w", encoding="utf-8") as stdout:
        process = subprocess.Popen([sys.executable, str(SCRIPT), str(data), str(step_s)], stdout=stdout)
    try:
        until = time.monotonic() + PATIENCE_S
        while not (found := re.search(r"^ws(://\S+)$", said.read_text(encoding="utf-8"), re.MULTILINE)):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        yield process, f"http{found[1]}"
    finally:
        process.terminate()
        process.wait()
