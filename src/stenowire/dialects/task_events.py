"""The server's frames of the task protocol: their shape, and how updates fill them.

In: a task id and what there is to say. Out: the text of one frame. Clients in the field read these frames by fixed
keys, so none is left out: `end_time` is null while a sentence is open, `usage` null with every interim, `payload` is
always an object. There is no emotion (`emo_tag`) and no `stash`: both are optional, and no engine here knows them.
"""

import math
from typing import Literal

import msgspec

from stenowire.dialects.hotword_audit import HotwordApplied, hotwords_applied
from stenowire.dialects.task_resume import Begun, WirePoint, wire_point
from stenowire.errors import StenowireError
from stenowire.types import ResumePoint, Sentence, Word

Shape = Literal["sentence", "transcription"]


class EventWord(msgspec.Struct, frozen=True):
    begin_time: int
    end_time: int
    text: str
    punctuation: str = ""
    fixed: bool = False
    speaker_id: str | None = None


class EventSentence(msgspec.Struct, frozen=True, kw_only=True):
    sentence_id: int = 0
    begin_time: int = 0
    end_time: int | None = None
    text: str = ""
    channel_id: int = 0
    speaker_id: str | None = None
    heartbeat: bool | None = False
    sentence_begin: bool = False
    sentence_end: bool = False
    words: list[EventWord] = []
    hotwords_applied: list[HotwordApplied] | msgspec.UnsetType = msgspec.UNSET


class EventTranscription(msgspec.Struct, frozen=True, kw_only=True):
    """A result in the shape of the Gummy family."""

    sentence_id: int
    begin_time: int
    end_time: int | None = None
    current_time: int | msgspec.UnsetType = msgspec.UNSET
    """How far an open sentence has been heard; absent in finals."""
    text: str = ""
    words: list[EventWord] = []
    sentence_end: bool = False
    hotwords_applied: list[HotwordApplied] | msgspec.UnsetType = msgspec.UNSET


class EventOutput(msgspec.Struct, frozen=True):
    sentence: EventSentence | msgspec.UnsetType = msgspec.UNSET
    transcription: EventTranscription | msgspec.UnsetType = msgspec.UNSET


class Usage(msgspec.Struct, frozen=True):
    duration: int
    """Seconds of audio since the task began, rounded up."""


class Empty(msgspec.Struct, frozen=True):
    pass


class EventHeader(msgspec.Struct, frozen=True):
    task_id: str
    event: str
    error_code: str | msgspec.UnsetType = msgspec.UNSET
    error_message: str | msgspec.UnsetType = msgspec.UNSET
    attributes: Empty = Empty()


class EventPayload(msgspec.Struct, frozen=True):
    output: EventOutput
    usage: Usage | None = None
    resume: WirePoint | msgspec.UnsetType = msgspec.UNSET
    """Right behind this sentence; only for clients that asked to resume."""


class BegunPayload(msgspec.Struct, frozen=True):
    resume: Begun


class PointPayload(msgspec.Struct, frozen=True):
    resume: WirePoint


class Event(msgspec.Struct, frozen=True):
    header: EventHeader
    payload: EventPayload | BegunPayload | PointPayload | Empty = Empty()


_ENCODER = msgspec.json.Encoder()


def _text(event: Event) -> str:
    return _ENCODER.encode(event).decode()


def task_started(task_id: str, begun: Begun | None = None) -> str:
    return _text(Event(EventHeader(task_id, "task-started"), BegunPayload(begun) if begun else Empty()))


def resume_point(task_id: str, point: ResumePoint) -> str:
    """Where everything is answered and nothing is said."""
    return _text(Event(EventHeader(task_id, "resume-point"), PointPayload(wire_point(point))))


def result(
    task_id: str,
    sentence: Sentence,
    *,
    first: bool,
    audio_s: float = 0.0,
    shape: Shape = "sentence",
    resume: ResumePoint | None = None,
) -> str:
    """A sentence as it stands. `audio_s` counts in finals only; `first` marks the first result of its sentence."""
    if shape == "transcription":
        output = EventOutput(transcription=_transcription(sentence))
    else:
        output = EventOutput(sentence=_sentence(sentence, first))
    usage = usage_of(audio_s) if sentence.final else None
    point = msgspec.UNSET if resume is None else wire_point(resume)
    return _text(Event(EventHeader(task_id, "result-generated"), EventPayload(output, usage, point)))


def heartbeat(task_id: str) -> str:
    output = EventOutput(sentence=EventSentence(heartbeat=True))
    return _text(Event(EventHeader(task_id, "result-generated"), EventPayload(output)))


def task_finished(task_id: str, audio_s: float) -> str:
    return _text(Event(EventHeader(task_id, "task-finished"), EventPayload(EventOutput(), usage_of(audio_s))))


def task_failed(task_id: str, error: StenowireError) -> str:
    message = (
        error.message if error.param is None or error.param in error.message else f"{error.param}: {error.message}"
    )
    return _text(Event(EventHeader(task_id, "task-failed", error.code, message)))


def usage_of(audio_s: float) -> Usage:
    return Usage(math.ceil(audio_s))


def event_words(sentence: Sentence) -> list[EventWord]:
    """Joining text and punctuation of all words gives the sentence's text: each word but the first brings its blank."""
    settled = len(sentence.words) if sentence.final else sentence.stable
    return [_word(word, " " if index else "", index < settled) for index, word in enumerate(sentence.words)]


def _word(word: Word, blank: str, fixed: bool) -> EventWord:
    return EventWord(word.begin_ms, word.end_ms, blank + word.text, word.mark, fixed)


def _sentence(sentence: Sentence, first: bool) -> EventSentence:
    return EventSentence(
        sentence_id=sentence.id,
        begin_time=sentence.begin_ms,
        end_time=_end_ms(sentence),
        text=sentence.text,
        speaker_id=sentence.speaker,
        sentence_begin=first,
        sentence_end=sentence.final,
        words=event_words(sentence),
        hotwords_applied=hotwords_applied(sentence),
    )


def _transcription(sentence: Sentence) -> EventTranscription:
    words = event_words(sentence)
    return EventTranscription(
        sentence_id=sentence.id,
        begin_time=sentence.begin_ms,
        end_time=_end_ms(sentence),
        current_time=msgspec.UNSET if sentence.final else max([sentence.begin_ms, *(w.end_time for w in words)]),
        text=sentence.text,
        words=words,
        sentence_end=sentence.final,
        hotwords_applied=hotwords_applied(sentence),
    )


def _end_ms(sentence: Sentence) -> int | None:
    """An integer in finals and null before, whatever the sentence says: clients take it for the end of a sentence."""
    if not sentence.final:
        return None
    last_ms = max((word.end_ms for word in sentence.words), default=sentence.begin_ms)
    return last_ms if sentence.end_ms is None else sentence.end_ms
