"""`POST /compatible-mode/v1/chat/completions`: a short recording inside a chat message, in OpenAI's shape.

Input: messages; system text is context for recognition, the user's `input_audio` is recognised, other text is not
obeyed. Output: a completion whose content is the transcript, whole or one sentence at a time.
"""

import time
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from stenowire.errors import StenowireError
from stenowire.events import Final
from stenowire.gateway.http.addresses import Addresses
from stenowire.gateway.http.answers import AsrOptions, annotations
from stenowire.gateway.http.body import read_json
from stenowire.gateway.http.chat_shapes import (
    ChatRequest,
    Chunk,
    ChunkChoice,
    Completion,
    Said,
    Usage,
    completion,
    read_messages,
    usage,
)
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.events import Chunks, EventStream, event
from stenowire.gateway.http.faults import openai_body, openai_refusal
from stenowire.gateway.http.hearing import Heard, Names, Transcript, Wanted, check, gather, hear, whole, within
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime


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
        heard = within(visit, hear(self._runtime, wanted, source, visit.caller))
        if asked.stream:
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return await EventStream.begin(visit, told(wanted, heard, with_usage), failed, settings.send_deadline_s)
        return json(completion(wanted, await whole(heard)))


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
