"""vLLM's realtime transcription, server half: name a model, append audio, and say when all of it has been sent.

There is no voice detection, no item and no setting but the model. Everything between two `commit`s that are final is
one transcription: its text comes as deltas while it settles, and whole at the end. Words are told as soon as they are
known, also before the `commit` that starts a transcription.
"""

import math
import secrets
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Literal

from stenowire.dialects import vllm_wire as wire
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.increments import Increments
from stenowire.dialects.realtime_wire import MAX_TEXT_CHARS
from stenowire.errors import EmptyBuffer, ModelNotFound, StenowireError
from stenowire.events import (
    Audio,
    Commit,
    Failed,
    Final,
    Finished,
    Hangup,
    Open,
    Opened,
    Partial,
    Refused,
    Update,
)
from stenowire.text.tokens import count_tokens
from stenowire.types import AudioFormat, Limits, Segmentation, Sentence

VLLM_LIMITS = Limits(first_audio_s=600.0, stall_s=600.0)
"""For a client that sends nothing at all."""
FORMAT = AudioFormat("pcm", 16_000)
BYTES_PER_SECOND = 32_000
TOKENS_PER_SECOND = 12.5
"""Of audio: what models of this door see, at 80 ms a token. Usage is an estimate; the engine here counts no tokens."""

NOT_VALIDATED = "no model is chosen yet: name one in a session.update"

State = Literal["unopened", "open", "closed"]


class VllmDialect:
    """Opened at `now`, which is `unix_s` seconds since 1970; `begin` comes before all else, unless another dialect
    has told of the session already, by the id that is then `session_id`. `idle_s` is how long a connection lives on
    which no model is named."""

    def __init__(
        self,
        now: float,
        *,
        unix_s: int,
        limits: Limits = VLLM_LIMITS,
        idle_s: float = 60.0,
        max_text_chars: int = MAX_TEXT_CHARS,
        session_id: str | None = None,
    ) -> None:
        self.session_id = session_id or f"sess-{secrets.token_hex(16)}"
        self._unix_s = unix_s
        self._limits = limits
        self._idle_s = idle_s
        self._idle_until = now + idle_s
        self._max_text_chars = max_text_chars
        self._state: State = "unopened"
        self._sessions = 0
        self._model: str | None = None
        self._running = False
        """Whether the session has said that it is open."""
        self._bytes = 0
        """Of the present transcription's audio."""
        self._heard = False
        self._ended: deque[int] = deque()
        """Bytes of audio of each transcription that the client has ended and that is not answered, oldest first."""
        self._told = Increments()

    # ---- the calls of a dialect ---------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        return [_text(wire.SessionCreated(id=self.session_id, created=self._unix_s))]

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._state == "closed":
            return []
        message = self._read(frame)
        return self._TABLE[type(message)](self, message)

    def send(self, update: Update, now: float) -> list[Output]:
        if self._state != "open" or update.session != self._session:
            return []
        match update:
            case Opened():
                self._running = True
                return []
            case Partial(sentence=sentence):
                return self._delta(self._told.grow(sentence))
            case Final(sentence=sentence):
                return self._done(sentence)
            case Refused(error=error):
                return self._refused(error)
            case Failed(error=error):
                return self._fail(error, now)
            case Finished():
                self._state = "closed"
                return []
            case _:
                return []

    def tick(self, now: float) -> list[Output]:
        if self.next_tick is None or now < self.next_tick:
            return []
        return self._close(1000, "no model was named")

    @property
    def next_tick(self) -> float | None:
        return self._idle_until if self._state == "unopened" else None

    # ---- what a client's frame does -----------------------------------------------------------------------------

    def _read(self, frame: str | bytes) -> wire.Message | wire.Malformed:
        if isinstance(frame, bytes):
            return wire.Malformed("this protocol has no binary frames; send JSON text", "unknown_event")
        if len(frame) > self._max_text_chars:
            return wire.Malformed(f"the message is longer than {self._max_text_chars} characters", "processing_error")
        return wire.decode(frame)

    def _update(self, message: wire.Update) -> list[Output]:
        if message.model == self._model:
            return []
        if self._heard:
            return [_error("the model cannot change once audio has come", "processing_error")]
        hangup: list[Output] = [Hangup(self._session)] if self._state == "open" else []
        self._state, self._model, self._running = "open", message.model, False
        self._sessions += 1
        opening = Open(
            self._session,
            model=message.model,
            format=FORMAT,
            segmentation=Segmentation(mode="manual"),
            limits=self._limits,
            answer_empty=True,
        )
        return [*hangup, opening]

    def _append(self, message: wire.Append) -> list[Output]:
        if self._state == "unopened":
            return [_error(NOT_VALIDATED, "model_not_validated")]
        if not message.audio:
            return [_error("audio: there is none in it", "invalid_audio")]
        self._bytes += len(message.audio)
        self._heard = True
        return [Audio(self._session, message.audio)]

    def _commit(self, message: wire.Commit) -> list[Output]:
        if self._state == "unopened":
            return [_error(NOT_VALIDATED, "model_not_validated")]
        if not message.final:
            return []
        self._ended.append(self._bytes)
        self._bytes = 0
        return [Commit(self._session)]

    def _refuse(self, message: wire.Malformed) -> list[Output]:
        return [_error(message.message, message.code)]

    _TABLE: ClassVar[dict[type, Callable[..., list[Output]]]] = {
        wire.Update: _update,
        wire.Append: _append,
        wire.Commit: _commit,
        wire.Malformed: _refuse,
    }

    @property
    def _session(self) -> str:
        """Its inner name: one that was replaced shall not be heard again."""
        return f"{self.session_id}.{self._sessions}"

    # ---- what a session says ------------------------------------------------------------------------------------

    def _delta(self, piece: str) -> list[Output]:
        return [_text(wire.TranscriptionDelta(delta=piece))] if piece else []

    def _done(self, sentence: Sentence) -> list[Output]:
        rest = self._told.rest(sentence.text)
        self._told = Increments()
        audio_bytes = self._ended.popleft() if self._ended else 0
        return [
            *self._delta(rest),
            _text(wire.TranscriptionDone(text=sentence.text, usage=usage(audio_bytes, sentence.text))),
        ]

    def _refused(self, error: StenowireError) -> list[Output]:
        """Only a commit is ever refused; one without audio has nothing to transcribe, and is answered so."""
        if self._ended:
            self._ended.pop()
        if isinstance(error, EmptyBuffer):
            return [_text(wire.TranscriptionDone(text="", usage=usage(0, "")))]
        return [_error(error.message, "processing_error")]

    # ---- how it ends --------------------------------------------------------------------------------------------

    def _fail(self, error: StenowireError, now: float) -> list[Output]:
        if not self._running and isinstance(error, ModelNotFound) and not self._heard:
            self._state, self._model, self._idle_until = "unopened", None, now + self._idle_s
            return [_error(error.message, "model_not_validated")]
        return [_error(error.message, "processing_error"), *self._close(error.close_code, error.code)]

    def _close(self, code: int, reason: str) -> list[Output]:
        self._state = "closed"
        return [Close(code, reason)]


def usage(audio_bytes: int, text: str) -> wire.Usage:
    prompt = math.ceil(audio_bytes / BYTES_PER_SECOND * TOKENS_PER_SECOND)
    completion = count_tokens(text)
    return wire.Usage(prompt, completion, prompt + completion)


def _text(frame: wire.ServerFrame) -> Text:
    return Text(wire.write(frame))


def _error(message: str, code: str) -> Text:
    return _text(wire.Error(error=message, code=code))
