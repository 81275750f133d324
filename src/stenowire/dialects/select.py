"""Which protocol a connection speaks: decided by what it asked for at the door, and twice by what it says first.

In: path, query and headers of the handshake. Out: a dialect, or None where there is no such door. Knows no sockets.

Two doors are shared, because clients of other protocols arrive on them with nothing in the handshake that tells them
apart. There the session is announced in words that suit both, and the first update decides.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stenowire.dialects.base import Close, Dialect, Output
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.qwen import QwenDialect
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.vllm import VllmDialect
from stenowire.events import Hangup, Open, Update

UPDATES = ("session.update", "transcription_session.update")
MAX_UPDATE_CHARS = 1 << 20
"""A longer frame is not an update."""


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


class Wish(msgspec.Struct, frozen=True):
    """What a client asked for at the door; header names in lower case."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    door: Door

    @property
    def transcription(self) -> bool:
        return self.query.get("intent") == "transcription"

    @property
    def beta(self) -> bool:
        """By header; browsers, which cannot set one, by sub-protocol."""
        asked = self.headers.get("openai-beta", "") + self.headers.get("sec-websocket-protocol", "")
        return "realtime=v1" in asked or "openai-beta.realtime-v1" in asked


def choose(path: str, query: Mapping[str, str], headers: Mapping[str, str], door: Door) -> Dialect | None:
    wish = Wish(query, {name.lower(): value for name, value in headers.items()}, door)
    build = DOORS.get(path.rstrip("/"))
    return build(wish) if build else None


# ---- the doors ----------------------------------------------------------------------------------------------------


def task(wish: Wish) -> Dialect:
    door = wish.door
    return TaskDialect(door.now, max_tasks=door.max_tasks, max_text_chars=door.max_task_chars, idle_s=door.idle_s)


def qwen(wish: Wish) -> Dialect:
    """Clients that say they transcribe are OpenAI's; others may turn out to be. Their beta header tells nothing here,
    because the vendor's own samples send it."""
    if wish.transcription:
        return openai(wish, beta=wish.beta)
    model = wish.query.get("model", "")
    kind = OmniDialect if "omni" in model else QwenDialect
    first = kind(
        wish.door.now,
        model=model,
        heartbeat=wish.query.get("heartbeat", "").lower() == "true",
        max_text_chars=wish.door.max_session_chars,
    )
    return Switch(first, means_openai, lambda session_id: openai(wish, beta=False, session_id=session_id))


def openai_or_vllm(wish: Wish) -> Dialect:
    first = openai(wish, beta=wish.beta)
    return first if wish.beta else Switch(first, means_vllm, lambda session_id: vllm(wish, session_id))


def openai(wish: Wish, *, beta: bool, session_id: str | None = None) -> OpenAIDialect:
    door = wish.door
    return OpenAIDialect(
        door.now,
        model=wish.query.get("model") or door.default_model,
        unix_s=door.unix_s,
        beta=beta,
        idle_s=door.idle_s,
        max_text_chars=door.max_session_chars,
        session_id=session_id,
    )


def vllm(wish: Wish, session_id: str) -> VllmDialect:
    door = wish.door
    return VllmDialect(
        door.now,
        unix_s=door.unix_s,
        idle_s=door.idle_s,
        max_text_chars=door.max_session_chars,
        session_id=session_id,
    )


DOORS: dict[str, Callable[[Wish], Dialect]] = {
    "/api-ws/v1/inference": task,
    "/api-ws/v1/realtime": qwen,
    "/v1/realtime": openai_or_vllm,
}


# ---- doors that two protocols share -------------------------------------------------------------------------------


class Opening(msgspec.Struct, frozen=True):
    """As much of a client's event as tells the protocols apart, whatever is in it."""

    type: Any = None
    model: Any = None
    session: Any = None


_OPENING = msgspec.json.Decoder(Opening)


def means_openai(update: Opening) -> bool:
    """Only that protocol names a type of session, writes formats as media types, or has sessions of that name."""
    if update.type == "transcription_session.update":
        return True
    kind = _at(update.session, "type")
    format = _at(update.session, "audio", "input", "format", "type")
    return kind in ("transcription", "realtime") or (isinstance(format, str) and format.startswith("audio/"))


def means_vllm(update: Opening) -> bool:
    return isinstance(update.model, str) and update.session is None


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


class Switch:
    """Speaks as `first` does until an update comes; if that one `means` the other protocol, then as `other` from there
    on. `other` is given the id of the session that was announced. Audio that came before is lost: what the first
    protocol took for its own format was not."""

    def __init__(
        self,
        first: QwenDialect | OpenAIDialect,
        means: Callable[[Opening], bool],
        other: Callable[[str], Dialect],
    ) -> None:
        self.dialect: Dialect = first
        self._first = first
        self._means = means
        self._other = other
        self._decided = False
        self._opened: str | None = None
        """The session that the first dialect has opened."""

    def begin(self, now: float) -> list[Output]:
        return self._watch(self._first.begin(now))

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._decided:
            return self.dialect.receive(frame, now)
        update = _read_update(frame)
        if update is None:
            return self._watch(self.dialect.receive(frame, now))
        self._decided = True
        if not self._means(update):
            return self.dialect.receive(frame, now)
        self.dialect = self._other(self._first.session_id)
        hangup: list[Output] = [] if self._opened is None else [Hangup(self._opened)]
        return hangup + self.dialect.receive(frame, now)

    def send(self, update: Update, now: float) -> list[Output]:
        return self._watch(self.dialect.send(update, now))

    def tick(self, now: float) -> list[Output]:
        return self._watch(self.dialect.tick(now))

    @property
    def next_tick(self) -> float | None:
        return self.dialect.next_tick

    def _watch(self, outputs: list[Output]) -> list[Output]:
        """Remember the session that is open; a connection that was closed does not become another protocol's."""
        for output in outputs:
            match output:
                case Open(session=session):
                    self._opened = session
                case Close():
                    self._decided = True
        return outputs


def _read_update(frame: str | bytes) -> Opening | None:
    if isinstance(frame, bytes) or len(frame) > MAX_UPDATE_CHARS:
        return None
    try:
        opening = _OPENING.decode(frame)
    except (ValueError, RecursionError):
        return None
    return opening if opening.type in UPDATES else None
