"""File transcription in the background: ask for it, look after it, fetch the result.

`POST /api/v1/services/audio/asr/transcription` with `X-DashScope-Async: enable`, then `GET /api/v1/tasks/{id}`, as the
vendor's clients do it. Input: addresses of recordings. Output: a task; when it has ended, addresses of its results.
"""

import asyncio
import time
import uuid

from starlette.responses import Response

from stenowire.errors import AccessDenied
from stenowire.gateway.http.body import read_json
from stenowire.gateway.http.door import Door, KeylessDoor
from stenowire.gateway.http.faults import NotFound, NotPossible
from stenowire.gateway.http.file_results import FileResult
from stenowire.gateway.http.file_tasks import (
    Done,
    FileRequest,
    Submitted,
    TaskOutput,
    TaskStatus,
    Ticket,
    read_request,
    told,
)
from stenowire.gateway.http.hearing import Names, Wanted, check
from stenowire.gateway.http.operations import Operation
from stenowire.gateway.http.status import json
from stenowire.gateway.http.visit import Visit
from stenowire.gateway.runtime import Runtime

RESULTS = "/api/v1/results/"


def operations(runtime: Runtime) -> list[Operation]:
    files = Files(runtime)
    asynchronous = {"X-DashScope-Async": "`enable`, always"}
    return [
        Operation(
            methods=("POST",),
            path="/api/v1/services/audio/asr/transcription",
            endpoint=Door(runtime, files.submit),
            summary="Ask for recordings to be transcribed in the background",
            headers=asynchronous,
            body=FileRequest,
            answers={"application/json": (Submitted,)},
        ),
        Operation(
            methods=("GET", "POST"),
            path="/api/v1/tasks/{task_id}",
            endpoint=Door(runtime, files.status),
            summary="What has become of a task",
            answers={"application/json": (TaskStatus,)},
        ),
        Operation(
            methods=("POST",),
            path="/api/v1/tasks/{task_id}/cancel",
            endpoint=Door(runtime, files.cancel),
            summary="Cancel a task that waits",
            answers={"application/json": (Done,)},
        ),
        Operation(
            methods=("GET",),
            path=RESULTS + "{name}",
            endpoint=KeylessDoor(runtime, files.result),
            summary="The transcript of one recording; its address is a secret",
            answers={"application/json": (FileResult,)},
            refusals=(404, 503),
            keyless=True,
        ),
    ]


class Files:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tasks = runtime.shelf.tasks

    async def submit(self, visit: Visit) -> Response:
        settings = self._runtime.settings
        if visit.request.headers.get("x-dashscope-async", "").lower() != "enable":
            raise AccessDenied("This is only done in the background; set the header X-DashScope-Async: enable.")
        asked = await read_json(visit, FileRequest, settings.max_body_bytes)
        request = read_request(asked)
        wanted = Wanted(id=visit.id, model=request.model, language=request.language)
        check(self._runtime, wanted, Names(language="parameters.language_hints"))
        id, tenant = str(uuid.uuid4()), visit.caller.tenant.name
        await asyncio.to_thread(self._tasks.submit, id, tenant, request, time.time(), settings.max_file_tasks_waiting)
        self._runtime.file_tasks_came.set()
        return json(Submitted(visit.id, Ticket(id, "PENDING")))

    async def status(self, visit: Visit) -> Response:
        id = visit.request.path_params["task_id"]
        task = await asyncio.to_thread(self._tasks.find, id, visit.caller.tenant.name)
        if task is None:
            return json(TaskStatus(visit.id, TaskOutput(task_id=id, task_status="UNKNOWN")))
        base_url = visit.base_url(self._runtime.settings.public_url)
        return json(told(visit.id, task, lambda name: f"{base_url}{RESULTS}{name}.json"))

    async def cancel(self, visit: Visit) -> Response:
        id = visit.request.path_params["task_id"]
        if await asyncio.to_thread(self._tasks.cancel, id, visit.caller.tenant.name, time.time()):
            return json(Done(visit.id))
        if await asyncio.to_thread(self._tasks.find, id, visit.caller.tenant.name) is None:
            raise NotFound("There is no such task.")
        raise NotPossible("Only a task that is PENDING can be canceled.")

    async def result(self, visit: Visit) -> Response:
        name = visit.request.path_params["name"].removesuffix(".json")
        body = await asyncio.to_thread(self._tasks.result, name)
        if body is None:
            raise NotFound("There is no such result, or no more.")
        return Response(body, media_type="application/json")
