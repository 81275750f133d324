"""One recognition over as many connections as it takes.

In: bytes of audio, a plan, a first link. Out: partial and final sentences as they come, each final once. A connection
that breaks is made again, to the same server or another, and the audio that is not answered yet goes out again: see
`resume`. It must not know where audio comes from, nor what a server's protocol says.
"""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable

import msgspec

from stenowire.client.asking import Wishes, talk
from stenowire.client.drops import Dropped, LinkEvent, Resumed
from stenowire.client.errors import CannotConnect, ClientError, ConnectionLost, TaskFailed
from stenowire.client.link import Link, Patience
from stenowire.client.persistence import Persistence, for_want_of_audio
from stenowire.client.resume import Gap, Memory
from stenowire.client.urls import Protocol
from stenowire.events import Final, Finished, Partial, Update

PIECE_S = 0.5
"""Of audio per frame at most."""
AHEAD_S = 2.0
"""Of audio that a program may hand over before it is sent, while there is a connection."""
UNANSWERED_S = 60.0
"""Of audio that is sent ahead of a server's answers: what a drop costs in sending again, at most."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
GENTLE_SPEED = 4.0
"""Times real time, at which audio is sent again to a server that may not expect it faster."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a recognition is to be carried out."""

    servers: tuple[tuple[Protocol, str], ...]
    key: str
    wishes: Wishes
    patience: Patience
    resume: bool
    give_up_s: float
    resend_speed: float | None
    tell: Callable[[LinkEvent], None]


class Recognition:
    """A running recognition. Made by `connect`; iterate over it once."""

    def __init__(self, plan: Plan, memory: Memory) -> None:
        self._plan = plan
        self._persistence = Persistence(plan.give_up_s)
        self._memory = memory
        self._server = 0
        self._connected = False
        self._results: asyncio.Queue[Partial | Final | Exception | None] = asyncio.Queue()
        self._over = asyncio.Event()
        self._fault: Exception | None = None
        self._work = asyncio.Event()
        """There may be something to send."""
        self._room = asyncio.Event()
        """There may be room for more audio."""
        self._first_sent_at: float | None = None
        self._finished_at: float | None = None
        self.request_id = ""
        """Of the present connection: what to quote when asking the server's owner."""
        self.first_package_delay_ms: int | None = None
        """From the first audio sent to the first words received."""
        self.last_package_delay_ms: int | None = None
        """From `finish` to the end of the task."""

    # ---- for the program ------------------------------------------------------------------------------------------

    @property
    def session(self) -> str:
        """The recognition's name over all its connections."""
        return self._memory.session

    @property
    def drops(self) -> int:
        """How many connections there were before the present one."""
        return max(0, self._memory.epoch - 1)

    @property
    def resent_s(self) -> float:
        """Audio sent more than once, in seconds."""
        return self._memory.resent_bytes / self._memory.bytes_per_s

    async def send(self, data: bytes) -> None:
        """Hand over audio; waits while there is no room for more. Raises how the recognition failed, once it has.

        Audio that comes after the server's last word, as with models that hear one sentence only, means nothing.
        """
        self._first_sent_at = self._first_sent_at or time.monotonic()
        most = int(AHEAD_S * self._memory.bytes_per_s)
        while not self._over.is_set() and (self._memory.full or (self._connected and self._memory.unsent > most)):
            self._room.clear()
            await self._room.wait()
        if self._fault:
            raise self._fault
        if not self._over.is_set():
            self._memory.keep(data)
            self._work.set()

    async def finish(self) -> None:
        """Say that no more audio comes. The last results follow, then the iteration ends."""
        self._finished_at = time.monotonic()
        if self._fault:
            raise self._fault
        self._memory.finish()
        self._work.set()

    async def feed(self, audio: AsyncIterator[bytes]) -> None:
        """Send all of it and finish. For a task of its own: what goes wrong here is raised by the iteration."""
        try:
            async for data in audio:
                await self.send(data)
            await self.finish()
        except ClientError:
            return  # the iteration ends with it
        except Exception as fault:  # of the audio
            self._end(fault)

    async def __aiter__(self) -> AsyncIterator[Partial | Final]:
        while (result := await self._results.get()) is not None:
            if isinstance(result, Exception):
                raise result
            yield result

    # ---- connections ----------------------------------------------------------------------------------------------

    async def _open(self) -> tuple[Link, Gap | None]:
        protocol, url = self._plan.servers[self._server]
        ask = self._memory.ask() if self._plan.resume else None
        half = talk(protocol, self._memory.format, self._plan.wishes, uuid.uuid4().hex, ask)
        link = await Link.open(url, self._plan.key, half, self._plan.patience)
        self.request_id = half.request_id
        return link, self._memory.begin(half.begun_ms)

    async def open_first(self) -> Link:
        """Every server is tried once: a wrong address or key is to be told at once."""
        for index in range(len(self._plan.servers)):
            self._server = index
            try:
                return (await self._open())[0]
            except (CannotConnect, ConnectionLost) as error:
                fault = error
        raise fault

    async def run(self, link: Link) -> None:
        """Until everything is answered, over as many connections as it takes."""
        while True:
            try:
                await self._serve(link)
                return self._end(None)
            except Exception as fault:
                if not self._worth_another(fault):
                    return self._end(fault)
                reason = fault
            try:
                link = await self._again(reason)
            except Exception as fault:
                return self._end(fault)

    async def _serve(self, link: Link) -> None:
        """One connection, until the server's last word."""
        self._connected = True
        self._persistence.connected(time.monotonic())
        sending = asyncio.create_task(self._send_all(link))
        try:
            async for said in link.updates():
                for update in said:
                    self._take(update, link)
                if not said and link.talk.point is not None:
                    self._memory.reach(link.talk.point)
                self._answered(bool(said) or link.talk.point is not None)
            await link.close()
        finally:
            self._connected = False
            sending.cancel()
            await asyncio.wait({sending})
            link.abort()

    async def _send_all(self, link: Link) -> None:
        memory = self._memory
        piece = int(PIECE_S * memory.bytes_per_s)
        unanswered = int(UNANSWERED_S * memory.bytes_per_s)
        at_once = memory.resumes and self._persistence.bold
        speed = self._plan.resend_speed or (None if at_once else GENTLE_SPEED)
        try:
            while not memory.all_sent:
                self._work.clear()
                if not memory.unsent or (memory.resumes and memory.ahead_bytes > unanswered):
                    await self._work.wait()
                    continue
                again = memory.again
                data = memory.take(min(piece, again) if again else piece)
                await link.send(link.talk.audio(data))
                self._room.set()
                if again and speed:
                    await asyncio.sleep(len(data) / memory.bytes_per_s / speed)
            for frame in link.talk.goodbye():
                await link.send(frame)
        except ClientError:
            return  # the reader is told, and with the server's last words

    async def _again(self, fault: Exception) -> Link:
        """Connect anew, to the next server after a failed try. Raises what it was given up for."""
        lost_at, attempt = time.monotonic(), 0
        if for_want_of_audio(fault):
            await self._has_work()
        while True:
            wait_s = random.uniform(0.5, 1.0) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
            attempt += 1
            self._plan.tell(Dropped(str(fault), attempt, wait_s))
            await asyncio.sleep(wait_s)
            try:
                link, gap = await self._open()
            except (CannotConnect, ConnectionLost, TaskFailed) as error:
                if isinstance(error, TaskFailed) and not error.error.retryable:
                    raise
                if time.monotonic() - lost_at > self._plan.give_up_s:
                    raise
                self._server = (self._server + 1) % len(self._plan.servers)
                fault = error
                continue
            after_s = time.monotonic() - lost_at
            again_s = self._memory.again / self._memory.bytes_per_s
            self._plan.tell(Resumed(self._plan.servers[self._server][1], after_s, again_s, gap))
            return link

    async def _has_work(self) -> None:
        """A server that closed for want of audio is not asked again before there is some."""
        while not self._memory.unsent and not self._memory.all_sent:
            self._work.clear()
            await self._work.wait()

    def _worth_another(self, fault: Exception) -> bool:
        if not self._plan.resume or not self._memory.can_resume:
            return False
        return self._persistence.worth_another(fault, time.monotonic())

    # ---- results --------------------------------------------------------------------------------------------------

    def _take(self, update: Update, link: Link) -> None:
        match update:
            case Partial() | Final():
                self._show(update, link)
            case Finished():
                self.last_package_delay_ms = _ms_since(self._finished_at)

    def _show(self, update: Partial | Final, link: Link) -> None:
        sentence = self._memory.place(update.sentence)
        if sentence is None:
            return
        if self.first_package_delay_ms is None and sentence.words:
            self.first_package_delay_ms = _ms_since(self._first_sent_at)
        if isinstance(update, Final):
            self._memory.settle(sentence, link.talk.point)
        self._results.put_nowait(msgspec.structs.replace(update, sentence=sentence))

    def _answered(self, news: bool) -> None:
        if news:
            self._persistence.answered()
        self._work.set()
        self._room.set()

    def _end(self, fault: Exception | None) -> None:
        if self._over.is_set():
            return
        self._fault = fault
        self._over.set()
        self._room.set()
        self._results.put_nowait(fault)


def _ms_since(moment: float | None) -> int | None:
    return None if moment is None else round((time.monotonic() - moment) * 1000)
