"""Clients of the session protocols that keep time, one row each: what they say, and how their events are read.

Written from the protocols, not from the product. In: the base URL of a server and a recording. Out: a `Take` as the
client of the task protocol gives it, so that the same figures can be read off both. Audio goes out as base64, 100 ms
at a time, on the same absolute schedule.

What a reader has on the screen counts as the text of an answer: the latest `text` and `stash` of an item, or all its
deltas joined. A final's `end_time` is where its speech was told to have stopped.
"""

import asyncio
import base64
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import soxr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.client import FRAME_MS, PATIENCE_S, Answer, Take, frames
from bench.corpus import RATE_HZ, Samples, pcm

Event = dict[str, Any]


@dataclass(frozen=True)
class Protocol:
    """A session in the words of its client. Events whose name is None do not exist there."""

    path: str
    opening: Event
    opened: str | None
    """The server's event after which the settings hold."""
    last: Event | None
    """Said after the last audio."""
    over: str | None
    """The server's event that nothing follows; where there is none, the client leaves once all it heard is answered."""
    rate_hz: int = RATE_HZ
    commits: bool = False
    """Whether the client, not silence, ends a sentence."""


def protocols(silence_ms: int) -> dict[str, Protocol]:
    """By name; where the server listens for silence, this much of it ends a sentence."""
    turn = {"type": "server_vad", "silence_duration_ms": silence_ms}
    qwen = {"type": "session.update", "session": {"turn_detection": {**turn, "threshold": 0.0}}}
    openai = {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": {"model": "gpt-4o-transcribe"},
        "turn_detection": {**turn, "threshold": 0.5},
    }
    finish = {"type": "session.finish"}
    return {
        "Qwen-ASR": Protocol(
            "/api-ws/v1/realtime?model=qwen3-asr-flash-realtime", qwen, "session.updated", finish, "session.finished"
        ),
        "Qwen-Omni": Protocol(
            "/api-ws/v1/realtime?model=qwen3-omni-flash-realtime", qwen, "session.updated", finish, "session.finished"
        ),
        "OpenAI": Protocol(
            "/v1/realtime?intent=transcription",
            {"type": "session.update", "session": {"type": "transcription", "audio": {"input": openai}}},
            opened="session.updated",
            last=None,
            over=None,
            rate_hz=24_000,
        ),
        "vLLM": Protocol(
            "/v1/realtime",
            {"type": "session.update", "model": "whisper-1"},
            opened=None,
            last={"type": "input_audio_buffer.commit", "final": True},
            over="transcription.done",
            commits=True,
        ),
    }


@dataclass
class Listener:
    """Reads the server's events of one session into `take`. `done` is set once nothing more will come."""

    take: Take
    over: str | None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    texts: dict[str, str] = field(default_factory=dict)
    """What is shown of each item, by its id, in the order in which they appeared."""
    stopped_ms: dict[str, int] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    """Items of which speech was heard."""

    async def listen(self, socket: ClientConnection) -> None:
        try:
            async for frame in socket:
                self.hear(json.loads(frame), time.monotonic())
        except ConnectionClosed as gone:
            self._fail(f"the connection broke: {gone}")
        self._fail("the connection closed before the session was over")

    def hear(self, event: Event, at: float) -> None:
        kind, item = event["type"], event.get("item_id", "")
        match kind:
            case "input_audio_buffer.speech_started":
                self.unanswered.add(item)
            case "input_audio_buffer.speech_stopped":
                self.stopped_ms[item] = event["audio_end_ms"]
            case "conversation.item.input_audio_transcription.text":
                self._show(item, event["text"] + event["stash"], at)
            case "conversation.item.input_audio_transcription.delta" | "transcription.delta":
                self._show(item, self.texts.get(item, "") + event["delta"], at)
            case "conversation.item.input_audio_transcription.completed":
                self.unanswered.discard(item)
                self._show(item, event["transcript"], at, self.stopped_ms.get(item, 0))
            case "transcription.done":
                self._show(item, event["text"], at, FRAME_MS * len(self.take.sent))
            case "conversation.item.input_audio_transcription.failed" | "error":
                self._fail(json.dumps(event["error"]))
        is_last = kind == self.over if self.over else self.take.finish_sent and not self.unanswered
        if is_last:
            self.take.finished = at
            self.done.set()

    def _show(self, item: str, text: str, at: float, end_ms: int | None = None) -> None:
        self.texts[item] = text
        number = [*self.texts].index(item) + 1
        self.take.answers.append(Answer(at, {"sentence_id": number, "end_time": end_ms, "text": text, "words": []}))

    def _fail(self, reason: str) -> None:
        self.take.failure = self.take.failure or reason
        self.done.set()


async def take(base: str, key: str, protocol: Protocol, name: str, samples: Samples) -> Take:
    """Send one recording as one session, at the pace of speech. A failure is told in `failure`."""
    result = Take(name)
    headers = {"Authorization": f"Bearer {key}"}
    url = base + protocol.path
    async with connect(url, additional_headers=headers, max_size=None, compression=None, ping_interval=None) as socket:
        await _expect(socket, "session.created")
        await socket.send(json.dumps(protocol.opening))
        if protocol.opened:
            await _expect(socket, protocol.opened)
        listener = Listener(result, protocol.over)
        listening = asyncio.create_task(listener.listen(socket))
        # A connection that breaks is told by the listener.
        with suppress(ConnectionClosed):
            await _send(socket, protocol, samples, result)
        if protocol.over or listener.unanswered:
            await asyncio.wait_for(listener.done.wait(), PATIENCE_S)
        listening.cancel()
    return result


async def _send(socket: ClientConnection, protocol: Protocol, samples: Samples, result: Take) -> None:
    async for frame in frames(pcm(resampled(samples, protocol.rate_hz)), protocol.rate_hz, result):
        audio = base64.b64encode(frame).decode()
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    result.finish_sent = time.monotonic()
    result.committed = result.finish_sent if protocol.commits else None
    if protocol.last:
        await socket.send(json.dumps(protocol.last))


def resampled(samples: Samples, rate_hz: int) -> Samples:
    return samples if rate_hz == RATE_HZ else soxr.resample(samples, RATE_HZ, rate_hz, quality="HQ")


async def _expect(socket: ClientConnection, kind: str) -> None:
    event = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))
    if event["type"] != kind:
        raise RuntimeError(f"no {kind} but {event}")
