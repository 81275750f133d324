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
from stenowire.errors import InvalidParameter, StenowireError
from stenowire.events import Failed, Final, Finished, Open, Update
from stenowire.gateway.credentials import Caller
from stenowire.gateway.http.faults import TooLong, renamed
from stenowire.gateway.http.sources import Source
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.streams import Stream
from stenowire.serving.decoding import CODED, Decoders
from stenowire.serving.local import recognise
from stenowire.serving.recording import Pieces, Recording, as_wav, identify
from stenowire.text.tokens import MAX_CONTEXT_TOKENS, count_tokens
from stenowire.types import SESSION_RATE_HZ, AudioFormat, Hint, NoiseReduction, Segmentation, Sentence, TextOptions

WAV = AudioFormat("wav", SESSION_RATE_HZ)
"""The rate in the header counts, not this one."""

log = structlog.get_logger(__name__)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, in whatever words."""

    id: str
    model: str
    language: str | None = None
    context: str = ""
    text: TextOptions = TextOptions()
    audit: bool = False


class Ended(msgspec.Struct, frozen=True):
    """All of it has been heard."""

    audio_s: float
    recording: Recording


Heard = AsyncGenerator[Final | Ended, None]


class Names(msgspec.Struct, frozen=True):
    """What a door calls the fields that a model or a language may be refused by."""

    model: str = "model"
    language: str = "language"
    context: str = "messages"


class Transcript(msgspec.Struct, frozen=True):
    sentences: list[Sentence]
    audio_s: float
    recording: Recording | None = None
    """None while it is still heard."""

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def language(self) -> str | None:
        return next((sentence.language for sentence in self.sentences if sentence.language), None)


def check(runtime: Runtime, wanted: Wanted, names: Names) -> None:
    """Raises ModelNotFound or InvalidParameter, in the door's own words."""
    tokens = count_tokens(wanted.context)
    if tokens > MAX_CONTEXT_TOKENS:
        reason = f"{tokens} tokens of context, and at most {MAX_CONTEXT_TOKENS} are accepted"
        raise InvalidParameter(f"{names.context}: {reason}", names.context)
    try:
        runtime.hub.resolve(wanted.model, wanted.language)
    except StenowireError as error:
        raise renamed(error, names.model, names.language) from None


async def hear(runtime: Runtime, wanted: Wanted, source: Source, caller: Caller) -> Heard:
    """Final sentences, then Ended. Raises what went wrong. Closing it frees everything at once."""
    recording = Recording(identify(source.head()))
    metrics = runtime.metrics
    stream = await runtime.streams.take(caller)
    bounded = _bounded(runtime.settings.max_recording_s, recording, source, runtime.decoders)
    wav = _counted(bounded, recording, stream)
    metrics.opened.inc()
    metrics.streams.inc()
    began, outcome, audio_s = time.monotonic(), "hangup", 0.0
    opening = _opening(wanted, runtime.settings.noise_reduction)
    updates = cast(AsyncGenerator[Update, None], recognise(opening, wav, runtime.hub, runtime.pool))
    try:
        async with aclosing(updates), aclosing(wav):
            async for update in updates:
                match update:
                    case Failed(error=error):
                        raise error
                    case Final():
                        audio_s = update.audio_s
                        metrics.finals.inc()
                        yield update
                    case Finished():
                        audio_s, outcome = update.audio_s, "finished"
                        yield Ended(audio_s, recording)
    except StenowireError as error:
        outcome = error.code
        raise
    finally:
        runtime.streams.free(stream)
        metrics.streams.dec()
        metrics.ended.labels(outcome).inc()
        metrics.audio_s.inc(audio_s)
        took_s = round(time.monotonic() - began, 3)
        log.info("recording ended", request=wanted.id, outcome=outcome, audio_s=round(audio_s, 3), took_s=took_s)


def _opening(wanted: Wanted, noise_reduction: NoiseReduction) -> Open:
    """Sentences end as they do on the task protocol for a model of that name."""
    return Open(
        session=wanted.id,
        model=wanted.model,
        format=WAV,
        segmentation=Segmentation(silence_ms=family(wanted.model).silence_ms),
        hint=Hint(language=wanted.language, context=wanted.context),
        text=wanted.text,
        interims=False,
        audit=wanted.audit,
        noise_reduction=noise_reduction,
    )


async def _bounded(most_s: float, recording: Recording, source: Source, decoders: Decoders) -> Pieces:
    """What is not coded is refused at once when it is too long; of the rest that shows on the way."""
    size = 0 if recording.encoding in CODED else source.size
    wav = as_wav(recording, source.pieces(), decoders)
    async with aclosing(wav):
        async for piece in wav:
            size += len(piece) if recording.encoding in CODED else 0
            if recording.bytes_per_s and size > most_s * recording.bytes_per_s:
                raise TooLong(f"The recording is longer than {most_s:.0f} seconds.")
            yield piece


async def _counted(wav: Pieces, recording: Recording, stream: Stream) -> Pieces:
    """The same, as long as the quota of audio lasts."""
    size = 0
    async with aclosing(wav):
        async for piece in wav:
            size += len(piece)
            if recording.bytes_per_s:
                await stream.heard(size / recording.bytes_per_s)
            yield piece


async def within(visit: Visit, heard: Heard) -> Heard:
    """The same, until the visit ends: then it raises why."""
    async with aclosing(heard):
        while True:
            async with visit.limit():
                update = await anext(heard, None)
            if update is None:
                return
            yield update


async def gather(heard: Heard) -> AsyncGenerator[tuple[Transcript, Final | Ended], None]:
    """Each update, with all that is known by then."""
    sentences: list[Sentence] = []
    async with aclosing(heard):
        async for update in heard:
            if isinstance(update, Final):
                sentences.append(update.sentence)
            recording = update.recording if isinstance(update, Ended) else None
            yield Transcript(sentences, update.audio_s, recording), update


async def whole(heard: Heard) -> Transcript:
    *_, (transcript, _) = [pair async for pair in gather(heard)]
    return transcript
