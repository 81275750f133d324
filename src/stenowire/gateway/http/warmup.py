"""`GET /api/v1/assistants`: a cheap request by which clients open their connections before they speak.

There are no assistants here, so the list is empty. `GET /compatible-mode/v1/models` lists the models for clients whose
base address is that of the chat door.
"""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from stenowire.gateway.http.body import read_query
from stenowire.gateway.http.door import Door
from stenowire.gateway.http.faults import openai_refusal
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import ModelList, json, listing
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime


class Page(msgspec.Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    order: str | None = None
    after: str | None = None
    before: str | None = None


class EmptyList(msgspec.Struct, frozen=True, kw_only=True):
    object: str = "list"
    data: list[str] = []
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False
    request_id: str


def operations(runtime: Runtime) -> list[Operation]:
    async def assistants(visit: Visit) -> Response:
        read_query(visit, Page)
        return json(EmptyList(request_id=visit.id))

    async def models(visit: Visit) -> Response:
        return json(listing(runtime))

    return [
        Operation(
            methods=("GET",),
            path="/api/v1/assistants",
            endpoint=Door(runtime, assistants),
            summary="Warm up the connection; the list is empty",
            query=Page,
            answers={"application/json": (EmptyList,)},
        ),
        Operation(
            methods=("GET",),
            path="/compatible-mode/v1/models",
            endpoint=Door(runtime, models, openai_refusal),
            summary="Model names, and what stands behind each",
            answers={"application/json": (ModelList,)},
            errors="openai",
        ),
    ]
