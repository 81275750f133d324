"""`POST /v1/audio/transcriptions`: a recording to text, as OpenAI's clients ask for it.

Input: a multipart form. Output: JSON, text or subtitles, or the sentences one by one as server-sent events.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.dialects.openai_wire import MAX_PROMPT_CHARS
from stenowire.errors import InvalidParameter, StenowireError
from stenowire.events import Final
from stenowire.gateway.http.body import convert, read_form
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.events import Chunks, EventStream, event
from stenowire.gateway.http.faults import openai_body, openai_refusal
from stenowire.gateway.http.hearing import Heard, Names, Wanted, check, hear, whole, within
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.sources import FileSource
from stenowire.gateway.http.transcription_formats import Delta, Done, Format, Granularity, Plain, Verbose, written
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """Without the file. Other fields of the protocol are accepted and have no effect."""

    model: str
    language: str | None = None
    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARS)] = ""
    response_format: Format = "json"
    stream: bool = False
    temperature: Annotated[float, Meta(ge=0, le=1)] = 0
    hotword_audit: bool = False
    """Our addition: each segment of verbose_json says which terms were written, and why."""
    granularities: list[Granularity] = msgspec.field(default=[], name="timestamp_granularities[]")


def operations(runtime: Runtime) -> list[Operation]:
    return [
        Operation(
            methods=("POST",),
            path="/v1/audio/transcriptions",
            endpoint=Door(runtime, Transcriptions(runtime).create, openai_refusal),
            summary="Transcribe a recording",
            form=Form,
            answers={
                "application/json": (Plain, Verbose),
                "text/plain": (str,),
                "text/vtt": (str,),
                "text/event-stream": (str,),
            },
            errors="openai",
        )
    ]


class Transcriptions:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def create(self, visit: Visit) -> Response:
        settings = self._runtime.settings
        self._runtime.check(visit.ip)
        fields, file = await read_form(visit, settings.max_upload_bytes)
        form = read(fields)
        wanted = Wanted(
            id=visit.id,
            model=form.model,
            language=form.language or None,
            context=form.prompt,
            audit=form.hotword_audit,
        )
        check(self._runtime, wanted, Names(context="prompt"))
        heard = within(visit, hear(self._runtime, wanted, FileSource(file), visit.caller))
        if form.stream:
            return await EventStream.begin(visit, told(heard), failed, settings.send_deadline_s)
        return written(await whole(heard), form.response_format, form.granularities, form.language)


def read(fields: dict[str, Any]) -> Form:
    """Raises InvalidParameter also for fields that do not go together."""
    form = convert(fields, Form)
    if form.granularities and form.response_format != "verbose_json":
        name = "timestamp_granularities[]"
        raise InvalidParameter(f"{name}: needs response_format verbose_json", name)
    if form.stream and form.response_format not in ("json", "text"):
        raise InvalidParameter(f"stream: not with response_format {form.response_format}", "stream")
    return form


async def told(heard: Heard) -> Chunks:
    """One delta for each sentence, as soon as it is final; joined they are the text."""
    texts: list[str] = []
    async for update in heard:
        if isinstance(update, Final):
            delta = (" " if texts else "") + update.sentence.text
            texts.append(delta)
            yield event(msgspec.json.encode(Delta(delta)))
    yield event(msgspec.json.encode(Done("".join(texts))))


def failed(error: StenowireError) -> bytes:
    return event(msgspec.json.encode(openai_body(error)), "event: error")
