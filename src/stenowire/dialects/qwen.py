"""The session protocol of Qwen-ASR realtime, server half: JSON events in both directions, one session per connection.

The session is open before the client has said a word, so that audio may follow at once. In VAD mode silence makes
items of what is said, in manual mode the client's commits do; either way an item is committed once and then answered
once, in order.

How it ends: between `session.finish` and `session.finished` no error is written, because clients take one for the
failure of the whole session; what cannot be answered in that time is told as an item that failed. A session that has
lasted its longest is flushed first, so that nobody's last words are lost, then told `session_expired` and closed.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from stenowire.dialects import qwen_events as wire
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.qwen_echo import SessionEcho, echo
from stenowire.dialects.qwen_events import ServerEvent
from stenowire.dialects.qwen_items import Conversation
from stenowire.dialects.qwen_session import Config, audio_format, change, hint, merge, segmentation
from stenowire.dialects.realtime_wire import (
    MAX_TEXT_CHARS,
    AppendAudio,
    CancelResponse,
    ClearAudio,
    CommitAudio,
    CreateResponse,
    Malformed,
    Message,
    SessionFields,
    SessionFinish,
    SessionUpdate,
    decode,
)
from stenowire.errors import EmptyBuffer, InvalidParameter, NoValidAudio, ResponseTimeout, StenowireError
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
    Open,
    Partial,
    Reconfigured,
    Refused,
    SpeechStarted,
    SpeechStopped,
    Update,
)
from stenowire.types import Limits

QWEN_LIMITS = Limits(first_audio_s=600.0, stall_s=600.0)
"""For a client that sends nothing at all; `heartbeat` switches them off. Silence that is sent may last."""

State = Literal["live", "expired", "finishing", "over", "closed"]


class AskedUpdate(msgspec.Struct, frozen=True):
    """A change that the session will answer, or refuse, at once."""

    event_id: str | None
    config: Config
    """What is in force once it is answered."""


class AskedCommit(msgspec.Struct, frozen=True):
    """A commit: refused at once, or answered when its audio has been heard, which later changes do not wait for."""

    event_id: str | None
    then: list[Callable[[], list[Output]]] = msgspec.field(default_factory=list)
    """What waits for the answer."""


class QwenDialect:
    """Opened at `now`; `model` is what the client named, "" where it named none. `begin` comes before all else.

    `max_session_s` is how long a session lasts, `finish_s` how long a finished one may take to answer (clients wait
    20 s), `close_s` how long its client has after that to close. `limits` hold where `heartbeat` is not asked for.
    """

    defaults = Config()

    def __init__(
        self,
        now: float,
        *,
        model: str,
        heartbeat: bool = False,
        limits: Limits = QWEN_LIMITS,
        max_session_s: float = 7200.0,
        finish_s: float = 18.0,
        close_s: float = 10.0,
        max_text_chars: int = MAX_TEXT_CHARS,
        session_id: str | None = None,
    ) -> None:
        token = secrets.token_hex(8)
        self.session_id = session_id or f"sess_{token}"
        self.model = model
        self._heartbeat = heartbeat
        self._limits = limits
        self._finish_s = finish_s
        self._close_s = close_s
        self._max_text_chars = max_text_chars
        self._token = token if session_id is None else session_id.removeprefix("sess_")
        self._events = 0
        self._state: State = "live"
        self._due: float | None = now + max_session_s
        self._config = self.defaults
        """What is in force."""
        self._updates: deque[AskedUpdate] = deque()
        self._commits: deque[AskedCommit] = deque()
        self._has_audio = False
        self._conversation = Conversation(self._token)

    # ---- the calls of a dialect ---------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        opening = Open(
            self.session_id,
            model=self.model,
            format=audio_format(self._config),
            segmentation=segmentation(self._config),
            hint=hint(self._config),
            limits=Limits() if self._heartbeat else self._limits,
            heartbeat=self._heartbeat,
            answer_empty=True,
            noise_reduction=self._config.noise_reduction,
            # Whether it is told may change with any update.
            audit=True,
        )
        return [*self._tell([wire.SessionCreated(self._echo())]), opening]

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._state not in ("live", "expired"):
            return []
        message = self._read(frame)
        if isinstance(message, SessionFinish):
            return self._finish(now)
        return self._obey(message) if self._state == "live" else []

    def send(self, update: Update, now: float) -> list[Output]:
        if update.session != self.session_id or self._state in ("over", "closed"):
            return []
        match update:
            case Finished() | Failed(error=NoValidAudio()):
                return [*self._tell(self._conversation.complete_rest()), *self._end(now)]
            case Failed(error=error):
                return self._fail(error, now)
            case _:
                return self._tell(self._say(update))

    def tick(self, now: float) -> list[Output]:
        if self._due is None or now < self._due:
            return []
        match self._state:
            case "live":
                return self._expire(now)
            case "over":
                return self._close(1000, "session finished")
            case _:
                return [Hangup(self.session_id), *self._fail(ResponseTimeout("the answer took too long"), now)]

    @property
    def next_tick(self) -> float | None:
        return self._due

    # ---- what a client's event does -----------------------------------------------------------------------------

    def _read(self, frame: str | bytes) -> Message | Malformed:
        if isinstance(frame, bytes):
            return Malformed("invalid_event", InvalidParameter("this protocol has no binary frames; send JSON text"))
        if len(frame) > self._max_text_chars:
            error = InvalidParameter(f"the message is longer than {self._max_text_chars} characters")
            return Malformed("invalid_event", error)
        return decode(frame)

    def _obey(self, message: Message | Malformed) -> list[Output]:
        match message:
            case AppendAudio(audio=data):
                self._has_audio |= bool(data)
                return [Audio(self.session_id, data)] if data else []
            case SessionUpdate():
                return self._update(message)
            case CommitAudio(event_id=event_id):
                return self._commit(event_id)
            case ClearAudio():
                return [Clear(self.session_id)]
            case CreateResponse(event_id=event_id):
                return self._create_response(event_id)
            case CancelResponse(event_id=event_id):
                return self._cancel_response(event_id)
            case Malformed(code=code, error=error, event_id=event_id):
                return self._blame(error, event_id, code)
            case _:
                return []

    def _update(self, message: SessionUpdate) -> list[Output]:
        before = self._wanted
        try:
            config = self._merge(before, message.session)
        except InvalidParameter as error:
            return self._blame(error, message.event_id)
        self._updates.append(AskedUpdate(message.event_id, config))
        return [change(self.session_id, before, config)]

    def _merge(self, config: Config, fields: SessionFields) -> Config:
        return merge(config, fields, self.defaults)

    def _commit(self, event_id: str | None) -> list[Output]:
        if self._wanted.turn is None:
            self._commits.append(AskedCommit(event_id))
            return [Commit(self.session_id)]
        error = InvalidParameter("turn detection commits by itself; a client may where turn_detection is null")
        return self._blame(error, event_id, "commit_not_allowed")

    def _create_response(self, event_id: str | None) -> list[Output]:
        """A recogniser answers without being asked; some clients ask all the same."""
        return []

    def _cancel_response(self, event_id: str | None) -> list[Output]:
        return []

    @property
    def _wanted(self) -> Config:
        """What is in force once everything is answered."""
        return self._updates[-1].config if self._updates else self._config

    # ---- what a session says ------------------------------------------------------------------------------------

    def _say(self, update: Update) -> Iterable[ServerEvent]:
        items = self._conversation
        match update:
            case SpeechStarted(item=item, at_ms=at_ms):
                return items.started(item, at_ms)
            case SpeechStopped(item=item, at_ms=at_ms):
                return items.stopped(item, at_ms)
            case Partial(item=item, sentence=sentence):
                return items.partial(item, sentence, manual=self._config.turn is None)
            case Final(item=item, sentence=sentence):
                return items.completed(item, sentence, audit=self._config.audit)
            case Committed(item=item):
                if self._commits:
                    self._settle(self._commits.popleft())
                return items.committed(item)
            case Cleared():
                return items.cleared()
            case Reconfigured():
                if self._updates:
                    self._config = self._updates.popleft().config
                return [wire.SessionUpdated(self._echo())]
            case Refused(error=error):
                said = wire.Error(wire.error_body(error, self._refused(error)))
                return [said] if self._state == "live" else []
            case _:
                return []

    def _refused(self, error: StenowireError) -> str | None:
        """The id of the event at fault. Commits before an empty one may still wait for their answers."""
        if isinstance(error, EmptyBuffer) and self._commits:
            commit = self._commits.pop()
            self._settle(commit)
            return commit.event_id
        return self._updates.popleft().event_id if self._updates else None

    def _settle(self, commit: AskedCommit) -> None:
        """A commit was answered or refused."""

    # ---- how a session ends -------------------------------------------------------------------------------------

    def _finish(self, now: float) -> list[Output]:
        if self._state == "expired":
            self._state = "finishing"
            return []
        self._state = "finishing"
        return self._flush(now)

    def _expire(self, now: float) -> list[Output]:
        self._state = "expired"
        return self._flush(now)

    def _flush(self, now: float) -> list[Output]:
        """Have everything answered; a session that never had any audio need not be asked."""
        if not self._has_audio:
            return [Hangup(self.session_id), *self._end(now)]
        self._due = now + self._finish_s
        return [Finish(self.session_id)]

    def _end(self, now: float) -> list[Output]:
        """Everything is answered."""
        if self._state == "expired":
            body = wire.ErrorBody("server_error", "session_expired", "the session has lasted its longest")
            return [*self._tell([wire.Error(body)]), *self._close(1000, "session expired")]
        said = self._tell([wire.SessionFinished()])
        self._state, self._due = "over", now + self._close_s
        return said

    def _fail(self, error: StenowireError, now: float) -> list[Output]:
        """Nothing more will be answered."""
        if self._state != "live":
            return [*self._tell(self._conversation.fail_flush(error)), *self._end(now)]
        said = self._tell([*self._conversation.fail_rest(error), wire.Error(wire.error_body(error))])
        return [*said, *self._close(error.close_code, wire.code_of(error))]

    def _close(self, code: int, reason: str) -> list[Output]:
        self._state, self._due = "closed", None
        return [Close(code, reason)]

    # ---- writing ------------------------------------------------------------------------------------------------

    def _tell(self, events: Iterable[ServerEvent]) -> list[Output]:
        return [self._text(event) for event in events]

    def _text(self, event: ServerEvent) -> Text:
        self._events += 1
        return Text(wire.text(event, f"event_{self._token}{self._events:08d}"))

    def _blame(self, error: StenowireError, event_id: str | None, code: str | None = None) -> list[Output]:
        return self._tell([wire.Error(wire.error_body(error, event_id, code))])

    def _echo(self) -> SessionEcho:
        return echo(self._config, self.session_id, self.model)
