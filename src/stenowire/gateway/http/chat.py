"""`POST /compatible-mode/v1/chat/completions`: a short recording inside a chat message, in OpenAI's shape.

Input: messages; system text is context for recognition, the user's `input_audio` is recognised, other text is not
obeyed. Output: a completion whose content is the transcript, whole or one sentence at a time.
"""

import time
from collections.abc import Sequence
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
from stenowire.gateway.http.faults import openai_body, openai_refusal
from stenowire.gateway.http.hearing import Heard, Names, Transcript, Wanted, check, gather, hear, whole, within
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime

# ---- the request --------------------------------------------------------------------------------------------------


class InputAudio(msgspec.Struct, frozen=True):
    data: Annotated[str, Meta(min_length=1)]
    """A `data:` URI, bare base64, or an address."""
    format: str | None = None
    """Not needed: the recording tells what it is."""


class Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    input_audio: InputAudio | None = None


class Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    @property
    def parts(self) -> Sequence[Part]:
        return [Part("text", self.content)] if isinstance(self.content, str) else self.content or []


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Other fields of the protocol are accepted and have no effect."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1, max_length=256)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    asr_options: AsrOptions | None = None


# ---- the answer ---------------------------------------------------------------------------------------------------


class PromptDetails(msgspec.Struct, frozen=True):
    audio_tokens: int
    text_tokens: int


class CompletionDetails(msgspec.Struct, frozen=True):
    text_tokens: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails
    seconds: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    content: str | UnsetType = UNSET
    role: Literal["assistant"] | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    index: int = 0
    message: Said
    finish_reason: Literal["stop"] = "stop"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class ChunkChoice(msgspec.Struct, frozen=True, kw_only=True):
    index: int = 0
    delta: Said
    finish_reason: Literal["stop"] | None = None


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | UnsetType | None = UNSET


# ---- the door -----------------------------------------------------------------------------------------------------


def operations(runtime: Runtime) -> list[Operation]:
    return [
        Operation(
            methods=("POST",),
            path="/compatible-mode/v1/chat/completions",
            endpoint=Door(runtime, Chat(runtime).create, openai_refusal),
            summary="Transcribe a short recording inside a chat message",
            body=ChatRequest,
            answers={"application/json": (Completion,), "text/event-stream": (str,)},
            errors="openai",
        )
    ]


class Chat:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._addresses = Addresses(runtime)

    async def create(self, visit: Visit) -> Response:
        settings = self._runtime.settings
        self._runtime.check(visit.ip)
        asked = await read_json(visit, ChatRequest, settings.max_body_bytes)
        options = asked.asr_options or AsrOptions()
        context, audio = read_messages(asked.messages)
        wanted = Wanted(id=visit.id, model=asked.model, language=options.known_language, context=context)
        check(self._runtime, wanted, Names(language="asr_options.language"))
        source = await self._addresses.of_visit(visit, audio)
        heard = within(visit, hear(self._runtime, wanted, source))
        if asked.stream:
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return await EventStream.begin(visit, told(wanted, heard, with_usage), failed, settings.send_deadline_s)
        return json(completion(wanted, await whole(heard)))


def read_messages(messages: Sequence[Message]) -> tuple[str, str]:
    """(context, audio). Raises InvalidParameter unless there is exactly one recording."""
    context = [part.text for message in messages for part in message.parts if _is_context(message, part) and part.text]
    recordings = [part.input_audio.data for message in messages for part in message.parts if part.input_audio]
    if len(recordings) != 1:
        raise InvalidParameter(f"messages: exactly one input_audio is needed, found {len(recordings)}", "messages")
    return "\n".join(context), recordings[0]


def _is_context(message: Message, part: Part) -> bool:
    return message.role in ("system", "developer") and part.type == "text"


def completion(wanted: Wanted, transcript: Transcript) -> Completion:
    said = Said(content=transcript.text, role="assistant", annotations=annotations(transcript, wanted))
    return Completion(
        id=f"chatcmpl-{wanted.id}",
        created=int(time.time()),
        model=wanted.model,
        choices=[Choice(message=said)],
        usage=usage(wanted, transcript),
    )


async def told(wanted: Wanted, heard: Heard, with_usage: bool) -> Chunks:
    """A delta for each sentence; what is known only at the end comes with the reason for it."""
    created = int(time.time())

    def chunk(choices: list[ChunkChoice], used: Usage | UnsetType | None = UNSET) -> bytes:
        used = None if with_usage and used is UNSET else used
        made = Chunk(id=f"chatcmpl-{wanted.id}", created=created, model=wanted.model, choices=choices, usage=used)
        return event(msgspec.json.encode(made))

    transcript = Transcript([], 0.0)
    role: Literal["assistant"] | UnsetType
    async for transcript, update in gather(heard):
        if isinstance(update, Final):
            first = len(transcript.sentences) == 1
            content = ("" if first else " ") + update.sentence.text
            role = "assistant" if first else UNSET
            yield chunk([ChunkChoice(delta=Said(content=content, role=role))])
    role = UNSET if transcript.sentences else "assistant"
    end = Said(content="", role=role, annotations=annotations(transcript, wanted))
    yield chunk([ChunkChoice(delta=end, finish_reason="stop")])
    if with_usage:
        yield chunk([], usage(wanted, transcript))
    yield event(b"[DONE]")


def failed(error: StenowireError) -> bytes:
    return event(msgspec.json.encode(openai_body(error)))


def usage(wanted: Wanted, transcript: Transcript) -> Usage:
    cost = costs(wanted, transcript)
    return Usage(
        prompt_tokens=cost.prompt + cost.audio,
        completion_tokens=cost.said,
        total_tokens=cost.prompt + cost.audio + cost.said,
        prompt_tokens_details=PromptDetails(audio_tokens=cost.audio, text_tokens=cost.prompt),
        completion_tokens_details=CompletionDetails(cost.said),
        seconds=cost.seconds,
    )
