"""Describes all doors: for people at `/`, for programs at `/openapi.json`.

Input: the operations that the routes are made of. Output: a page of text, and an OpenAPI 3.1 document whose schemas are
those of the types that read requests and write answers, so that it cannot say something else than what is done.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from stenowire import __version__
from stenowire.gateway.http.faults import OpenAIRefusal
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.refusal import Refusal
from stenowire.gateway.http.status import json

SOCKETS = (
    ("/api-ws/v1/inference", "the task protocol: Fun-ASR, Paraformer, Gummy"),
    ("/api-ws/v1/realtime", "the session protocol: Qwen-ASR, Qwen-Omni as a recogniser"),
    ("/v1/realtime", "OpenAI's realtime transcription, and vLLM's"),
)
REF = "#/components/schemas/{name}"
PACKAGE = b"stenowire.gateway.http."
REASONS = {
    400: "The request is not valid, or the audio is not",
    401: "No key, or not a good one",
    403: "Not with this key, or not in this way",
    404: "There is no such model or thing",
    413: "The request or its audio is too large",
    429: "Too many requests or streams; try again",
    500: "The server's fault",
    503: "Starting, stopping or full; try again",
}

Document = dict[str, Any]


def operations(others: Sequence[Operation]) -> list[Operation]:
    """The doors that describe the others and themselves."""
    described: list[Operation] = [*others]

    async def page(request: Request) -> Response:
        return PlainTextResponse(index(described))

    @cache
    def made() -> Document:
        return openapi(described)

    async def document(request: Request) -> Response:
        return json(made())

    def door(path: str, endpoint: Any, summary: str, answers: Mapping[str, tuple[Any, ...]]) -> Operation:
        return Operation(
            methods=("GET",), path=path, endpoint=endpoint, summary=summary, answers=answers, refusals=(), keyless=True
        )

    mine = [
        door("/docs", page, "This list", {"text/plain": (str,)}),
        door("/openapi.json", document, "All HTTP doors, as OpenAPI 3.1", {"application/json": (Document,)}),
    ]
    described += mine
    return mine


def index(described: Sequence[Operation]) -> str:
    lines = [("WebSocket", path, summary) for path, summary in SOCKETS]
    lines += [("/".join(door.methods), door.path, door.summary) for door in described]
    width = max(len(path) for _, path, _ in lines)
    rows = [f"{method:<9}  {path:<{width}}  {summary}" for method, path, summary in lines]
    return "\n".join([f"Stenowire {__version__}: live speech to text.", "", *rows, ""])


# ---- OpenAPI ------------------------------------------------------------------------------------------------------


def openapi(described: Sequence[Operation]) -> Document:
    """https://spec.openapis.org/oas/v3.1.1.html"""
    schemas = Schemas(described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stenowire",
            "version": __version__,
            "summary": "Speech to text over HTTP",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(described, schemas),
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


class Schemas:
    """JSON Schema of every type that a door reads or writes."""

    def __init__(self, described: Sequence[Operation]) -> None:
        types: list[Any] = [Refusal, OpenAIRefusal]
        for door in described:
            types += [kind for kinds in door.answers.values() for kind in kinds]
            types += [kind for kind in (door.query, door.form, door.body) if kind is not None]
        unique = list(dict.fromkeys(types))
        made = msgspec.json.encode(msgspec.json.schema_components(unique, ref_template=REF))
        # Names that several files use have those files in front of them, and not more.
        found, self.components = msgspec.json.decode(made.replace(PACKAGE, b""), type=tuple[list[Document], Document])
        self._found = dict(zip(unique, found, strict=True))

    def of(self, kind: Any) -> Document:
        schema: Document = self._found[kind]
        return schema

    def whole(self, kind: Any) -> Document:
        """Not a reference to it."""
        whole: Document = self.components[self.of(kind)["$ref"].rpartition("/")[2]]
        return whole


def _paths(described: Sequence[Operation], schemas: Schemas) -> Document:
    paths: Document = {}
    for door in described:
        methods = {method.lower(): _operation(door, method, schemas) for method in door.methods}
        paths.setdefault(door.path, {}).update(methods)
    return paths


def _operation(door: Operation, method: str, schemas: Schemas) -> Document:
    operation: Document = {
        "operationId": f"{method.lower()}{re.sub('[^A-Za-z0-9]+', '_', door.path).rstrip('_')}",
        "summary": door.summary,
        "security": [] if door.keyless else [{"key": []}],
        "parameters": _parameters(door, schemas),
        "responses": {**_answers(door, schemas), **_refusals(door, schemas)},
    }
    if door.body is not None:
        operation["requestBody"] = _body("application/json", schemas.of(door.body))
    if door.form is not None:
        operation["requestBody"] = _body("multipart/form-data", _with_file(schemas.whole(door.form)))
    return operation


def _parameters(door: Operation, schemas: Schemas) -> list[Document]:
    named = re.findall(r"{(\w+)}", door.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
    for name, meaning in door.headers.items():
        parameters.append({"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}})
    if door.query is not None:
        query = schemas.whole(door.query)
        for name, schema in query["properties"].items():
            required = name in query.get("required", ())
            parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    return parameters


def _with_file(form: Document) -> Document:
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    return form | {
        "properties": {**form["properties"], "file": file},
        "required": [*form.get("required", ()), "file"],
    }


def _body(media: str, schema: Document) -> Document:
    return {"required": True, "content": {media: {"schema": schema}}}


def _answers(door: Operation, schemas: Schemas) -> Document:
    answer = {"description": "The answer", **_content(door.answers, schemas)}
    return {str(status): answer for status in door.statuses}


def _refusals(door: Operation, schemas: Schemas) -> Document:
    kind = OpenAIRefusal if door.errors == "openai" else Refusal
    return {
        str(status): {"description": REASONS[status], **_content({"application/json": (kind,)}, schemas)}
        for status in door.refusals
    }


def _content(answers: Mapping[str, tuple[Any, ...]], schemas: Schemas) -> Document:
    content = {media: {"schema": _either([schemas.of(kind) for kind in kinds])} for media, kinds in answers.items()}
    return {"content": content} if content else {}


def _either(schemas: Sequence[Document]) -> Document:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
