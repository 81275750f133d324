"""A client written for vLLM's realtime transcription, as its documents describe one, gets its text from this server."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from bench.server import Server
from websockets.sync.client import ClientConnection, connect

from compat.sdks import spoken
from stenowire.types import SESSION_RATE_HZ, Samples

pytestmark = pytest.mark.compat

SAID = "best of times it was the worst of times"
PATIENCE_S = 60.0
FRAME_BYTES = 4096


def arrive(server: Server) -> ClientConnection:
    url = server.url.removesuffix("/api-ws/v1/inference") + "/v1/realtime"
    return connect(url, additional_headers={"Authorization": f"Bearer {server.key}"}, compression=None)


def tell(socket: ClientConnection, type: str, **fields: Any) -> None:
    socket.send(json.dumps({"type": type, **fields}))


def hear(socket: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(socket.recv(PATIENCE_S))
    return event


def send_audio(socket: ClientConnection, samples: Samples) -> None:
    data = (np.clip(samples, -1, 0.99997) * 32768).astype("<i2").tobytes()
    for at in range(0, len(data), FRAME_BYTES):
        tell(socket, "input_audio_buffer.append", audio=base64.b64encode(data[at : at + FRAME_BYTES]).decode())


def transcription(socket: ClientConnection) -> tuple[list[str], dict[str, Any]]:
    """The deltas up to the end of a transcription, and its end."""
    deltas = []
    while (event := hear(socket))["type"] == "transcription.delta":
        deltas.append(event["delta"])
    return deltas, event


def test_two_transcriptions_on_one_connection(server: Server, two_cities: Samples) -> None:
    with arrive(server) as socket:
        created = hear(socket)
        assert created["type"] == "session.created" and created["id"] and isinstance(created["created"], int)
        tell(socket, "session.update", model="whisper-1")
        for seconds in (10, 3):
            tell(socket, "input_audio_buffer.commit")
            send_audio(socket, two_cities[: seconds * SESSION_RATE_HZ])
            tell(socket, "input_audio_buffer.commit", final=True)
            deltas, done = transcription(socket)
            assert done["type"] == "transcription.done"
            assert done["text"] == "".join(deltas) or not done["text"].startswith("".join(deltas))
            assert "best of times" in spoken([done["text"]])
            usage = done["usage"]
            assert usage["prompt_tokens"] == np.ceil(seconds * 12.5)
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
            if seconds == 10:
                assert SAID in spoken([done["text"]])


def test_errors_are_strings_with_a_code_and_the_session_goes_on(server: Server) -> None:
    with arrive(server) as socket:
        hear(socket)
        tell(socket, "session.update", model="no-such-model")
        refused = hear(socket)
        assert refused["type"] == "error" and isinstance(refused["error"], str)
        assert refused["code"] == "model_not_validated"
        tell(socket, "input_audio_buffer.commit", final=True)
        assert hear(socket)["code"] == "model_not_validated"
        tell(socket, "session.update", model="whisper-1")
        tell(socket, "input_audio_buffer.append", audio="?")
        assert hear(socket)["code"] == "invalid_audio"
        tell(socket, "input_audio_buffer.commit", final=True)
        assert hear(socket) == {
            "type": "transcription.done",
            "text": "",
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        }
