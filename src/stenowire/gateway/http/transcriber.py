"""Works off file transcriptions in the background, beside those who speak now.

Input: tasks on the shelf. Output: their results there. A recording counts as a stream like any other; when there is no
room, or the server stops, its task waits. Nothing is lost by a crash: see `store.tasks`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import msgspec
import structlog

from stenowire.errors import BadAudio, ServiceUnavailable, StenowireError, Throttled, UnsupportedFormat
from stenowire.gateway.credentials import Caller
from stenowire.gateway.http.addresses import Addresses
from stenowire.gateway.http.faults import InvalidUrl, TooLong
from stenowire.gateway.http.file_results import file_result
from stenowire.gateway.http.hearing import Transcript, Wanted, hear, whole
from stenowire.gateway.http.sources import Source
from stenowire.gateway.runtime import Runtime
from stenowire.store.keys import Tenant
from stenowire.store.quotas import AudioSpent
from stenowire.store.tasks import MOST_ATTEMPTS, Outcome, Task, ended_as
from stenowire.types import TextOptions

log = structlog.get_logger(__name__)

POLL_S = 2.0
"""How often to look for tasks of which nobody told this process."""
LEASE_S, RENEW_S = 15.0, 5.0
ROOM_S = 1.0
"""How long to wait when there is no room for a stream."""
TROUBLE_S = 30.0
"""How long to leave a database alone that failed."""
CLEAN_S = 600.0

SUBTASK_CODES: tuple[tuple[type[StenowireError], str], ...] = (
    (TooLong, "AUDIO_DURATION_TOO_LONG"),
    (BadAudio, "DECODE_ERROR"),
    (UnsupportedFormat, "DECODE_ERROR"),
)
SILENT = Outcome(code="SUCCESS_WITH_NO_VALID_FRAGMENT", message="No speech was found in the recording.")
GIVEN_UP = Outcome(code="InternalError", message="Internal server error.")


class Transcriber:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tasks = runtime.shelf.tasks
        self._addresses = Addresses(runtime)

    async def run(self) -> None:
        """Until cancelled. Tasks that are begun then wait again."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._runtime.settings.file_tasks):
                group.create_task(self._work())
            group.create_task(self._clean())

    async def _work(self) -> None:
        while True:
            try:
                task = await self._claim()
                if task is not None:
                    async with self._held(task):
                        await self._transcribe(task)
                    continue
            except ServiceUnavailable:
                log.warning("file tasks stand still: nothing can be stored")
                await asyncio.sleep(TROUBLE_S)
            except Exception as error:
                log.error("file task failed", exc_info=error)
                await asyncio.sleep(TROUBLE_S)
            await self._wait()

    async def _claim(self) -> Task | None:
        runtime = self._runtime
        if not runtime.equipped or runtime.admission.draining or not runtime.shelf.begun:
            return None
        now = time.time()
        return await asyncio.to_thread(self._tasks.claim, now, now + LEASE_S)

    async def _wait(self) -> None:
        came = self._runtime.file_tasks_came
        came.clear()
        try:
            async with asyncio.timeout(POLL_S):
                await came.wait()
        except TimeoutError:
            return

    @asynccontextmanager
    async def _held(self, task: Task) -> AsyncIterator[None]:
        """Keep the lease while the block runs. Cancelled, give the task back."""
        renewing = asyncio.create_task(self._renew(task))
        try:
            yield
        except asyncio.CancelledError:
            with suppress(ServiceUnavailable):
                self._tasks.release(task.id)
            raise
        finally:
            renewing.cancel()

    async def _renew(self, task: Task) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(ServiceUnavailable):
                await asyncio.to_thread(self._tasks.renew, task.id, time.time() + LEASE_S)

    # ---- one task -----------------------------------------------------------------------------------------------

    async def _transcribe(self, task: Task) -> None:
        log.info("file task begun", task=task.id, files=len(task.request.urls), attempt=task.attempts)
        outcomes = dict(task.outcomes)
        for number, url in enumerate(task.request.urls):
            if number not in outcomes:
                outcomes[number] = await self._one(task, number, url)
        status = ended_as(list(outcomes.values()))
        await asyncio.to_thread(self._tasks.end, task.id, status, time.time())
        log.info("file task ended", task=task.id, status=status)

    async def _one(self, task: Task, number: int, url: str) -> Outcome:
        """Hear one file, and keep what came of it."""
        try:
            outcome = GIVEN_UP if task.attempts > MOST_ATTEMPTS else await self._try(task, number, url)
        except StenowireError as error:
            outcome = Outcome(code=_subtask_code(error), message=error.message)
        except Exception as error:
            log.error("file failed", task=task.id, file=number, exc_info=error)
            outcome = GIVEN_UP
        if outcome.code is not None:
            log.info("file not transcribed", task=task.id, file=number, code=outcome.code)
            await asyncio.to_thread(self._tasks.note, task.id, number, outcome)
        return outcome

    async def _try(self, task: Task, number: int, url: str) -> Outcome:
        async with AsyncExitStack() as closing:
            source = await self._open(task, url, closing)
            transcript = await self._hear(task, number, source)
        if not transcript.sentences:
            return SILENT
        body = msgspec.json.encode(file_result(url, transcript))
        return await asyncio.to_thread(self._tasks.keep, task.id, number, transcript.audio_s, body)

    async def _open(self, task: Task, url: str, closing: AsyncExitStack) -> Source:
        try:
            async with asyncio.timeout(self._runtime.settings.request_s):
                return await self._addresses.open(Tenant(task.tenant), url, closing)
        except TimeoutError:
            raise InvalidUrl("fetching the recording took too long", "FILE_DOWNLOAD_FAILED") from None

    async def _hear(self, task: Task, number: int, source: Source) -> Transcript:
        """Wait for room as long as it takes: nobody stands at the door."""
        request = task.request
        wanted = Wanted(
            id=f"{task.id}-{number}",
            model=request.model,
            language=request.language,
            text=TextOptions(starred=request.starred, dropped=request.dropped),
        )
        caller = Caller(tenant=Tenant(task.tenant), scopes=frozenset(), permanent=False)
        while True:
            try:
                return await whole(hear(self._runtime, wanted, source, caller))
            except AudioSpent:
                raise  # heard in part: to begin again would only use up the next day as well
            except (Throttled, ServiceUnavailable):
                await asyncio.sleep(ROOM_S)

    async def _clean(self) -> None:
        while True:
            if self._runtime.shelf.begun:
                before = time.time() - self._runtime.settings.files_kept_s
                with suppress(ServiceUnavailable):
                    await asyncio.to_thread(self._runtime.shelf.tasks.forget, before)
                    await asyncio.to_thread(self._runtime.shelf.uploads.forget, before)
            await asyncio.sleep(CLEAN_S)


def _subtask_code(error: StenowireError) -> str:
    if isinstance(error, InvalidUrl):
        return error.subtask_code
    return next((code for kind, code in SUBTASK_CODES if isinstance(error, kind)), error.code)
