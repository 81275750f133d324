"""All HTTP doors, in one list: a new one is a file and a row here."""

from starlette.routing import Route

from stenowire.gateway.http import (
    captions,
    chat,
    description,
    files,
    generation,
    history,
    phrases,
    status,
    tokens,
    transcriptions,
    uploads,
    vocabularies,
    warmup,
)
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.runtime import Runtime

DOORS = (
    transcriptions,
    chat,
    generation,
    files,
    uploads,
    vocabularies,
    phrases,
    history,
    tokens,
    captions,
    warmup,
    status,
)


def operations(runtime: Runtime) -> list[Operation]:
    doors = [operation for door in DOORS for operation in door.operations(runtime)]
    return [*doors, *description.operations(doors)]


def routes(runtime: Runtime) -> list[Route]:
    return [operation.route for operation in operations(runtime)]
