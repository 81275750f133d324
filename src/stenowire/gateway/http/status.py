"""The plain questions: is it alive, is it ready, what is it, what does it offer, what has it counted.

Input: HTTP requests, without a key: nothing here tells about clients. Output: JSON, and Prometheus text.
"""

from typing import Any, Literal

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from stenowire import __version__
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.runtime import Runtime


class State(msgspec.Struct, frozen=True):
    status: Literal["ok", "ready", "loading", "draining", "full"]


class Version(msgspec.Struct, frozen=True):
    version: str
    name: str = "stenowire"


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """`created` and `owned_by` are there for clients that insist on them."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "stenowire"
    door: str
    engine: str
    languages: tuple[str, ...]
    biasing: str
    """none, phrases or text: what it can do with hot words and context."""
    description: str


class ModelList(msgspec.Struct, frozen=True):
    data: list[ListedModel]
    object: str = "list"


def listing(runtime: Runtime) -> ModelList:
    return ModelList([ListedModel(**msgspec.structs.asdict(card)) for card in runtime.hub.models()])


def json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def operations(runtime: Runtime) -> list[Operation]:
    status = Status(runtime)

    def question(path: str, endpoint: Any, summary: str, answer: Any, **more: Any) -> Operation:
        given = {"answers": {"application/json": (answer,)}, "refusals": (), "keyless": True, **more}
        return Operation(methods=("GET",), path=path, endpoint=endpoint, summary=summary, **given)

    return [
        question("/health", status.health, "200 while the process lives", State),
        question("/ready", status.ready, "200 while sessions are welcome, or 503 and why", State, statuses=(200, 503)),
        question("/version", status.version, "The version", Version),
        question("/v1/models", status.models, "Model names, and what stands behind each", ModelList, refusals=(503,)),
        question("/metrics", status.metrics, "Prometheus metrics", str, answers={"text/plain": (str,)}),
    ]


class Status:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def health(self, request: Request) -> Response:
        return json(State("ok"))

    async def ready(self, request: Request) -> Response:
        admission = self._runtime.admission
        if admission.draining:
            return json(State("draining"), 503)
        if not self._runtime.equipped:
            return json(State("loading"), 503)
        if admission.full:
            return json(State("full"), 503)
        return json(State("ready"))

    async def version(self, request: Request) -> Response:
        return json(Version(__version__))

    async def models(self, request: Request) -> Response:
        return json(listing(self._runtime))

    def metrics(self, request: Request) -> Response:
        """Not async, so that it runs in a thread: counting takes milliseconds."""
        return Response(generate_latest(self._runtime.metrics.registry), media_type=CONTENT_TYPE_LATEST)
