"""The one noisy loop: moves messages between a client's socket, its dialect, its sessions and the pool.

One inbox, one consumer: frames, results, timers and orders of the server come in one line and are handled one after
another, so there are no locks and one order of events. Input: a wire, a dialect. Output: frames on the wire, work for
the pool. It must not know any protocol's words.
"""

import asyncio
import time
from collections.abc import Callable
from operator import attrgetter

import structlog

from stenowire.core.session import Output
from stenowire.dialects.base import Close, Dialect, Text
from stenowire.dialects.base import Output as Said
from stenowire.errors import InvalidApiKey, ServiceUnavailable, StenowireError, Superseded, Throttled
from stenowire.events import (
    Audio,
    Command,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Open,
    Partial,
    Update,
    Work,
)
from stenowire.gateway.alarm import Alarm
from stenowire.gateway.claims import TAKEN
from stenowire.gateway.inbox import Answer, Decoded, Item, Taken
from stenowire.gateway.intake import Intake
from stenowire.gateway.order import RESTARTING, REVOKED, Order
from stenowire.gateway.outbox import Outbox
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.seat import Seat
from stenowire.gateway.seats import Seats
from stenowire.gateway.wire import Wire
from stenowire.serving.decoding_queue import PIECE_BYTES, pieces

log = structlog.get_logger(__name__)


class Connection:
    def __init__(
        self,
        wire: Wire,
        dialect: Dialect,
        runtime: Runtime,
        name: str,
        publish: Callable[[Update], None] | None = None,
    ) -> None:
        """`publish` is told all that the client is told."""
        settings = runtime.settings
        self._dialect = dialect
        self._runtime = runtime
        self._publish = publish
        self._log = log.bind(connection=name)
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        put = self._inbox.put_nowait
        self._intake = Intake(wire, put, lambda: put(Order.GONE), self._crowded)
        self._outbox = Outbox(wire, settings.send_deadline_s, lambda: put(Order.CAUGHT_UP), lambda: put(Order.GONE))
        self._seats = Seats(runtime, self, put, self._intake.look, self._log)
        self._held: dict[str, Partial] = {}
        """The newest interim of each session, while the client is slow to read."""
        self._unparted: list[Seat] = []
        """Seats that the server has ended, to be told so when all are."""
        self._draining = False
        self._closing = False
        self._alarm = Alarm(lambda: put(Order.TICK))

    # ---- from outside -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the client until it or the server ends the connection. Frees everything, however it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                children = [tasks.create_task(self._intake.run()), tasks.create_task(self._outbox.run())]
                self._seats.tasks = tasks
                await self._consume()
                self._leave_all()
                for child in children:
                    child.cancel()
        finally:
            self._alarm.cancel()
            self._leave_all()

    def order(self, order: Order) -> None:
        self._inbox.put_nowait(order)

    # ---- the loop -----------------------------------------------------------------------------------------------

    async def _consume(self) -> None:
        await self._obey(self._dialect.begin(time.monotonic()))
        self._arm()
        while (item := await self._inbox.get()) is not Order.GONE:
            try:
                await self._take(item)
            except Exception as error:
                self._log.error("connection failed", exc_info=error)
                self._close(1011, "internal error")
            self._arm()
            self._intake.look()

    async def _take(self, item: Item) -> None:
        match item:
            case str() | bytes():
                self._intake.taken(item)
                if not self._closing:
                    await self._obey(self._dialect.receive(item, time.monotonic()))
            case Answer(seat=seat, result=result):
                await self._tell(seat, self._seats.ask(seat, seat.session.absorb, result))
            case Decoded(seat=seat, command=command):
                await self._hand(seat, command)
            case Taken(session=session):
                await self._let_go(session)
            case Order.TICK:
                await self._tick()
            case Order.CAUGHT_UP:
                await self._say_held()
            case Order.DRAIN:
                await self._drain()
            case Order.CUT:
                await self._cut()
            case Order.REVOKED:
                await self._shut_out()

    def _crowded(self) -> bool:
        return self._outbox.waiting_bytes > self._runtime.settings.outbox_bytes or self._seats.crowded

    def _arm(self) -> None:
        """Wake the consumer no later than something is due."""
        due = [tick for tick in (self._dialect.next_tick, self._seats.next_tick) if tick is not None]
        if due and not self._closing:
            self._alarm.set(min(due))

    async def _tick(self) -> None:
        await self._obey(self._dialect.tick(time.monotonic()))
        for seat in self._seats:
            await self._tell(seat, self._seats.ask(seat, seat.session.tick))

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
            seat = await self._seats.take(opening)
        except StenowireError as error:
            return await self._say(Failed(opening.session, error))
        await self._tell(seat, self._seats.ask(seat, seat.session.begin))

    async def _command(self, command: Command) -> None:
        seat = self._seats.find(command.session)
        if seat is None:
            return
        seat.finished_by_client |= isinstance(command, Finish)
        decoding = self._seats.decoding(seat, command)
        if decoding is not None and not isinstance(command, Hangup):
            return decoding.put(command)
        if not isinstance(command, Audio) or len(command.data) <= PIECE_BYTES:
            return await self._hand(seat, command)
        for piece in pieces(command):
            await self._hand(seat, piece)
            await asyncio.sleep(0)

    async def _hand(self, seat: Seat, command: Command) -> None:
        """Give a session a command; where taking in audio is much work, in a thread, for which this client waits."""
        if isinstance(command, Audio) and seat.session.laborious:
            return await self._tell(seat, await asyncio.to_thread(self._seats.ask, seat, seat.session.handle, command))
        await self._tell(seat, self._seats.ask(seat, seat.session.handle, command))

    # ---- from the sessions --------------------------------------------------------------------------------------

    async def _tell(self, seat: Seat, outputs: list[Output]) -> None:
        """Carry out what a session said, in its order."""
        for output in outputs:
            if seat.left:
                return
            if isinstance(output, Work):
                self._runtime.compute(seat, output)
            elif seat.cut_short and isinstance(output, Finished | Failed):
                self._end(seat)
            else:
                await self._say(output, seat)
        try:
            await seat.stream.heard(seat.session.audio_s)
        except Throttled as error:
            await self._say(Failed(seat.name, error), seat)
            return self._leave(seat)
        if seat.session.done:
            self._leave(seat)
            self._part()
        elif seat.decoding is not None and not self._seats.is_behind(seat):
            seat.decoding.proceed()

    async def _say(self, update: Update, seat: Seat | None = None) -> None:
        """Have the dialect write an update; an interim waits where the client is slow to read, and only the last."""
        metrics = self._runtime.metrics
        waited_s = seat.note(update) if seat else None
        if self._publish is not None:
            self._publish(update)
        match update:
            case Partial() if self._outbox.behind:
                metrics.held.inc(int(update.session in self._held))
                self._held[update.session] = update
                return
            case Partial():
                metrics.partials.inc()
            case Final():
                metrics.finals.inc()
                if waited_s is not None:
                    metrics.finalization_s.observe(waited_s)
                self._held.pop(update.session, None)
        await self._obey(self._dialect.send(update, time.monotonic()))

    async def _say_held(self) -> None:
        held, self._held = self._held, {}
        for update in held.values():
            await self._say(update)

    # ---- the end ------------------------------------------------------------------------------------------------

    def _leave(self, seat: Seat) -> None:
        if seat.left:
            return
        self._seats.leave(seat)
        self._held.pop(seat.name, None)

    def _leave_all(self) -> None:
        for seat in self._seats:
            self._leave(seat)

    async def _drain(self) -> None:
        if self._draining or self._closing:
            return
        self._draining = True
        seats = list(self._seats)
        for seat in seats:
            seat.cut_short = not seat.finished_by_client
        for seat in seats:
            await self._command(Finish(seat.name))
        self._part()

    async def _cut(self) -> None:
        self._draining = True
        for seat in self._seats:
            self._end(seat)
            self._leave(seat)
        self._part()

    async def _shut_out(self) -> None:
        """Let nothing more be heard or said with a key that is good no more."""
        for seat in self._seats:
            self._leave(seat)
            await self._say(Failed(seat.name, InvalidApiKey(REVOKED)), seat)
        self._close(1008, "key revoked")

    async def _let_go(self, session: str) -> None:
        """Another connection goes on with it. One that has nothing else to do is closed."""
        seat = self._seats.find(session)
        if seat is None or self._closing:
            return
        error = Superseded(TAKEN)
        seat.note(Failed(session, error))
        self._leave(seat)
        if self._seats:
            return await self._say(Failed(session, error))
        self._close(Superseded.close_code, TAKEN)

    def _end(self, seat: Seat) -> None:
        """The server ends the session. Its client is told once all have answered: a dialect may let one end others."""
        seat.note(Failed(seat.name, ServiceUnavailable(RESTARTING)))
        self._unparted.append(seat)

    def _part(self) -> None:
        """While draining, once the last session has answered: say that the server restarts, and close."""
        if not self._draining or self._seats or self._closing:
            return
        # The youngest first: the end of the oldest takes the others along before they hear the true reason.
        for seat in sorted(self._unparted, key=attrgetter("began_at"), reverse=True):
            for output in self._dialect.send(Failed(seat.name, ServiceUnavailable(RESTARTING)), time.monotonic()):
                if isinstance(output, Text):
                    self._outbox.put(output)
        self._close(1012, "server restart")

    def _close(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        self._leave_all()
        self._intake.close()
        self._outbox.put(Close(code, reason))
