"""Writes `asyncapi.yaml` beside it: the WebSocket protocols, described by the types that read and write their frames.

    python docs/asyncapi.py

In: the structs of the dialects. Out: an AsyncAPI 3.0 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0).
A test holds the file to this script, and the recorded conversations to the file.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import yaml

from stenowire import __version__
from stenowire.dialects import (
    omni_events,
    openai_events,
    openai_wire,
    qwen_events,
    realtime_wire,
    task_events,
    task_wire,
    vllm_wire,
)

FILE = Path(__file__).with_name("asyncapi.yaml")
REF = "#/components/schemas/{name}"
PACKAGE = b"stenowire.dialects."
BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
HEAD = "# Made by docs/asyncapi.py from the types of the dialects; run that instead of editing this.\n"

Document = dict[str, Any]


class Message(msgspec.Struct, frozen=True):
    name: str
    payload: Document
    content_type: str = "application/json"


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """What is said behind one door, by whom."""

    title: str
    address: str
    query: Document
    client: tuple[Message, ...]
    server: tuple[Message, ...]


def structs(base: type, module: Any) -> list[type]:
    """The events of a module. What only lends its fields to others has its own name for a tag."""
    kinds = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, base)]
    return [kind for kind in kinds if kind.__struct_config__.tag != kind.__name__]


QWEN_SERVER = structs(qwen_events.ServerEvent, qwen_events) + structs(qwen_events.ServerEvent, omni_events)
OPENAI_SERVER = structs(openai_events.ServerEvent, openai_events)
VLLM_SERVER = structs(vllm_wire.ServerFrame, vllm_wire)
QWEN_CLIENT = get_args(realtime_wire.Message)
OPENAI_CLIENT = get_args(openai_wire.Message)
VLLM_CLIENT = get_args(vllm_wire.Message)
TASK = (task_wire.Header, task_wire.RunPayload, task_wire.InputPayload, task_events.Event)


def decodable(kind: Any) -> list[Any]:
    """The struct itself, or one for each shape of a field that is written in several.

    The library describes only what could be read, and such a field could not.
    """
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        shapes = [shape for shape in get_args(hints[field.name]) if isinstance(shape, type(msgspec.Struct))]
        if len(shapes) > 1 and not shapes[0].__struct_config__.tag:
            return [with_shape(kind, hints, field.name, shape) for shape in shapes]
    return [kind]


def with_shape(kind: Any, hints: Document, name: str, shape: Any) -> Any:
    others = [
        (field.name, hints[field.name], *(() if field.required else (field.default,)))
        for field in msgspec.structs.fields(kind)
        if field.name != name
    ]
    config = kind.__struct_config__
    return msgspec.defstruct(
        f"{kind.__name__}With{shape.__name__}",
        [(name, shape), *others],
        module=kind.__module__,
        kw_only=True,
        tag=config.tag,
        tag_field=config.tag_field,
    )


class Schemas:
    def __init__(self, named: Sequence[Any]) -> None:
        self._shapes = {kind: decodable(kind) for kind in named}
        kinds = [shape for shapes in self._shapes.values() for shape in shapes]
        made = msgspec.json.encode(msgspec.json.schema_components(kinds, ref_template=REF))
        found, self.components = msgspec.json.decode(made.replace(PACKAGE, b""), type=tuple[list[Document], Document])
        for schema in self.components.values():
            for field in schema.get("properties", {}).values():
                # To a validator the encoding is only a remark.
                field |= {"pattern": BASE64} if field.get("contentEncoding") == "base64" else {}
        self._found = dict(zip(kinds, found, strict=True))

    def of(self, kind: Any) -> Document:
        shapes = [self._found[shape] for shape in self._shapes[kind]]
        return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}

    def tagged(self, kinds: Iterable[Any], who: str) -> tuple[Message, ...]:
        return tuple(Message(f"{who}.{kind.__struct_config__.tag}", self.of(kind)) for kind in kinds)


def task_messages(schemas: Schemas) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The client's and the server's: here the name of an event stands in the header."""

    def frame(key: str, name: str, header: Any, payload: Document, *required: str) -> Message:
        named = {"allOf": [schemas.of(header), {"properties": {key: {"const": name}}}]}
        properties = {"header": named, "payload": payload}
        return Message(f"task.{name}", {"type": "object", "required": list(required), "properties": properties})

    run, other = schemas.of(task_wire.RunPayload), {"anyOf": [schemas.of(task_wire.InputPayload), {"type": "null"}]}
    client = (
        frame("action", "run-task", task_wire.Header, run, "header", "payload"),
        frame("action", "continue-task", task_wire.Header, other, "header"),
        frame("action", "finish-task", task_wire.Header, other, "header"),
        Message("task.audio", {"type": "string", "format": "binary"}, "application/octet-stream"),
    )
    whole = schemas.of(task_events.Event)
    events = ("task-started", "result-generated", "resume-point", "task-finished", "task-failed")
    named = [{"properties": {"header": {"properties": {"event": {"const": event}}}}} for event in events]
    server = tuple(
        Message(f"task.{event}", {"allOf": [whole, name]}) for event, name in zip(events, named, strict=True)
    )
    return client, server


def talks(schemas: Schemas) -> dict[str, Talk]:
    client, server = task_messages(schemas)
    text = {"type": "string"}
    return {
        "task": Talk(
            title="The task protocol: Fun-ASR, Paraformer, Gummy",
            address="/api-ws/v1/inference",
            query={},
            client=client,
            server=server,
        ),
        "session": Talk(
            title="The session protocol: Qwen-ASR, and Qwen-Omni as a recogniser",
            address="/api-ws/v1/realtime",
            query={"model": text, "heartbeat": {"enum": ["true", "false"]}, "intent": {"const": "transcription"}},
            client=schemas.tagged(QWEN_CLIENT, "session"),
            server=schemas.tagged(QWEN_SERVER, "session"),
        ),
        "openai": Talk(
            title="OpenAI's realtime transcription",
            address="/v1/realtime",
            query={"model": text, "intent": {"const": "transcription"}},
            client=schemas.tagged(OPENAI_CLIENT, "openai"),
            server=schemas.tagged(OPENAI_SERVER, "openai"),
        ),
        "vllm": Talk(
            title="vLLM's realtime transcription",
            address="/v1/realtime",
            query={},
            client=schemas.tagged(VLLM_CLIENT, "vllm"),
            server=schemas.tagged(VLLM_SERVER, "vllm"),
        ),
    }


def document() -> Document:
    schemas = Schemas([*TASK, *QWEN_CLIENT, *QWEN_SERVER, *OPENAI_CLIENT, *OPENAI_SERVER, *VLLM_CLIENT, *VLLM_SERVER])
    said = talks(schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Stenowire", "version": __version__, "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "servers": {"here": {"host": "127.0.0.1:8090", "protocol": "ws", "security": [{"$ref": KEY}]}},
        "channels": {name: channel(talk) for name, talk in said.items()},
        "operations": {
            **{f"{name}Receive": operation(name, "receive", talk.client) for name, talk in said.items()},
            **{f"{name}Send": operation(name, "send", talk.server) for name, talk in said.items()},
        },
        "components": {
            "messages": {m.name: message(m) for talk in said.values() for m in (*talk.client, *talk.server)},
            "schemas": schemas.components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


KEY = "#/components/securitySchemes/key"


def channel(talk: Talk) -> Document:
    made: Document = {"title": talk.title, "address": talk.address}
    made["messages"] = {m.name: {"$ref": f"#/components/messages/{m.name}"} for m in (*talk.client, *talk.server)}
    if talk.query:
        made["bindings"] = {"ws": {"query": {"type": "object", "properties": talk.query}}}
    return made


def operation(name: str, action: str, messages: Sequence[Message]) -> Document:
    """As the server sees it."""
    here = f"#/channels/{name}"
    refs = [{"$ref": f"{here}/messages/{message.name}"} for message in messages]
    return {"action": action, "channel": {"$ref": here}, "messages": refs}


def message(message: Message) -> Document:
    return {"contentType": message.content_type, "payload": message.payload}


def written() -> str:
    return HEAD + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
