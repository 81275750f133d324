"""A client of the relay that speaks the task protocol: tasks one after another, or at once, on one connection.

In: the client's frames. Out: each task's talk, carried by a haul of its own; audio names no task and goes to the oldest
one that its client has not finished. A connection to the server that a task has left is used for the next one.
"""

import asyncio
from typing import Any

import msgspec
import structlog

from stenowire.client.relay_client import Client, Gone
from stenowire.client.relay_haul import Haul
from stenowire.client.relay_task import Message, TaskTalk, failed, read

MOST_TASKS = 16
REMEMBERED = 64
"""Ids of tasks that are over: a late frame for one is no fault."""
MOST_TEXT_BYTES = 1 << 20

log = structlog.get_logger(__name__)


class Running(msgspec.Struct, frozen=True):
    talk: TaskTalk
    haul: Haul
    carrying: asyncio.Task[None]


class Tasks(Client):
    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks: dict[str, Running] = {}
        self._over: dict[str, None] = {}
        self._failed: tuple[int, str] | None = None
        self._end: asyncio.Future[tuple[int, str]] = loop.create_future()
        self._resting: asyncio.TimerHandle | None = None
        self._rest()
        reading = asyncio.create_task(self._read_all())
        try:
            either: list[asyncio.Future[Any]] = [reading, self._end]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                await self._leave(*self._end.result())
            elif not isinstance(reading.exception(), Gone):
                reading.result()
        finally:
            await self._stop(reading)

    def wind_up(self) -> None:
        super().wind_up()
        if not self._tasks:
            self._finish(1012, "the relay stops")

    async def _stop(self, reading: asyncio.Task[None]) -> None:
        if self._resting is not None:
            self._resting.cancel()
        left = {reading, *(one.carrying for one in self._tasks.values())}
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        if self._link is not None:
            await self._link.close()

    def _finish(self, code: int, reason: str) -> None:
        if not self._end.done():
            self._end.set_result((code, reason))

    def _rest(self) -> None:
        """Without a task a connection does not last for ever."""
        loop, idle_s = asyncio.get_running_loop(), self._rules.idle_s
        self._resting = loop.call_later(idle_s, self._finish, 1000, "no task for too long")

    # ---- the client -----------------------------------------------------------------------------------------------

    async def _read_all(self) -> None:
        while True:
            if uplink := self._uplink():
                await uplink.haul.room()
            frame = await self._receive()
            if self._winding_up or self._end.done():
                continue
            if isinstance(frame, bytes):
                self._feed(frame)
            else:
                await self._obey(frame)

    def _uplink(self) -> Running | None:
        return next((one for one in self._tasks.values() if not one.talk.finished), None)

    def _feed(self, data: bytes) -> None:
        uplink = self._uplink()
        if uplink is not None and data and self._failed is None:
            uplink.talk.audio(data)
            uplink.haul.nudge()

    async def _obey(self, frame: str) -> None:
        message = read(frame) if len(frame) <= MOST_TEXT_BYTES else {}
        header = message.get("header")
        header = header if isinstance(header, dict) else {}
        action, task_id = header.get("action"), header.get("task_id")
        if not isinstance(task_id, str) or not 0 < len(task_id) <= 64:
            return await self._refuse("", "header.task_id: 1 to 64 characters are needed")
        known = self._tasks.get(task_id)
        match action:
            case "run-task":
                await self._run(task_id, message, known)
            case "continue-task" if known:
                known.talk.turn(frame)
            case "finish-task" if known:
                known.talk.finish(frame)
            case "continue-task" | "finish-task" if task_id in self._over:
                return
            case "continue-task" | "finish-task":
                await self._refuse(task_id, "header.task_id: no such task")
            case _:
                await self._refuse(task_id, "header.action: run-task, continue-task or finish-task")
        if known:
            known.haul.nudge()

    async def _run(self, task_id: str, message: Message, known: Running | None) -> None:
        if known:
            return await self._refuse(task_id, "header.task_id: this task already runs")
        if self._failed is not None or len(self._tasks) >= MOST_TASKS:
            return await self._refuse(task_id, "this connection takes no more tasks; open another one")
        if not isinstance(message.get("payload"), dict):
            return await self._refuse(task_id, "payload: an object is needed")
        if self._resting is not None:
            self._resting.cancel()
        rules = self._rules
        talk = TaskTalk(message, most_s=rules.keep_s, resend_speed=rules.resend_speed)
        haul = self._haul(talk)
        self._over.pop(task_id, None)
        self._tasks[task_id] = Running(talk, haul, asyncio.create_task(self._carry(talk, haul)))

    async def _refuse(self, task_id: str, told: str) -> None:
        await self._tell(failed(task_id, "InvalidParameter", told))
        self._fail((1000, "task failed"))

    # ---- tasks ----------------------------------------------------------------------------------------------------

    async def _carry(self, talk: TaskTalk, haul: Haul) -> None:
        link, self._link = self._link, None
        if link is not None and not link.usable:
            link.abort()
            link = None
        try:
            self._keep(await haul.run(link))
        except Gone:
            self._finish(1008, "answers were not taken")
        except Exception:
            log.exception("a task failed in the relay")
            self._finish(1011, "the relay failed")
        finally:
            self._hauls.discard(haul)
            del self._tasks[talk.task_id]
            self._remember(talk.task_id)
        if talk.close is not None:
            self._fail(talk.close)
        elif self._failed is not None or self._winding_up:
            self._fail(self._failed or (1012, "the relay stops"))
        elif not self._tasks:
            self._rest()

    def _keep(self, link: Any) -> None:
        if link is not None and (self._link is not None or not link.usable):
            link.abort()
        elif link is not None:
            self._link = link

    def _remember(self, task_id: str) -> None:
        self._over[task_id] = None
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def _fail(self, close: tuple[int, str]) -> None:
        """No more tasks; the others have answered what they have, and then the connection ends."""
        self._failed = close
        if not self._tasks:
            return self._finish(*close)
        for one in self._tasks.values():
            one.haul.wind_up()
