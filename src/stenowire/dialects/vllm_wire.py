"""The frames of vLLM's realtime transcription, in both directions.

In: the text of a client's frame. Out: a struct whose types hold, or `Malformed` with the protocol's name for the fault.
And back: the text of the server's frames. An error is a string here, beside a code.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from stenowire.dialects.faults import explain
from stenowire.dialects.realtime_wire import MAX_AUDIO_BYTES


class ClientFrame(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Update(ClientFrame, frozen=True, tag="session.update"):
    model: str


class Append(ClientFrame, frozen=True, tag="input_audio_buffer.append"):
    audio: Annotated[bytes, Meta(max_length=MAX_AUDIO_BYTES)]


class Commit(ClientFrame, frozen=True, tag="input_audio_buffer.commit"):
    final: bool = False
    """Whether all audio of this transcription has been sent; False only starts it."""


class Malformed(msgspec.Struct, frozen=True):
    message: str
    code: str


Message = Update | Append | Commit

_MESSAGE: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def decode(text: str) -> Message | Malformed:
    """Read one text frame. Never raises."""
    try:
        return _MESSAGE.decode(text)
    except (ValueError, RecursionError) as fault:
        error = explain(fault)
        codes = {None: "invalid_json", "type": "unknown_event", "audio": "invalid_audio"}
        return Malformed(error.message, codes.get(error.param, "processing_error"))


# ---- the server's frames ------------------------------------------------------------------------------------------


class ServerFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class SessionCreated(ServerFrame, frozen=True, tag="session.created"):
    id: str
    created: int
    """Seconds since 1970."""


class TranscriptionDelta(ServerFrame, frozen=True, tag="transcription.delta"):
    delta: str


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TranscriptionDone(ServerFrame, frozen=True, tag="transcription.done"):
    text: str
    usage: Usage


class Error(ServerFrame, frozen=True, tag="error"):
    error: str
    code: str


_ENCODER = msgspec.json.Encoder()


def write(frame: ServerFrame) -> str:
    return _ENCODER.encode(frame).decode()
