"""Chat messages with a recording in them, in OpenAI's shape, and the completions that answer them.

In: a request, or a transcript. Out: what to hear, or what to tell. Knows nothing of requests over a network.
"""

import time
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from stenowire.errors import InvalidParameter
from stenowire.gateway.http.answers import Annotation, AsrOptions, annotations, costs
from stenowire.gateway.http.hearing import Transcript, Wanted

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


# ---- between them -------------------------------------------------------------------------------------------------


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
