"""A whole recording to its sentences: the same session, pool and limits as a socket has.

In: what to open and where the bytes come from. Out: final sentences as they are found, then how long the audio was. The
recording counts as a stream until it has been heard or is given up.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import msgspec
import structlog

from stenowire.dialects.families import family
from stenowire.errors import StenowireError
from stenowire.events import Failed, Final, Finished, Open, Update
from stenowire.gateway.http.faults import PayloadTooLarge, renamed
from stenowire.gateway.http.sources import Source
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.serving.local import recognise
from stenowire.serving.recording import Recording, identify
from stenowire.types import Hint, Segmentation, Sentence, TextOptions

log = structlog.get_logger(__name__)

Heard = AsyncGenerator[Final | Finished, None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, in whatever words."""

    id: str
    model: str
    language: str | None = None
    context: str = ""
    text: TextOptions = TextOptions()


class Names(msgspec.Struct, frozen=True):
    """What a door calls the fields that a model or a language may be refused by."""

    model: str = "model"
    language: str = "language"


class Transcript(msgspec.Struct, frozen=True):
    sentences: list[Sentence]
    audio_s: float

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def language(self) -> str | None:
        return next((sentence.language for sentence in self.sentences if sentence.language), None)


def check(runtime: Runtime, wanted: Wanted, names: Names) -> None:
    """Raises ModelNotFound or InvalidParameter, in the door's own words."""
    try:
        runtime.hub.resolve(wanted.model, wanted.language)
    except StenowireError as error:
        raise renamed(error, names.model, names.language) from None


async def hear(runtime: Runtime, wanted: Wanted, source: Source) -> Heard:
    """Final sentences, then Finished. Raises what went wrong. Closing it frees everything at once."""
    recording = identify(source.head())
    _check_length(runtime, recording, source.size)
    opening = _opening(wanted, recording)
    admission, metrics = runtime.admission, runtime.metrics
    admission.take_stream()
    metrics.opened.inc()
    metrics.streams.inc()
    began, outcome, audio_s = time.monotonic(), "hangup", 0.0
    updates = cast(AsyncGenerator[Update, None], recognise(opening, source.pieces(), runtime.hub, runtime.pool))
    try:
        async with aclosing(updates):
            async for update in updates:
                match update:
                    case Failed(error=error):
                        outcome = error.code
                        raise error
                    case Final() | Finished():
                        outcome = "finished" if isinstance(update, Finished) else outcome
                        audio_s = update.audio_s
                        metrics.finals.inc(isinstance(update, Final))
                        yield update
    except StenowireError as error:
        outcome = error.code
        raise
    finally:
        admission.free_stream()
        metrics.streams.dec()
        metrics.ended.labels(outcome).inc()
        metrics.audio_s.inc(audio_s)
        took_s = round(time.monotonic() - began, 3)
        log.info("recording ended", request=wanted.id, outcome=outcome, audio_s=round(audio_s, 3), took_s=took_s)


def _opening(wanted: Wanted, recording: Recording) -> Open:
    """Sentences end as they do on the task protocol for a model of that name."""
    return Open(
        session=wanted.id,
        model=wanted.model,
        format=recording.format,
        segmentation=Segmentation(silence_ms=family(wanted.model).silence_ms),
        hint=Hint(language=wanted.language, context=wanted.context),
        text=wanted.text,
        interims=False,
    )


def _check_length(runtime: Runtime, recording: Recording, size: int) -> None:
    most_s = runtime.settings.max_recording_s
    if recording.bytes_per_s and size > most_s * recording.bytes_per_s:
        raise PayloadTooLarge(f"The recording is longer than {most_s:.0f} seconds.")


async def within(visit: Visit, heard: Heard) -> Heard:
    """The same, until the visit ends: then it raises why."""
    async with aclosing(heard):
        while True:
            async with visit.limit():
                update = await anext(heard, None)
            if update is None:
                return
            yield update


async def gather(heard: Heard) -> AsyncGenerator[tuple[Transcript, Final | Finished], None]:
    """Each update, with all that is known by then."""
    sentences: list[Sentence] = []
    async with aclosing(heard):
        async for update in heard:
            if isinstance(update, Final):
                sentences.append(update.sentence)
            yield Transcript(sentences, update.audio_s), update


async def whole(heard: Heard) -> Transcript:
    *_, (transcript, _) = [pair async for pair in gather(heard)]
    return transcript
