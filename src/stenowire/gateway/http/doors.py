"""All HTTP doors besides the plain questions, in one list: a new one is a file and a row here."""

from starlette.routing import Route

from stenowire.gateway.http import chat, files, generation, tokens, transcriptions, uploads, warmup
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.runtime import Runtime

DOORS = (transcriptions, chat, generation, files, uploads, tokens, warmup)


def operations(runtime: Runtime) -> list[Operation]:
    return [operation for door in DOORS for operation in door.operations(runtime)]


def routes(runtime: Runtime) -> list[Route]:
    return [operation.route for operation in operations(runtime)]
