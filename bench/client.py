"""A client of the task protocol that keeps time: when each piece of audio was sent, when each answer came.

Written from the protocol, not from the product's own client. Audio goes out in 100 ms frames on an absolute schedule
(start + k * 100 ms / pace), so a late frame does not delay the next. `pace` None sends without waiting.
All times are seconds of the monotonic clock.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.corpus import RATE_HZ, Samples, pcm

FRAME_MS = 100
MODEL = "fun-asr-realtime"
PATIENCE_S = 60.0
"""How long to wait for task-finished after the last audio."""


@dataclass
class Answer:
    """One result: `sentence` as it stood on the wire."""

    at: float
    sentence: dict[str, Any]

    @property
    def final(self) -> bool:
        return self.sentence.get("end_time") is not None

    @property
    def text(self) -> str:
        return str(self.sentence["text"])


@dataclass
class Take:
    """One task: what was sent when, what came back when."""

    name: str
    sent: list[float] = field(default_factory=list)
    """Send time of frame k, which holds the audio from k * 100 ms on."""
    late: list[float] = field(default_factory=list)
    """How much later than planned, by frame."""
    answers: list[Answer] = field(default_factory=list)
    failure: str | None = None
    finish_sent: float = 0.0
    committed: float | None = None
    """When the client itself said that a sentence had ended, in protocols that leave it to the client."""
    finished: float = 0.0

    def sent_at(self, ms: float) -> float:
        """When the sample at this audio time was sent; audio that was never sent counts as sent last."""
        return self.sent[min(max(0, int(ms // FRAME_MS)), len(self.sent) - 1)]

    @property
    def finals(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.final]

    @property
    def text(self) -> str:
        return " ".join(answer.text.strip() for answer in self.finals)

    def sentences(self) -> list[list[Answer]]:
        """Answers grouped by sentence, in the order of their finals."""
        groups: dict[int, list[Answer]] = {}
        for answer in self.answers:
            groups.setdefault(answer.sentence["sentence_id"], []).append(answer)
        return [group for group in groups.values() if group[-1].final]


async def take(
    url: str,
    key: str,
    name: str,
    samples: Samples,
    *,
    pace: float | None = 1.0,
    model: str = MODEL,
    start_at: float | None = None,
    **parameters: Any,
) -> Take:
    """Send one recording as one task and collect what comes back. A failed task is told in `failure`."""
    result = Take(name)
    headers = {"Authorization": f"bearer {key}"}
    async with connect(url, additional_headers=headers, max_size=None, compression=None, ping_interval=None) as socket:
        task = uuid.uuid4().hex
        settings = {"format": "pcm", "sample_rate": RATE_HZ, **parameters}
        payload = {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": model,
            "parameters": settings,
            "input": {},
        }
        await socket.send(_action("run-task", task, payload))
        await _expect_start(socket)
        reading = asyncio.create_task(_read(socket, result))
        async for frame in frames(pcm(samples), RATE_HZ, result, pace=pace, start_at=start_at):
            await socket.send(frame)
        result.finish_sent = time.monotonic()
        await socket.send(_action("finish-task", task, {"input": {}}))
        await asyncio.wait_for(reading, PATIENCE_S)
    return result


def _action(action: str, task: str, payload: dict[str, Any]) -> str:
    return json.dumps({"header": {"action": action, "task_id": task, "streaming": "duplex"}, "payload": payload})


async def _expect_start(socket: ClientConnection) -> None:
    header = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["header"]
    if header["event"] != "task-started":
        raise RuntimeError(f"no task-started but {header}")


async def frames(
    audio: bytes, rate_hz: int, result: Take, *, pace: float | None = 1.0, start_at: float | None = None
) -> AsyncIterator[bytes]:
    """Each 100 ms of 16-bit samples when it is due, noted in `result` as sent at that moment."""
    step = rate_hz * FRAME_MS // 1000 * 2
    start = time.monotonic() if start_at is None else start_at
    for index, offset in enumerate(range(0, len(audio), step)):
        if pace is not None:
            due = start + index * FRAME_MS / 1000 / pace
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            result.late.append(time.monotonic() - due)
        result.sent.append(time.monotonic())
        yield audio[offset : offset + step]


async def _read(socket: ClientConnection, result: Take) -> None:
    async for frame in socket:
        now = time.monotonic()
        message = json.loads(frame)
        match message["header"]["event"]:
            case "result-generated":
                sentence = message["payload"]["output"]["sentence"]
                if not sentence.get("heartbeat"):
                    result.answers.append(Answer(now, sentence))
            case "task-finished":
                result.finished = now
                return
            case _:
                result.failure = f"{message['header'].get('error_code')}: {message['header'].get('error_message')}"
                return
    result.failure = "the connection closed before the task was finished"
