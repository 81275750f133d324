"""Speech to text from a server, with asyncio: one recognition, over as many connections as it takes.

In: bytes of audio. Out: partial and final sentences as they come, each final once. A connection that breaks is made
again, to the same server or another, and the audio that is not answered yet goes out again: see `resume`.

    async with connect("ws://127.0.0.1:8090", key="sk-...", format=AudioFormat("pcm", 16_000)) as task:
        await task.send(audio)
        await task.finish()
        async for update in task:
            print(update.sentence.text)

Results are read at all times, so a program may send everything first and look at the answers later.
"""

import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec

from stenowire.client.asking import DEFAULT_MODEL as DEFAULT_MODEL
from stenowire.client.asking import HotWords, Segment, Wishes, talk, weighted
from stenowire.client.errors import CannotConnect, ClientError, ConnectionLost, TaskFailed
from stenowire.client.link import Link, Patience
from stenowire.client.resume import MOST_S, Gap, Memory
from stenowire.client.urls import Protocol, endpoint
from stenowire.dialects.task_wire import Parameters
from stenowire.errors import InternalError, NoAudio, ResponseTimeout
from stenowire.events import Final, Finished, Partial, Update
from stenowire.types import AudioFormat, NoiseReduction

DEFAULT_URL = "ws://127.0.0.1:8090"
KEY_VARIABLES = ("STENOWIRE_API_KEY", "DASHSCOPE_API_KEY")
PCM_16K = AudioFormat("pcm", 16_000)
PIECE_S = 0.5
"""Of audio per frame at most."""
AHEAD_S = 2.0
"""Of audio that a program may hand over before it is sent, while there is a connection."""
UNANSWERED_S = 60.0
"""Of audio that is sent ahead of a server's answers: what a drop costs in sending again, at most."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
GENTLE_SPEED = 4.0
"""Times real time, at which audio is sent again to a server that may not expect it faster."""
MOST_BREAKDOWNS = 3
"""Failures of the recogniser itself, one after another and without any answer between them."""
MOST_FRUITLESS = 30
"""Connections that broke before they had brought anything or lived for `LIFE_S`, within `give_up_s` or longer."""
LIFE_S = 30.0
HASTY = 3
"""After so many of them audio is sent again more slowly: what ends the connections may come sooner than an answer."""


class Dropped(msgspec.Struct, frozen=True):
    """A connection was lost, or could not be made; the next try comes after `wait_s`."""

    reason: str
    attempt: int
    wait_s: float


class Resumed(msgspec.Struct, frozen=True):
    """The recognition goes on."""

    url: str
    after_s: float
    """Since the connection was lost."""
    again_s: float
    """Audio that is sent a second time."""
    gap: Gap | None
    """Audio that is lost, after minutes without any answer (see `Memory`); None is the rule."""


LinkEvent = Dropped | Resumed


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
        self._fruitless = self._breakdowns = 0
        self._fruitless_since = self._connected_at = 0.0
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

    async def _open_first(self) -> Link:
        """Every server is tried once: a wrong address or key is to be told at once."""
        for index in range(len(self._plan.servers)):
            self._server = index
            try:
                return (await self._open())[0]
            except (CannotConnect, ConnectionLost) as error:
                fault = error
        raise fault

    async def _run(self, link: Link) -> None:
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
        self._connected, self._connected_at = True, time.monotonic()
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
        at_once = memory.resumes and self._fruitless < HASTY
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
        if isinstance(fault, TaskFailed) and isinstance(fault.error, ResponseTimeout | NoAudio):
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
        now = time.monotonic()
        if not self._fruitless or now - self._connected_at > LIFE_S:
            self._fruitless, self._fruitless_since = 0, now
        self._fruitless += 1
        if isinstance(fault, TaskFailed):
            idle = isinstance(fault.error, ResponseTimeout | NoAudio)
            self._breakdowns += isinstance(fault.error, InternalError)
            return (fault.error.retryable or idle) and self._breakdowns < MOST_BREAKDOWNS
        hopeless = self._fruitless > MOST_FRUITLESS and now - self._fruitless_since > self._plan.give_up_s
        return isinstance(fault, ConnectionLost) and not hopeless

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
            self._fruitless = self._breakdowns = 0
        self._work.set()
        self._room.set()

    def _end(self, fault: Exception | None) -> None:
        if self._over.is_set():
            return
        self._fault = fault
        self._over.set()
        self._room.set()
        self._results.put_nowait(fault)


@asynccontextmanager
async def connect(
    url: str | Sequence[str] = DEFAULT_URL,
    *,
    key: str | None = None,
    format: AudioFormat = PCM_16K,
    model: str | None = None,
    language: str | None = None,
    hotwords: HotWords | None = None,
    vocabulary: str | None = None,
    context: str = "",
    segmentation: Segment = "silence",
    silence_ms: int | None = None,
    noise_reduction: NoiseReduction | None = None,
    audit: bool = False,
    heartbeat: bool = True,
    parameters: Parameters | None = None,
    resume: bool = True,
    give_up_s: float = 60.0,
    open_timeout_s: float = 10.0,
    ping_interval_s: float = 10.0,
    ping_timeout_s: float = 10.0,
    resend_speed: float | None = None,
    most_kept_s: float = MOST_S,
    on_link: Callable[[LinkEvent], None] = lambda event: None,
) -> AsyncIterator[Recognition]:
    """Connect and begin; yields the recognition once a server has taken it.

    `url` is a base or a whole endpoint, of the task protocol or of OpenAI's (see `urls`), or several: the next one is
    tried when one fails. `key`: None looks into STENOWIRE_API_KEY and DASHSCOPE_API_KEY, "" sends none; it goes to
    these addresses only. `hotwords` are words or words with weights; `vocabulary` is the id of a stored list.
    `parameters` are further ones of the task protocol. `give_up_s` is how long a lost connection is tried to be made
    again, `resend_speed` how many times real time audio is sent again: None is as fast as a server takes it where
    it knows how to resume, and 4 elsewhere. `on_link` is told of drops and of what came of them.

    Raises BadUrl, CannotConnect, KeyRefused, TaskFailed, ConnectionLost.
    """
    wishes = Wishes(
        model=model,
        language=language,
        hotwords=weighted(hotwords),
        vocabulary=vocabulary,
        context=context,
        segmentation=segmentation,
        silence_ms=silence_ms,
        noise_reduction=noise_reduction,
        audit=audit,
        heartbeat=heartbeat,
        parameters=parameters,
    )
    plan = Plan(
        servers=tuple(endpoint(one) for one in ([url] if isinstance(url, str) else url)),
        key=found_key(key),
        wishes=wishes,
        patience=Patience(open_timeout_s, ping_interval_s, ping_timeout_s),
        resume=resume,
        give_up_s=give_up_s,
        resend_speed=resend_speed,
        tell=on_link,
    )
    task = Recognition(plan, Memory(format, session=uuid.uuid4().hex, most_s=most_kept_s))
    link = await task._open_first()
    running = asyncio.create_task(task._run(link))
    try:
        yield task
    finally:
        running.cancel()
        await asyncio.wait({running})
        link.abort()


async def recognise(
    audio: AsyncIterator[bytes], url: str | Sequence[str], **wishes: object
) -> AsyncIterator[Partial | Final]:
    """Send all of `audio` while yielding the results. Takes and raises what `connect` does; `audio` may raise too."""
    async with connect(url, **wishes) as task:  # type: ignore[arg-type]
        feeding = asyncio.create_task(task.feed(audio))
        try:
            async for update in task:
                yield update
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})


def found_key(given: str | None) -> str:
    """The key that was given, or the first one that the environment has."""
    if given is not None:
        return given
    return next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), "")


def _ms_since(moment: float | None) -> int | None:
    return None if moment is None else round((time.monotonic() - moment) * 1000)
