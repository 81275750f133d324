"""The plain questions: is it alive, is it ready, what is it, what does it offer, what has it counted.

Input: HTTP requests, without a key: nothing here tells about clients. Output: JSON, Prometheus text, a small page.
"""

from typing import Any

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from stenowire import __version__
from stenowire.gateway.runtime import Runtime

INDEX = """Stenowire {version}: live speech to text.

WebSocket  /api-ws/v1/inference   the task protocol (run-task, audio, finish-task); needs an API key
GET        /v1/models             model names, and what stands behind each
GET        /health                200 while the process lives
GET        /ready                 200 while new sessions are welcome, otherwise 503 and why
GET        /version               the version
GET        /metrics               Prometheus metrics
"""


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """`created` and `owned_by` are there for clients that insist on them."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "stenowire"
    door: str
    engine: str
    languages: tuple[str, ...]
    description: str


class ModelList(msgspec.Struct, frozen=True):
    data: list[ListedModel]
    object: str = "list"


def listing(runtime: Runtime) -> ModelList:
    return ModelList([ListedModel(**msgspec.structs.asdict(card)) for card in runtime.hub.models()])


def json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


class Status:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def index(self, request: Request) -> Response:
        return PlainTextResponse(INDEX.format(version=__version__))

    async def health(self, request: Request) -> Response:
        return json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        admission = self._runtime.admission
        if admission.draining:
            return json({"status": "draining"}, 503)
        if not self._runtime.equipped:
            return json({"status": "loading"}, 503)
        if admission.full:
            return json({"status": "full"}, 503)
        return json({"status": "ready"})

    async def version(self, request: Request) -> Response:
        return json({"name": "stenowire", "version": __version__})

    async def models(self, request: Request) -> Response:
        return json(listing(self._runtime))

    def metrics(self, request: Request) -> Response:
        """Not async, so that it runs in a thread: counting takes milliseconds."""
        return Response(generate_latest(self._runtime.metrics.registry), media_type=CONTENT_TYPE_LATEST)
