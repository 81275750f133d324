"""Which protocol a connection speaks: by what it asks for at the door, and on one door also by what it says first.

In: path, query and headers of the handshake. Out: a dialect, or None where there is no such door. Knows no sockets.

| path | asked for | spoken |
|---|---|---|
| `/api-ws/v1/inference` | | tasks |
| `/api-ws/v1/realtime` | `intent=transcription` | OpenAI's transcription |
| `/api-ws/v1/realtime` | | Qwen's sessions; another protocol's client is known by its first update (`realtime`) |
| `/v1/realtime` | beta by header or sub-protocol | OpenAI's transcription under its older names |
| `/v1/realtime` | | OpenAI's transcription; vLLM's client is known by its first update (`Announced`) |
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stenowire.dialects.base import Close, Dialect, Output
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.realtime import Realtime
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.vllm import VllmDialect
from stenowire.events import Hangup, Open, Update


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says to a dialect when it opens one."""

    now: float
    """Seconds of the clock that its calls go by."""
    unix_s: int
    """The same moment, in seconds since 1970."""
    default_model: str
    """What recognises where a client of OpenAI's protocol names no model."""
    idle_s: float = 60.0
    max_tasks: int = 16
    max_task_chars: int = 1 << 20
    max_session_chars: int = 22 << 20
    """The longest text frame of a task, which holds no audio, and of a session, which may."""


class Handshake(msgspec.Struct, frozen=True):
    """Header names are in lower case."""

    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def beta(self) -> bool:
        """By header; browsers, which cannot set one, by sub-protocol."""
        offered = self.headers.get("sec-websocket-protocol", "")
        return "realtime=v1" in self.headers.get("openai-beta", "") or "openai-beta.realtime-v1" in offered


def choose(path: str, query: Mapping[str, str], headers: Mapping[str, str], door: Door) -> Dialect | None:
    build = DOORS.get(path.rstrip("/"))
    return build(Handshake(query, {name.lower(): value for name, value in headers.items()}), door) if build else None


def task(asked: Handshake, door: Door) -> Dialect:
    return TaskDialect(door.now, max_tasks=door.max_tasks, max_text_chars=door.max_task_chars, idle_s=door.idle_s)


def session(asked: Handshake, door: Door) -> Dialect:
    """The beta header alone tells nothing here: the vendor's own samples send it."""
    if asked.query.get("intent") == "transcription":
        return openai(asked, door)
    return Realtime(
        door.now,
        model=asked.query.get("model", ""),
        unix_s=door.unix_s,
        heartbeat=asked.query.get("heartbeat", "").lower() == "true",
        max_text_chars=door.max_session_chars,
    )


def transcription(asked: Handshake, door: Door) -> Dialect:
    return openai(asked, door) if asked.beta else Announced(openai(asked, door), door)


def openai(asked: Handshake, door: Door) -> OpenAIDialect:
    return OpenAIDialect(
        door.now,
        model=asked.query.get("model") or door.default_model,
        unix_s=door.unix_s,
        beta=asked.beta,
        idle_s=door.idle_s,
        max_text_chars=door.max_session_chars,
    )


DOORS: dict[str, Callable[[Handshake, Door], Dialect]] = {
    "/api-ws/v1/inference": task,
    "/api-ws/v1/realtime": session,
    "/v1/realtime": transcription,
}


# ---- the door that OpenAI's clients share with vLLM's -------------------------------------------------------------

UPDATES = ("session.update", "transcription_session.update")


class Peek(msgspec.Struct, frozen=True):
    """As much of an event as tells the two apart, whatever is in it."""

    type: Any = None
    model: Any = None
    session: Any = None


_PEEK = msgspec.json.Decoder(Peek)


def peek(frame: str | bytes) -> Peek:
    """What cannot be read tells nothing. Never raises."""
    try:
        return _PEEK.decode(frame) if isinstance(frame, str) else Peek()
    except (ValueError, RecursionError):
        return Peek()


class Announced:
    """A session that was announced in words that suit both protocols. The first update decides: a model beside no
    session is vLLM's. Audio that came before such an update is lost; the other protocol has another rate for it."""

    def __init__(self, first: OpenAIDialect, door: Door) -> None:
        self._dialect: OpenAIDialect | VllmDialect = first
        self._door = door
        self._decided = False
        self._opened: str | None = None

    def begin(self, now: float) -> list[Output]:
        return self._dialect.begin(now)

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._decided:
            return self._dialect.receive(frame, now)
        event = peek(frame)
        self._decided = event.type in UPDATES
        if event.type == "session.update" and isinstance(event.model, str) and event.session is None:
            return self._become_vllm(now) + self._dialect.receive(frame, now)
        return self._watch(self._dialect.receive(frame, now))

    def send(self, update: Update, now: float) -> list[Output]:
        return self._watch(self._dialect.send(update, now))

    def tick(self, now: float) -> list[Output]:
        return self._watch(self._dialect.tick(now))

    @property
    def next_tick(self) -> float | None:
        return self._dialect.next_tick

    def _become_vllm(self, now: float) -> list[Output]:
        self._dialect = VllmDialect(
            now,
            unix_s=self._door.unix_s,
            idle_s=self._door.idle_s,
            max_text_chars=self._door.max_session_chars,
            session_id=self._dialect.session_id,
        )
        return [] if self._opened is None else [Hangup(self._opened)]

    def _watch(self, outputs: list[Output]) -> list[Output]:
        """Note the session that is open. A connection that was closed does not become another protocol's."""
        for output in outputs:
            match output:
                case Open(session=name):
                    self._opened = name
                case Close():
                    self._decided = True
        return outputs
