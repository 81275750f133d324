"""The one noisy loop: moves messages between a client's socket, its dialect, its sessions and the pool.

One inbox, one consumer: frames, results, timers and orders of the server come in one line and are handled one after
another, so there are no locks and one order of events. Input: a wire, a dialect. Output: frames on the wire, work for
the pool. It must not know any protocol's words.
"""

import asyncio
import time
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Literal

import msgspec
import structlog

from stenowire.core.session import Output, Session
from stenowire.dialects.base import Close, Dialect, Text
from stenowire.dialects.base import Output as Said
from stenowire.errors import InternalError, ServiceUnavailable, StenowireError
from stenowire.events import (
    Audio,
    Command,
    Failed,
    Final,
    Finish,
    Finished,
    Open,
    Partial,
    Result,
    Update,
    Work,
)
from stenowire.gateway.outbox import Outbox
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.seat import Seat
from stenowire.gateway.wire import Gone, Wire

log = structlog.get_logger(__name__)

PIECE_BYTES = 32 << 10
"""Audio is given to a session in pieces of at most this, 1 s of pcm at 16 kHz: converting one takes under 1 ms."""
FRAMES_WAITING = 32
BYTES_WAITING = 64 << 10
"""What is read ahead of the consumer."""
VANISH_CHECK_S = 0.25
"""How often a client that is not being read is looked at: it must be missed within 1 s."""

RESTARTING = "The server is restarting, please connect again."


class Answer(msgspec.Struct, frozen=True):
    """A result that came back from the pool."""

    seat: Any
    result: Result


Order = Literal["tick", "caught up", "gone", "drain", "cut"]
Item = str | bytes | Answer


class Connection:
    def __init__(self, wire: Wire, dialect: Dialect, runtime: Runtime, name: str) -> None:
        self._wire = wire
        self._dialect = dialect
        self._runtime = runtime
        self._settings = runtime.settings
        self._log = log.bind(connection=name)
        self._inbox: asyncio.Queue[Item | tuple[Order]] = asyncio.Queue()
        self._outbox = Outbox(wire, self._settings.send_deadline_s, self._order("caught up"), self._order("gone"))
        self._relief = asyncio.Event()
        self._frames_waiting = 0
        self._bytes_waiting = 0
        self._seats: dict[str, Seat] = {}
        self._held: dict[str, Partial] = {}
        self._opened = 0
        self._farewells: list[tuple[int, Failed]] = []
        """With the number of the seat, for sessions that the server has ended."""
        self._draining = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    # ---- from outside -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the client until it or the server ends the connection. Frees everything, however it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                children = [tasks.create_task(self._read()), tasks.create_task(self._outbox.run())]
                await self._consume()
                for child in children:
                    child.cancel()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for seat in list(self._seats.values()):
                self._leave(seat)

    def drain(self) -> None:
        """Let every session answer what it has heard, then say why and close."""
        self._order("drain")()

    def cut(self) -> None:
        """End every session now."""
        self._order("cut")()

    # ---- the inbox ----------------------------------------------------------------------------------------------

    def _order(self, order: Order) -> Callable[[], None]:
        return lambda: self._inbox.put_nowait((order,))

    def _deliver(self, seat: Seat, result: Result) -> None:
        self._inbox.put_nowait(Answer(seat, result))

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._wire.receive()
                if self._closing:
                    continue
                self._frames_waiting += 1
                self._bytes_waiting += len(frame)
                self._inbox.put_nowait(frame)
                await self._room()
        except Gone:
            self._order("gone")()

    async def _room(self) -> None:
        """Wait until the client may be listened to again; this is what slows down a fast sender."""
        while self._congested:
            self._relief.clear()
            try:
                async with asyncio.timeout(VANISH_CHECK_S):
                    await self._relief.wait()
            except TimeoutError:
                if self._wire.vanished():
                    raise Gone from None

    @property
    def _congested(self) -> bool:
        return not self._closing and (
            self._frames_waiting >= FRAMES_WAITING
            or self._bytes_waiting >= BYTES_WAITING
            or self._outbox.waiting_bytes > self._settings.outbox_bytes
            or any(seat.session.backlog_s > self._settings.backlog_s for seat in self._seats.values())
        )

    async def _consume(self) -> None:
        self._arm()
        while (item := await self._inbox.get()) != ("gone",):
            try:
                await self._take(item)
            except Exception as error:
                self._log.error("connection failed", exc_info=error)
                self._close(1011, "internal error")
            self._arm()
            if not self._congested:
                self._relief.set()

    async def _take(self, item: Item | tuple[Order]) -> None:
        match item:
            case str() | bytes():
                self._frames_waiting -= 1
                self._bytes_waiting -= len(item)
                if not self._closing:
                    await self._obey(self._dialect.receive(item, time.monotonic()))
            case Answer(seat=seat, result=result):
                await self._tell(seat, self._ask(seat, seat.session.absorb, result))
            case ("tick",):
                await self._tick()
            case ("caught up",):
                await self._say_held()
            case ("drain",):
                await self._drain()
            case ("cut",):
                await self._fail_all(ServiceUnavailable(RESTARTING))

    # ---- time ---------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Keep one timer that wakes the consumer no later than something is due."""
        ticks = [self._dialect.next_tick, *(seat.session.next_tick for seat in self._seats.values())]
        due = min((tick for tick in ticks if tick is not None), default=None)
        loop = asyncio.get_running_loop()
        wait_s = None if due is None or self._closing else max(0.0, due - time.monotonic())
        if wait_s is None or (self._timer is not None and self._timer.when() <= loop.time() + wait_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._order("tick")()

    async def _tick(self) -> None:
        await self._obey(self._dialect.tick(time.monotonic()))
        for seat in list(self._seats.values()):
            await self._tell(seat, self._ask(seat, seat.session.tick))

    # ---- towards the sessions -----------------------------------------------------------------------------------

    async def _obey(self, outputs: list[Said]) -> None:
        """Carry out what the dialect said, in its order."""
        for output in outputs:
            match output:
                case Text():
                    self._outbox.put(output)
                case Close(code=code, reason=reason):
                    self._close(code, reason)
                case Open():
                    await self._open(output)
                case _:
                    await self._command(output)

    async def _open(self, opening: Open) -> None:
        try:
            seat = self._seat(opening)
        except StenowireError as error:
            self._log.info("session refused", session=opening.session, model=opening.model, code=error.code)
            return await self._say(Failed(opening.session, error))
        self._seats[seat.name] = seat
        self._log.info("session opened", session=seat.name, model=opening.model, engine=seat.session.engine.name)
        await self._tell(seat, self._ask(seat, seat.session.begin))

    def _seat(self, opening: Open) -> Seat:
        engine = self._runtime.hub.resolve(opening.model, opening.hint.language)
        self._runtime.admission.take_stream()
        try:
            self._opened += 1
            seat = Seat(self._opened, Session(opening, engine, time.monotonic()), self._deliver)
        except BaseException:
            self._runtime.admission.free_stream()
            raise
        self._runtime.metrics.opened.inc()
        self._runtime.metrics.streams.inc()
        return seat

    async def _command(self, command: Command) -> None:
        seat = self._seats.get(command.session)
        if seat is None:
            return
        seat.finished_by_client |= isinstance(command, Finish)
        if not isinstance(command, Audio) or len(command.data) <= PIECE_BYTES:
            return await self._tell(seat, self._ask(seat, seat.session.handle, command))
        for at in range(0, len(command.data), PIECE_BYTES):
            piece = Audio(command.session, command.data[at : at + PIECE_BYTES])
            await self._tell(seat, self._ask(seat, seat.session.handle, piece))
            await asyncio.sleep(0)

    def _ask(self, seat: Seat, method: Callable[..., list[Output]], *given: Command | Result) -> list[Output]:
        """Call a session. What breaks inside it ends this session alone."""
        if seat.left:
            return []
        try:
            return method(*given, time.monotonic())
        except Exception as error:
            self._log.error("session failed", session=seat.name, exc_info=error)
            seat.session.done = True
            return [Failed(seat.name, InternalError("Internal server error."))]

    # ---- from the sessions --------------------------------------------------------------------------------------

    async def _tell(self, seat: Seat, outputs: list[Output]) -> None:
        """Carry out what a session said, in its order."""
        for output in outputs:
            if seat.left:
                return
            if isinstance(output, Work):
                self._runtime.pool.submit(seat, output)
                continue
            if seat.cut_short and isinstance(output, Finished | Failed):
                self._say_farewell(seat, ServiceUnavailable(RESTARTING))
                continue
            waited_s = seat.note(output)
            if waited_s is not None:
                self._runtime.metrics.finalization_s.observe(waited_s)
            await self._say(output)
        if seat.session.done:
            self._leave(seat)
            await self._part()

    async def _say(self, update: Update) -> None:
        """Have the dialect write an update; an interim waits where the client is slow to read, and only the last."""
        if isinstance(update, Partial):
            if self._outbox.behind:
                if update.session in self._held:
                    self._runtime.metrics.held.inc()
                self._held[update.session] = update
                return
            self._runtime.metrics.partials.inc()
        elif isinstance(update, Final | Finished | Failed):
            self._held.pop(update.session, None)
            self._runtime.metrics.finals.inc(isinstance(update, Final))
        await self._obey(self._dialect.send(update, time.monotonic()))

    async def _say_held(self) -> None:
        held, self._held = self._held, {}
        for update in held.values():
            await self._say(update)

    def _leave(self, seat: Seat) -> None:
        """Free everything that the session holds."""
        if seat.left:
            return
        seat.left = True
        del self._seats[seat.name]
        self._held.pop(seat.name, None)
        self._runtime.pool.drop(seat, seat.name)
        self._runtime.admission.free_stream()
        metrics = self._runtime.metrics
        metrics.streams.dec()
        metrics.ended.labels(seat.outcome).inc()
        metrics.audio_s.inc(seat.session.audio_s)
        self._log.info("session ended", session=seat.name, outcome=seat.outcome, audio_s=round(seat.session.audio_s, 3))

    # ---- the end ------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        if self._draining or self._closing:
            return
        self._draining = True
        for seat in list(self._seats.values()):
            seat.cut_short = not seat.finished_by_client
            await self._tell(seat, self._ask(seat, seat.session.handle, Finish(seat.name)))
        await self._part()

    async def _part(self) -> None:
        """While draining, once the last session has answered: say that the server restarts, and close."""
        if not self._draining or self._seats or self._closing:
            return
        # The oldest comes last: its failure would take the others along before they hear the true reason.
        for _, farewell in sorted(self._farewells, key=itemgetter(0), reverse=True):
            for output in self._dialect.send(farewell, time.monotonic()):
                if isinstance(output, Text):
                    self._outbox.put(output)
        self._close(1012, "server restart")

    def _say_farewell(self, seat: Seat, error: StenowireError) -> None:
        """Keep the failure until every session here has answered: the dialect may end others with it."""
        farewell = Failed(seat.name, error)
        seat.note(farewell)
        self._farewells.append((seat.number, farewell))

    async def _fail_all(self, error: StenowireError) -> None:
        self._draining = True
        for seat in list(self._seats.values()):
            self._say_farewell(seat, error)
            self._leave(seat)
        await self._part()

    def _close(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        for seat in list(self._seats.values()):
            self._leave(seat)
        self._outbox.put(Close(code, reason))
        self._relief.set()
