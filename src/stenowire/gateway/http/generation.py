"""`POST /api/v1/services/aigc/multimodal-generation/generation`: a short recording in a message, in the native shape.

Input: messages whose content is text and one `audio`. Output: a message with the transcript; with `X-DashScope-SSE:
enable` one event for each sentence, with the whole text so far, or with `incremental_output` only with what is new.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.responses import Response

from stenowire.errors import InvalidParameter, StenowireError
from stenowire.events import Final
from stenowire.gateway.http.addresses import Addresses
from stenowire.gateway.http.answers import Annotation, AsrOptions, annotations, costs
from stenowire.gateway.http.body import read_json
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.events import Chunks, EventStream, event
from stenowire.gateway.http.hearing import Heard, Names, Transcript, Wanted, check, gather, hear, whole, within
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.refusal import Refusal
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime

# ---- the request --------------------------------------------------------------------------------------------------


class Part(msgspec.Struct, frozen=True):
    text: str | None = None
    audio: str | None = None
    """A `data:` URI, bare base64, or an address."""


class Message(msgspec.Struct, frozen=True):
    role: Literal["system", "user", "assistant"]
    content: str | list[Part]

    @property
    def parts(self) -> Sequence[Part]:
        return [Part(self.content)] if isinstance(self.content, str) else self.content


class Input(msgspec.Struct, frozen=True):
    messages: Annotated[list[Message], Meta(min_length=1, max_length=256)]


class Parameters(msgspec.Struct, frozen=True):
    asr_options: AsrOptions | None = None
    incremental_output: bool | None = None
    result_format: str | None = None


class GenerationRequest(msgspec.Struct, frozen=True):
    model: str
    input: Input
    parameters: Parameters | None = None


# ---- the answer ---------------------------------------------------------------------------------------------------


class Text(msgspec.Struct, frozen=True):
    text: str


class Said(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: list[Text]
    annotations: list[Annotation] | UnsetType = UNSET


class Choice(msgspec.Struct, frozen=True):
    message: Said
    finish_reason: Literal["stop", "null"]


class Output(msgspec.Struct, frozen=True):
    choices: list[Choice]


class TextTokens(msgspec.Struct, frozen=True):
    text_tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    input_tokens_details: TextTokens
    output_tokens_details: TextTokens
    seconds: int


class Generation(msgspec.Struct, frozen=True):
    output: Output
    usage: Usage
    request_id: str


# ---- the door -----------------------------------------------------------------------------------------------------


def operations(runtime: Runtime) -> list[Operation]:
    return [
        Operation(
            methods=("POST",),
            path="/api/v1/services/aigc/multimodal-generation/generation",
            endpoint=Door(runtime, Generations(runtime).create),
            summary="Transcribe a short recording inside a message",
            headers={"X-DashScope-SSE": "`enable`: answer with server-sent events"},
            body=GenerationRequest,
            answers={"application/json": (Generation,), "text/event-stream": (str,)},
        )
    ]


class Generations:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._addresses = Addresses(runtime)

    async def create(self, visit: Visit) -> Response:
        settings = self._runtime.settings
        self._runtime.check(visit.ip)
        asked = await read_json(visit, GenerationRequest, settings.max_body_bytes)
        parameters = asked.parameters or Parameters()
        options = parameters.asr_options or AsrOptions()
        context, audio = read_messages(asked.input.messages)
        wanted = Wanted(id=visit.id, model=asked.model, language=options.known_language, context=context)
        check(self._runtime, wanted, Names(language="parameters.asr_options.language", context="input.messages"))
        source = await self._addresses.of_visit(visit, audio)
        heard = within(visit, hear(self._runtime, wanted, source, visit.caller))
        if visit.request.headers.get("x-dashscope-sse", "").lower() == "enable":
            chunks = told(wanted, heard, bool(parameters.incremental_output))
            return await EventStream.begin(visit, chunks, failed(visit.id), settings.send_deadline_s)
        transcript = await whole(heard)
        return json(generation(wanted, transcript, transcript.text, end=True))


def read_messages(messages: Sequence[Message]) -> tuple[str, str]:
    """(context, audio). Raises InvalidParameter unless there is exactly one recording."""
    context = [part.text for message in messages if message.role == "system" for part in message.parts if part.text]
    recordings = [part.audio for message in messages for part in message.parts if part.audio]
    if len(recordings) != 1:
        path = "input.messages"
        raise InvalidParameter(f"{path}: exactly one audio is needed, found {len(recordings)}", path)
    return "\n".join(context), recordings[0]


def generation(wanted: Wanted, transcript: Transcript, text: str, *, end: bool) -> Generation:
    cost = costs(wanted, transcript)
    said = Said(content=[Text(text)], annotations=annotations(transcript, wanted))
    return Generation(
        Output([Choice(said, "stop" if end else "null")]),
        Usage(
            input_tokens_details=TextTokens(cost.prompt),
            output_tokens_details=TextTokens(cost.said),
            seconds=cost.seconds,
        ),
        wanted.id,
    )


async def told(wanted: Wanted, heard: Heard, incremental: bool) -> Chunks:
    number = 0
    async for transcript, update in gather(heard):
        number += 1
        text = transcript.text
        if incremental:
            text = _newest(transcript) if isinstance(update, Final) else ""
        made = generation(wanted, transcript, text, end=not isinstance(update, Final))
        yield event(msgspec.json.encode(made), f"id:{number}", "event:result", ":HTTP_STATUS/200")


def _newest(transcript: Transcript) -> str:
    blank = " " if len(transcript.sentences) > 1 else ""
    return blank + transcript.sentences[-1].text


def failed(request_id: str) -> Callable[[StenowireError], bytes]:
    def tell(error: StenowireError) -> bytes:
        body = msgspec.json.encode(Refusal(error.code, error.message, request_id))
        status = error.http_status
        return event(body, "id:0", "event:error", f":HTTP_STATUS/{status}", f"status:{status}")

    return tell
