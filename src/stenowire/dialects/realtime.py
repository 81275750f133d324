"""What answers on `/api-ws/v1/realtime`: Qwen-ASR or Omni by the model's name, OpenAI's transcription by what is said.

Some programs of OpenAI's protocol arrive here too, because only the host was changed in them. They are known by their
first update; the session they have been told of goes on, in their own dialect and at their own rates. They may name
their model in that update alone, so an unknown model in the query is blamed only once the first event is here.
"""

import re
from typing import Any

import msgspec

from stenowire.dialects.base import Dialect, Output
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.qwen import QWEN_LIMITS, QwenDialect
from stenowire.dialects.realtime_wire import MAX_TEXT_CHARS
from stenowire.errors import ModelNotFound
from stenowire.events import Failed, Hangup, Update
from stenowire.types import Limits

FAMILIES: tuple[tuple[str, type[QwenDialect]], ...] = ((r".*omni", OmniDialect), (r"", QwenDialect))
"""(pattern at the start of the model's name, dialect); the first match counts."""

PATIENCE_S = 5.0
"""How long an unknown model waits for a first event that names another."""


class FormatPeek(msgspec.Struct, frozen=True):
    type: Any = None


class InputPeek(msgspec.Struct, frozen=True):
    format: FormatPeek | None = None


class AudioPeek(msgspec.Struct, frozen=True):
    input: InputPeek | None = None


class SessionPeek(msgspec.Struct, frozen=True):
    type: Any = None
    audio: AudioPeek | None = None


class Peek(msgspec.Struct, frozen=True):
    """As much of an event as tells its protocol."""

    type: str
    session: SessionPeek | None = None


_PEEK: msgspec.json.Decoder[Peek] = msgspec.json.Decoder(Peek)


def peek(frame: str | bytes) -> Peek:
    """What cannot be read tells nothing. Never raises."""
    try:
        return _PEEK.decode(frame)
    except (ValueError, RecursionError):
        return Peek("")


def is_openai(event: Peek) -> bool:
    if event.type == "transcription_session.update":
        return True
    if event.type != "session.update" or event.session is None:
        return False
    audio = event.session.audio
    format = audio.input.format.type if audio and audio.input and audio.input.format else None
    return event.session.type in ("transcription", "realtime") or str(format).startswith("audio/")


class Realtime:
    """Opened at `now`, which is `unix_s` seconds since 1970; `model` is the query's, "" where it names none."""

    def __init__(
        self,
        now: float,
        *,
        model: str,
        unix_s: int,
        heartbeat: bool = False,
        limits: Limits = QWEN_LIMITS,
        max_session_s: float = 7200.0,
        max_text_chars: int = MAX_TEXT_CHARS,
        session_id: str | None = None,
    ) -> None:
        self._model = model
        self._epoch_s = unix_s - now
        self._limits = Limits() if heartbeat else limits
        self._max_session_s = max_session_s
        self._max_text_chars = max_text_chars
        kind = next(kind for pattern, kind in FAMILIES if re.match(pattern, model))
        self._first = kind(
            now,
            model=model,
            heartbeat=heartbeat,
            limits=limits,
            max_session_s=max_session_s,
            max_text_chars=max_text_chars,
            session_id=session_id,
        )
        self._inner: Dialect = self._first
        self._decided = False
        self._held: tuple[Failed, float] | None = None
        """A failure, and when it is told."""

    def begin(self, now: float) -> list[Output]:
        return self._first.begin(now)

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._decided:
            return self._inner.receive(frame, now)
        event = peek(frame)
        if is_openai(event):
            return self._hand_over(frame, now)
        self._decided = event.type == "session.update"
        return self._tell_held(now) or self._inner.receive(frame, now)

    def send(self, update: Update, now: float) -> list[Output]:
        match update:
            case Failed(error=ModelNotFound()) if not self._decided:
                self._held = update, now + PATIENCE_S
                return []
            case _:
                return self._inner.send(update, now)

    def tick(self, now: float) -> list[Output]:
        if self._held is None:
            return self._inner.tick(now)
        return self._tell_held(now) if now >= self._held[1] else []

    @property
    def next_tick(self) -> float | None:
        return self._inner.next_tick if self._held is None else self._held[1]

    def _hand_over(self, frame: str | bytes, now: float) -> list[Output]:
        """The session that waits here for its first words was opened for another rate, and maybe another model."""
        self._decided, self._held = True, None
        self._inner = OpenAIDialect(
            now,
            model=self._model,
            unix_s=int(self._epoch_s + now),
            limits=self._limits,
            max_session_s=self._max_session_s,
            max_text_chars=self._max_text_chars,
            session_id=self._first.session_id,
        )
        return [Hangup(self._first.session_id), *self._inner.receive(frame, now)]

    def _tell_held(self, now: float) -> list[Output]:
        if self._held is None:
            return []
        (failed, _), self._held, self._decided = self._held, None, True
        return self._inner.send(failed, now)
