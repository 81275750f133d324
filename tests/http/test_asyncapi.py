"""The description of the sockets: made from the types, whole, and true of every recorded conversation."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from docs.asyncapi import FILE, written

from dialects.conversation import ANY, CONVERSATIONS, DIALECTS, _frame, _open, read, read_update
from stenowire.dialects import openai_wire, realtime_wire, task_wire, vllm_wire
from stenowire.dialects.base import Text
from stenowire.gateway.http.description import SOCKETS

pytestmark = pytest.mark.unit

FILES = sorted(CONVERSATIONS.rglob("*.wire"))
TALKS = {"task": ["task"], "qwen": ["session"], "omni": ["session"], "openai": ["openai"], "vllm": ["vllm"]}
TALKS["realtime"] = ["session", "openai"]
"""Dialect of a conversation -> the protocols that may be spoken in it."""
DECODE: dict[str, Any] = {
    "task": task_wire.decode,
    "session": realtime_wire.decode,
    "openai": openai_wire.decode,
    "vllm": vllm_wire.decode,
}
MALFORMED = (task_wire.Malformed, realtime_wire.Malformed, vllm_wire.Malformed)


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_types_say() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "run docs/asyncapi.py"


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in references(document):
        place = document
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_socket_is_described(document: Any) -> None:
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {path for path, _ in SOCKETS}
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONVERSATIONS)))
def test_what_the_server_says_in_a_conversation_is_described_with_every_key(document: Any, path: Path) -> None:
    whole = closed(document)
    for dialect, frame in said(path):
        names = [f"{talk}.{event_of(frame)}" for talk in TALKS[dialect]]
        described = [name for name in names if name in whole["components"]["messages"]]
        assert described, f"{names} is not described"
        assert any(fits(whole, name, frame) for name in described), frame


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONVERSATIONS)))
def test_what_a_client_says_fits_exactly_when_it_is_understood(document: Any, path: Path) -> None:
    for dialect, text in heard(path):
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for talk in TALKS[dialect]:
            understood = not isinstance(DECODE[talk](text), MALFORMED)
            assert fits(document, f"{talk}.{event_of(frame)}", frame) is understood, (talk, text[:500])


def said(path: Path) -> Iterator[tuple[str, Any]]:
    """(dialect, frame) of everything that the server writes in a conversation."""
    for dialect, outputs in played(path):
        for output in outputs:
            if isinstance(output, Text):
                yield dialect, json.loads(output.data)


def played(path: Path) -> Iterator[tuple[str, list[Any]]]:
    name, spoken, now = "task", DIALECTS["task"](0.0), 0.0
    for _, sign, rest in read(path.read_text(encoding="utf-8")):
        if sign == "!":
            (spoken, outputs), name, now = _open(rest), rest.split()[0], 0.0
        elif sign == ">":
            outputs = spoken.receive(_frame(rest), now)
        elif sign == "~":
            outputs = spoken.send(read_update(rest), now)
        elif sign == "@" and not rest.startswith("next"):
            now = float(rest)
            outputs = spoken.tick(now)
        else:
            continue
        yield name, outputs


def heard(path: Path) -> Iterator[tuple[str, str]]:
    """(dialect, text) of everything that the client writes as JSON."""
    name = "task"
    for _, sign, rest in read(path.read_text(encoding="utf-8")):
        name = rest.split()[0] if sign == "!" else name
        if sign == ">" and not rest.startswith("<"):
            yield name, rest


def event_of(frame: Any) -> str:
    if not isinstance(frame, dict):
        return ANY
    header = frame.get("header")
    where = header if isinstance(header, dict) else frame
    return str(where.get("event") or where.get("action") or where.get("type"))


def fits(document: Any, name: str, frame: Any) -> bool:
    message = document["components"]["messages"].get(name)
    if message is None:
        return False
    schema = {"components": document["components"], **message["payload"]}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(frame))


def closed(document: Any) -> Any:
    """The same without room for keys that are not described."""
    whole = copy.deepcopy(document)
    for schema in whole["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return whole
