"""What each protocol costs by itself: its translation both ways, without sockets, sessions or engines.

    python -m bench.dialect_work ROUNDS

The one program here that imports `stenowire`, as no client can see this figure: it runs in the server's interpreter.
A round is half a minute of talk: every 100 ms a frame is received as the protocol's client sends it (base64 in JSON
but for the tasks), and what a session says meanwhile is sent: an interim each 300 ms while a sentence of 16 words
grows, its final after 6 s, and where its speech began and ended. Writes {dialect, us: [one per round]} for each: µs of
processor time per frame, with all that is sent in that time.
"""

import base64
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from stenowire.dialects.base import Dialect, Output, Text
from stenowire.dialects.select import Door, choose
from stenowire.events import (
    Audio,
    Final,
    Open,
    Opened,
    Partial,
    Reconfigure,
    Reconfigured,
    SpeechStarted,
    SpeechStopped,
    Update,
)
from stenowire.types import Sentence, Word

FRAME_MS, INTERIM_MS, SPOKEN_MS, SENTENCE_MS, SENTENCES = 100, 300, 5200, 6000, 5
TEXT = "It is a far, far better thing that I do, than I have ever done yet."
SAID = TEXT.split()
TASK = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Client:
    """How a client of a protocol arrives, and what it says first."""

    path: str
    opening: dict[str, Any]
    query: str = ""
    value: str = ""
    rate_hz: int = 16_000
    binary: bool = False
    """Whether audio is sent as it is."""
    commits: bool = False
    """Whether the client ends its sentences."""


def _run_task() -> dict[str, Any]:
    parameters = {"format": "pcm", "sample_rate": 16_000}
    payload = {"task_group": "audio", "task": "asr", "function": "recognition", "model": "fun-asr-realtime"}
    header = {"action": "run-task", "task_id": TASK, "streaming": "duplex"}
    return {"header": header, "payload": {**payload, "parameters": parameters, "input": {}}}


CLIENTS = {
    "task": Client("/api-ws/v1/inference", _run_task(), binary=True),
    "Qwen-ASR": Client(
        "/api-ws/v1/realtime", {"type": "session.update", "session": {}}, "model", "qwen3-asr-flash-realtime"
    ),
    "Qwen-Omni": Client(
        "/api-ws/v1/realtime", {"type": "session.update", "session": {}}, "model", "qwen3-omni-flash-realtime"
    ),
    "OpenAI": Client(
        "/v1/realtime", {"type": "session.update", "session": {}}, "intent", "transcription", rate_hz=24_000
    ),
    "vLLM": Client("/v1/realtime", {"type": "session.update", "model": "whisper-1"}, commits=True),
}


def opened(client: Client) -> tuple[Dialect, str]:
    """A dialect whose client has been let in, and the name of its session."""
    query = {client.query: client.value} if client.query else {}
    dialect = choose(client.path, query, {}, Door(now=0.0, unix_s=0, default_model="m"))
    assert dialect is not None
    outputs = [*dialect.begin(0.0), *dialect.receive(json.dumps(client.opening), 0.0)]
    session = next(output.session for output in outputs if isinstance(output, Open))
    dialect.send(Opened(session), 0.0)
    for output in outputs:
        if isinstance(output, Reconfigure):
            dialect.send(Reconfigured(session), 0.0)
    return dialect, session


def frames(client: Client) -> list[list[str | bytes]]:
    """What the client sends in each 100 ms."""
    sound = bytes(range(256)) * 64
    audio = sound[: client.rate_hz * 2 * FRAME_MS // 1000]
    coded = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()})
    each: list[list[str | bytes]] = [
        [audio if client.binary else coded] for _ in range(SENTENCES * SENTENCE_MS // FRAME_MS)
    ]
    if client.commits:
        commit = json.dumps({"type": "input_audio_buffer.commit", "final": True})
        for ended in each[SENTENCE_MS // FRAME_MS - 1 :: SENTENCE_MS // FRAME_MS]:
            ended.append(commit)
    return each


def updates(client: Client, session: str) -> list[list[Update]]:
    """What the session says in each 100 ms."""
    each: list[list[Update]] = []
    for number in range(1, SENTENCES + 1):
        begin_ms = (number - 1) * SENTENCE_MS
        for at_ms in range(FRAME_MS, SENTENCE_MS + 1, FRAME_MS):
            said: list[Update] = []
            if at_ms == FRAME_MS and not client.commits:
                said.append(SpeechStarted(session, number, begin_ms))
            if at_ms % INTERIM_MS == 0 and at_ms <= SPOKEN_MS:
                said.append(Partial(session, _sentence(number, begin_ms, at_ms), number))
            if at_ms == SENTENCE_MS and not client.commits:
                said.append(SpeechStopped(session, number, begin_ms + SPOKEN_MS))
            if at_ms == SENTENCE_MS:
                final = _sentence(number, begin_ms, SPOKEN_MS, final=True)
                said.append(Final(session, final, (begin_ms + SENTENCE_MS) / 1000, number))
            each.append(said)
    return each


def _sentence(number: int, begin_ms: int, spoken_ms: int, *, final: bool = False) -> Sentence:
    """As much of it as has been said by then; all but the last two words are settled before the final."""
    word_ms = SPOKEN_MS // len(SAID)
    words = tuple(
        Word(
            said.rstrip(",."),
            begin_ms + index * word_ms,
            begin_ms + (index + 1) * word_ms,
            said[len(said.rstrip(",.")) :],
            0.9,
        )
        for index, said in enumerate(SAID[: spoken_ms // word_ms])
    )
    stable = len(words) if final else max(0, len(words) - 2)
    return Sentence(number, begin_ms, begin_ms + spoken_ms if final else None, words, stable, final, "en")


def play(dialect: Dialect, sent: list[list[str | bytes]], told: list[list[Update]]) -> list[Output]:
    """All that came out. The timers are asked for after each call, as the server asks."""
    outputs: list[Output] = []
    now = 0.0
    for arrived, said in zip(sent, told, strict=True):
        now += FRAME_MS / 1000
        for frame in arrived:
            outputs += dialect.receive(frame, now)
            _ = dialect.next_tick
        for update in said:
            outputs += dialect.send(update, now)
            _ = dialect.next_tick
    return outputs


def rounds_us(client: Client, rounds: int) -> list[float]:
    """µs per frame, one figure per round, each with a new connection. The first round only warms up."""
    sent = frames(client)
    found = []
    for _ in range(rounds + 1):
        dialect, session = opened(client)
        told = updates(client, session)
        begun = time.process_time_ns()
        outputs = play(dialect, sent, told)
        found.append((time.process_time_ns() - begun) / 1000 / len(sent))
        check(client, outputs)
    return found[1:]


def check(client: Client, outputs: list[Output]) -> None:
    """A dialect that refuses frames, or keeps words to itself, would be measured as a fast one."""
    heard_s = sum(len(output.data) for output in outputs if isinstance(output, Audio)) / client.rate_hz / 2
    whole = sum(TEXT in output.data for output in outputs if isinstance(output, Text))
    if round(1000 * heard_s) != SENTENCES * SENTENCE_MS or whole < SENTENCES:
        raise RuntimeError(f"{client.path}: only {heard_s:.1f} s were heard and {whole} sentences told")


def main(rounds: int) -> None:
    for name, client in CLIENTS.items():
        print(json.dumps({"dialect": name, "us": rounds_us(client, rounds)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
