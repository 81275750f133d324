"""The task protocol, client half: one task, from the side of the program that wants text. No socket, no clock.

Out: frames to write. In: frames of any server of this protocol, read as updates of the inner language, so that a
program shows a task far away as it shows a session of its own. Reading is lenient where servers are known to differ:
optional keys may be absent or null, unknown events and keys mean nothing.

    task = TaskClient("any id", "fun-asr-realtime", Parameters(format="pcm", sample_rate=16000))
    write(task.run()); wait for Opened; write audio as binary frames; write(task.finish()); read until task.over
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from stenowire import errors
from stenowire.dialects.hotword_audit import HotwordApplied, read_applied
from stenowire.dialects.task_wire import Action, Content, Header, Input, Parameters, RunPayload, Turn
from stenowire.errors import InternalError, StenowireError
from stenowire.events import Alive, Failed, Final, Finished, Opened, Partial, Update
from stenowire.types import Sentence, Word


class _Word(msgspec.Struct):
    text: str = ""
    punctuation: str | None = ""
    begin_time: int | None = None
    end_time: int | None = None
    fixed: bool | None = False

    @property
    def piece(self) -> str:
        return self.text + (self.punctuation or "")


class _Sentence(msgspec.Struct):
    sentence_id: int | None = 0
    begin_time: int | None = 0
    end_time: int | None = None
    text: str | None = ""
    heartbeat: bool | None = None
    words: list[_Word] | None = None
    hotwords_applied: list[HotwordApplied] | None = None


class _Output(msgspec.Struct):
    sentence: _Sentence | None = None
    transcription: _Sentence | None = None


class _Usage(msgspec.Struct):
    duration: float | None = None


class _Payload(msgspec.Struct):
    output: _Output | None = None
    usage: _Usage | None = None
    resume: msgspec.Raw = msgspec.Raw(b"null")


class _Header(msgspec.Struct):
    event: str
    task_id: str | None = ""
    error_code: str | None = None
    error_message: str | None = None


class _Frame(msgspec.Struct):
    header: _Header
    payload: _Payload | None = None


class Point(msgspec.Struct, frozen=True):
    """Where a server that knows the extension can take the recognition up again (`task_resume`)."""

    from_ms: int
    data: msgspec.Raw
    """To be given back as it came."""


class _From(msgspec.Struct):
    from_ms: int


class _Sent(msgspec.Struct):
    header: Header
    payload: RunPayload | dict[str, Input]


_DECODER = msgspec.json.Decoder(_Frame)
_FROM = msgspec.json.Decoder(_From | None)
_ENCODER = msgspec.json.Encoder()

_KINDS: tuple[type[StenowireError], ...] = (
    errors.InternalError,
    errors.InvalidParameter,
    errors.UnsupportedFormat,
    errors.ModelNotFound,
    errors.InvalidApiKey,
    errors.AccessDenied,
    errors.Throttled,
    errors.NoAudio,
    errors.NoValidAudio,
    errors.ResponseTimeout,
    errors.Superseded,
    errors.ServiceUnavailable,
)
ERRORS = {kind.code: kind for kind in _KINDS} | {"ModelNotFound": errors.ModelNotFound, "Throttling": errors.Throttled}


class TaskClient:
    """`task_id`: 1 to 64 characters, new for each task of a connection."""

    def __init__(self, task_id: str, model: str, parameters: Parameters, context: Sequence[Turn] = ()) -> None:
        self.task_id = task_id
        self.started = False
        """The server has taken the task. Audio may be written before, but servers other than ours may drop it."""
        self.over = False
        """The server has said its last word; nothing more is read or worth writing."""
        self.begun_ms: int | None = None
        """Where the server expects audio to begin; None where it does not know how to resume."""
        self.point: Point | None = None
        """The newest one told. It lies right behind the final of the frame that brought it."""
        self._payload = RunPayload(
            task_group="audio",
            task="asr",
            function="recognition",
            model=model,
            parameters=parameters,
            input=Input(context=list(context) or None),
        )

    def run(self) -> str:
        return self._write("run-task", self._payload)

    def update_context(self, turns: Sequence[Turn]) -> str:
        """The frame that replaces what was said about the conversation so far; no answer will come."""
        return self._write("continue-task", {"input": Input(context=list(turns))})

    def finish(self) -> str:
        """The frame that says: all audio has been sent."""
        return self._write("finish-task", {"input": Input()})

    def receive(self, frame: str | bytes) -> list[Update]:
        """Read one frame of the server. A frame that cannot be read fails the task; nothing raises."""
        if self.over or isinstance(frame, bytes):
            return []
        try:
            message = _DECODER.decode(frame)
        except (ValueError, RecursionError) as fault:
            return self._fail(InternalError(f"the server sent a frame that cannot be read: {fault}"))
        if message.header.task_id not in (self.task_id, "", None):
            return []
        return self._read(message.header, message.payload or _Payload())

    def _write(self, action: Action, payload: RunPayload | dict[str, Input]) -> str:
        return _ENCODER.encode(_Sent(Header(action, self.task_id, "duplex"), payload)).decode()

    def _read(self, header: _Header, payload: _Payload) -> list[Update]:
        match header.event:
            case "task-started":
                self.started = True
                begun = read_point(payload.resume)
                self.begun_ms = begun.from_ms if begun else None
                return [Opened(self.task_id)]
            case "result-generated":
                self.point = read_point(payload.resume) or self.point
                return self._result(payload)
            case "resume-point":
                self.point = read_point(payload.resume) or self.point
                return []
            case "task-finished":
                self.over = True
                return [Finished(self.task_id, _duration_s(payload) or 0.0)]
            case "task-failed":
                return self._fail(read_error(header.error_code or "", header.error_message or ""))
            case _:
                return []

    def _result(self, payload: _Payload) -> list[Update]:
        said = payload.output and (payload.output.sentence or payload.output.transcription)
        if not said:
            return []
        if said.heartbeat:
            return [Alive(self.task_id)]
        sentence = read_sentence(said)
        if not sentence.final:
            return [Partial(self.task_id, sentence=sentence)]
        audio_s = _duration_s(payload)
        return [Final(self.task_id, sentence, (sentence.end_ms or 0) / 1000 if audio_s is None else audio_s)]

    def _fail(self, error: StenowireError) -> list[Update]:
        self.over = True
        return [Failed(self.task_id, error)]


def read_point(data: msgspec.Raw) -> Point | None:
    """None for anything else under this name."""
    try:
        told = _FROM.decode(data)
    except (ValueError, RecursionError):
        return None
    return Point(told.from_ms, msgspec.Raw(bytes(data))) if told and told.from_ms >= 0 else None


def turn(role: Literal["user", "assistant"], text: str) -> Turn:
    """One entry of a conversation's context."""
    return Turn(role, [Content(text, "input_text" if role == "user" else "text")])


def read_error(code: str, message: str) -> StenowireError:
    """The error that a code of the wire stands for; an unknown code is kept in the message."""
    kind = ERRORS.get(code)
    return kind(message or code) if kind else StenowireError(f"{code}: {message}" if code else message)


def read_sentence(said: _Sentence) -> Sentence:
    """`Sentence.text` equals the text on the wire, less blanks at its ends and runs of them."""
    begin_ms = said.begin_time or 0
    words, stable = _read_words(said, begin_ms)
    return Sentence(
        id=said.sentence_id or 0,
        begin_ms=begin_ms,
        end_ms=said.end_time,
        words=words,
        stable=stable,
        final=said.end_time is not None,
        applied=read_applied(said.hotwords_applied),
    )


def _read_words(said: _Sentence, begin_ms: int) -> tuple[tuple[Word, ...], int]:
    """Words and how many of them are settled.

    A server whose script has no blanks names words finer than ours: those without a blank between them become one, for
    the text must not gain blanks. Where the words do not add up to the text, the text counts.
    """
    pieces, text = said.words or [], said.text or ""
    end_ms = begin_ms if said.end_time is None else said.end_time
    words: list[Word] = []
    settled: list[bool] = []
    blank = True
    for piece in pieces:
        if not piece.piece.strip():
            blank = blank or bool(piece.piece)
            continue
        begin, end = _or(piece.begin_time, begin_ms), _or(piece.end_time, end_ms)
        word = Word(piece.text.strip(), begin, end, (piece.punctuation or "").rstrip())
        if blank or piece.piece[:1].isspace():
            words.append(word)
            settled.append(bool(piece.fixed))
        else:
            last = words[-1]
            words[-1] = Word(last.text + last.mark + word.text, last.begin_ms, word.end_ms, word.mark)
            settled[-1] = settled[-1] and bool(piece.fixed)
        blank = piece.piece[-1:].isspace()
    if " ".join(word.text + word.mark for word in words) != " ".join(text.split()):
        return tuple(Word(part, begin_ms, end_ms) for part in text.split()), 0
    return tuple(words), settled.index(False) if False in settled else len(settled)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _duration_s(payload: _Payload) -> float | None:
    return payload.usage.duration if payload.usage else None
