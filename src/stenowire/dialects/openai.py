"""OpenAI's realtime transcription, server half: JSON events in both directions, one session per connection.

Both generations of names are spoken: GA, and beta where the client asks for it. The session is told of before the
client has said a word; recognition is opened by the first update or the first audio, because only an update says which
model is wanted. Until audio has come, an update may choose another one.

In VAD and semantic mode silence or meaning makes items of what is said, in manual mode the client's commits do; either
way an item is committed once and then answered once, in order. A client ends by closing, and loses what it has not
committed. A session that has lasted its longest is flushed first, then told `session_expired` and closed.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import msgspec

from stenowire.dialects import openai_events as wire
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.openai_echo import BetaSessionEcho, SessionEcho, beta_echo, echo
from stenowire.dialects.openai_events import ServerEvent
from stenowire.dialects.openai_items import Conversation
from stenowire.dialects.openai_session import Config, Transcription, bytes_per_second, change, merge, opening
from stenowire.dialects.openai_wire import Message, UpdateSession, UpdateTranscriptionSession, decode
from stenowire.dialects.realtime_wire import MAX_TEXT_CHARS, AppendAudio, ClearAudio, CommitAudio, Malformed
from stenowire.errors import EmptyBuffer, InvalidParameter, ModelNotFound, StenowireError
from stenowire.events import (
    Audio,
    Clear,
    Cleared,
    Commit,
    Committed,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Opened,
    Partial,
    Reconfigured,
    Refused,
    SpeechStarted,
    SpeechStopped,
    Update,
)
from stenowire.types import Limits

OPENAI_LIMITS = Limits(first_audio_s=600.0, stall_s=600.0)
"""For a client that sends nothing at all. Silence that is sent may last."""

State = Literal["unopened", "open", "expired", "closed"]


class Change(msgspec.Struct, frozen=True):
    """Settings on their way to the session."""

    config: Config
    event_id: str | None = None
    reply: type[wire.SessionUpdated | wire.TranscriptionSessionUpdated] | None = None
    """What tells the client that they are in force; None where its audio, not an update, opened the session."""


class OpenAIDialect:
    """Opened at `now`, which is `unix_s` seconds since 1970; `begin` comes before all else.

    `model` is what recognises where the client's settings name none. `max_session_s` is how long a session lasts,
    `finish_s` how long its last answers may take then, `idle_s` how long a connection lives on which nothing is asked
    for. Where another dialect has told of the session already, `session_id` is its id, and `begin` is left out.
    `token` makes the ids of this session's events and items unlike all others; one is drawn where none is given.
    """

    def __init__(
        self,
        now: float,
        *,
        model: str,
        unix_s: int,
        beta: bool = False,
        limits: Limits = OPENAI_LIMITS,
        max_session_s: float = 3600.0,
        finish_s: float = 18.0,
        idle_s: float = 60.0,
        max_text_chars: int = MAX_TEXT_CHARS,
        session_id: str | None = None,
        token: str | None = None,
    ) -> None:
        self._token = token or secrets.token_hex(8)
        self.session_id = session_id or f"sess_{self._token}"
        self._unix_s = unix_s
        self._expires_unix_s = int(unix_s + max_session_s)
        self._limits = limits
        self._finish_s = finish_s
        self._idle_s = idle_s
        self._max_text_chars = max_text_chars
        self._expires = now + max_session_s
        self._idle_until = now + idle_s
        self._state: State = "unopened"
        self._sessions = 0
        self._running = False
        """Whether the session has said that it is open."""
        self._defaults = self._config = Config(transcription=Transcription(model=model))
        self._changes: deque[Change] = deque()
        """Not in force yet, oldest first."""
        self._asked: Change | str | None = None
        """What a session would refuse: a change, or the event id of another command."""
        self._heard_s = 0.0
        self._answered_s = 0.0
        """Audio given to the session, and how much of it has been committed or cleared."""
        self._events = 0
        self._conversation = Conversation(self._token, beta=beta)

    # ---- the calls of a dialect ---------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        if self._conversation.beta:
            return self._tell([wire.TranscriptionSessionCreated(session=self._echo())])
        return self._tell([wire.SessionCreated(session=self._echo(), id=self.session_id, created=self._unix_s)])

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._state in ("expired", "closed"):
            return []
        message = self._read(frame)
        return self._TABLE[type(message)](self, message)

    def send(self, update: Update, now: float) -> list[Output]:
        if self._state not in ("open", "expired") or update.session != self._session:
            return []
        match update:
            case Opened() if not self._running:
                self._running = True
                return self._tell(self._changed())
            case Failed(error=error) if self._running:
                return self._fail(error)
            case Failed(error=error):
                return self._fail_to_open(error, now)
            case Finished():
                return [*self._tell(self._conversation.complete_rest()), *self._end()]
            case _:
                return self._tell(self._say(update))

    def tick(self, now: float) -> list[Output]:
        if self.next_tick is None or now < self.next_tick:
            return []
        if self._state == "unopened":
            return self._end() if now >= self._expires else self._close(1000, "nothing was asked for")
        if self._state == "expired":
            return [Hangup(self._session), *self._end()]
        self._state, self._expires = "expired", now + self._finish_s
        return [Finish(self._session)] if self._heard_s else [Hangup(self._session), *self._end()]

    @property
    def next_tick(self) -> float | None:
        if self._state == "closed":
            return None
        return min(self._idle_until, self._expires) if self._state == "unopened" else self._expires

    # ---- what a client's event does -----------------------------------------------------------------------------

    def _read(self, frame: str | bytes) -> Message | Malformed:
        if isinstance(frame, bytes):
            return Malformed("invalid_value", InvalidParameter("this protocol has no binary frames; send JSON text"))
        if len(frame) > self._max_text_chars:
            error = InvalidParameter(f"the message is longer than {self._max_text_chars} characters")
            return Malformed("invalid_value", error)
        return decode(frame)

    def _update(self, message: UpdateSession | UpdateTranscriptionSession) -> list[Output]:
        before = self._newest
        try:
            config = merge(before, message.session, self._defaults)
        except InvalidParameter as error:
            return self._blame(error, message.event_id)
        if isinstance(message, UpdateTranscriptionSession):
            # Its name alone tells which generation the client reads.
            self._conversation.beta = True
            wanted = Change(config, message.event_id, wire.TranscriptionSessionUpdated)
        else:
            wanted = Change(config, message.event_id, wire.SessionUpdated)
        if self._state == "unopened":
            return self._open(wanted)
        if config.transcription.model != before.transcription.model:
            return self._replace(wanted)
        self._changes.append(wanted)
        self._asked = wanted
        return [change(self._session, before, config)]

    def _replace(self, wanted: Change) -> list[Output]:
        """Another model is another session."""
        if self._heard_s:
            path = "session.audio.input.transcription.model"
            error = InvalidParameter(f"{path}: the model cannot change once audio has come", path)
            return self._blame(error, wanted.event_id)
        return [Hangup(self._session), *self._open(wanted)]

    def _append(self, message: AppendAudio) -> list[Output]:
        if not message.audio:
            return []
        opened = self._open(Change(self._config)) if self._state == "unopened" else []
        self._heard_s += len(message.audio) / bytes_per_second(self._newest.format)
        return [*opened, Audio(self._session, message.audio)]

    def _commit(self, message: CommitAudio) -> list[Output]:
        if self._state == "unopened":
            return self._blame(EmptyBuffer("nothing to commit: the audio buffer is empty"), message.event_id)
        self._asked = message.event_id
        return [Commit(self._session)]

    def _clear(self, message: ClearAudio) -> list[Output]:
        if self._state == "unopened":
            return self._tell(self._conversation.cleared(0))
        self._asked = message.event_id
        return [Clear(self._session)]

    def _refuse(self, message: Malformed) -> list[Output]:
        return self._blame(message.error, message.event_id, message.code)

    _TABLE: ClassVar[dict[type, Callable[..., list[Output]]]] = {
        UpdateSession: _update,
        UpdateTranscriptionSession: _update,
        AppendAudio: _append,
        CommitAudio: _commit,
        ClearAudio: _clear,
        Malformed: _refuse,
    }

    # ---- the session --------------------------------------------------------------------------------------------

    @property
    def _session(self) -> str:
        """Its inner name: one that was replaced shall not be heard again."""
        return f"{self.session_id}-{self._sessions}"

    @property
    def _newest(self) -> Config:
        return self._changes[-1].config if self._changes else self._config

    def _open(self, wanted: Change) -> list[Output]:
        self._state, self._running = "open", False
        self._sessions += 1
        self._changes.clear()
        self._changes.append(wanted)
        return [opening(self._session, wanted.config, self._limits)]

    def _changed(self) -> list[ServerEvent]:
        if not self._changes:
            return []
        taken = self._changes.popleft()
        self._config = taken.config
        return [] if taken.reply is None else [taken.reply(session=self._echo())]

    # ---- what a session says ------------------------------------------------------------------------------------

    def _say(self, update: Update) -> Iterable[ServerEvent]:
        items = self._conversation
        match update:
            case SpeechStarted(item=item, at_ms=at_ms):
                return items.started(item, at_ms)
            case SpeechStopped(item=item, at_ms=at_ms):
                return items.stopped(item, at_ms)
            case Partial(item=item, sentence=sentence):
                return items.partial(item, sentence)
            case Final(item=item, sentence=sentence):
                return items.completed(item, sentence, logprobs=self._config.logprobs, audit=self._config.audit)
            case Committed(item=item):
                seconds = self._heard_s - self._answered_s
                self._answered_s = self._heard_s
                return items.committed(item, round(seconds, 3))
            case Cleared():
                self._answered_s = self._heard_s
                return items.cleared(round(self._heard_s * 1000))
            case Reconfigured():
                return self._changed()
            case Refused(error=error):
                return [self._refused(error)]
            case _:
                return []

    def _refused(self, error: StenowireError) -> ServerEvent:
        asked = self._asked
        if not isinstance(asked, Change):
            return wire.Error(error=wire.error_body(error, asked))
        if self._changes and self._changes[-1] is asked:
            self._changes.pop()
        return wire.Error(error=wire.error_body(error, asked.event_id))

    # ---- how a session ends -------------------------------------------------------------------------------------

    def _fail_to_open(self, error: StenowireError, now: float) -> list[Output]:
        """An update that asked for what there is not changes nothing, and may be followed by a better one."""
        wanted = self._changes[0] if self._changes else Change(self._config)
        self._changes.clear()
        if wanted.reply is None or self._heard_s or not isinstance(error, InvalidParameter | ModelNotFound):
            return self._fail(error, wanted.event_id)
        self._state, self._idle_until = "unopened", now + self._idle_s
        return self._blame(error, wanted.event_id)

    def _fail(self, error: StenowireError, event_id: str | None = None) -> list[Output]:
        """Nothing more will be answered."""
        failed = self._tell(self._conversation.fail_rest(error))
        if self._state == "expired":
            return [*failed, *self._end()]
        return [*failed, *self._blame(error, event_id), *self._close(error.close_code, wire.code_of(error))]

    def _end(self) -> list[Output]:
        """Everything is answered, because the session has expired or because the server ends it."""
        if self._state == "open":
            self._state = "closed"
            return []
        body = wire.ErrorBody("invalid_request_error", "session_expired", "the session has lasted its longest")
        return [*self._tell([wire.Error(error=body)]), *self._close(1000, "session expired")]

    def _close(self, code: int, reason: str) -> list[Output]:
        self._state = "closed"
        return [Close(code, reason)]

    # ---- writing ------------------------------------------------------------------------------------------------

    def _tell(self, events: Iterable[ServerEvent]) -> list[Output]:
        return [self._text(event) for event in events]

    def _text(self, event: ServerEvent) -> Text:
        self._events += 1
        return Text(wire.text(event, f"event_{self._token}{self._events:08d}"))

    def _blame(self, error: StenowireError, event_id: str | None, code: str | None = None) -> list[Output]:
        return self._tell([wire.Error(error=wire.error_body(error, event_id, code))])

    def _echo(self) -> SessionEcho | BetaSessionEcho:
        report = beta_echo if self._conversation.beta else echo
        return report(self._config, self.session_id, self._expires_unix_s)
