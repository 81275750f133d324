"""The one noisy loop: moves messages between a client's socket, its dialect, its sessions and the pool.

One inbox, one consumer: frames, results, timers and orders of the server come in one line and are handled one after
another, so there are no locks and one order of events. Input: a wire, a dialect. Output: frames on the wire, work for
the pool. It must not know any protocol's words.
"""

import asyncio
import time
from collections.abc import Callable
from operator import attrgetter

import msgspec
import structlog

from stenowire.core.session import Output
from stenowire.dialects.base import Close, Dialect, Text
from stenowire.dialects.base import Output as Said
from stenowire.errors import InternalError, InvalidApiKey, ServiceUnavailable, StenowireError, Superseded, Throttled
from stenowire.events import (
    Audio,
    Broken,
    Command,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Open,
    Partial,
    Result,
    Update,
    Work,
)
from stenowire.gateway.claims import TAKEN
from stenowire.gateway.intake import Intake
from stenowire.gateway.order import Order
from stenowire.gateway.outbox import Outbox
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.seat import Seat
from stenowire.gateway.wire import Wire
from stenowire.serving.decoding import CODED
from stenowire.serving.decoding_queue import DecodingQueue, needs_decoding
from stenowire.types import Encoding

log = structlog.get_logger(__name__)

PIECE_BYTES = 32 << 10
"""Audio is given to a session in pieces of at most this, 1 s of pcm at 16 kHz: converting one takes under 1 ms."""
CODED_BYTES_AHEAD = 64 << 10
"""Of coded audio that may wait for its decoder."""
RESTARTING = "The server is restarting, please connect again."
REVOKED = "The API-key has been revoked or has expired."


class Answer(msgspec.Struct, frozen=True):
    """A result that came back from the pool."""

    seat: Seat
    result: Result


class Decoded(msgspec.Struct, frozen=True):
    """A command whose audio, and all audio before it, has been decoded."""

    seat: Seat
    command: Command


class Taken(msgspec.Struct, frozen=True):
    """A later connection of the client goes on with this session."""

    session: str


Item = str | bytes | Answer | Decoded | Taken | Order


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
        self._seats: dict[str, Seat] = {}
        self._held: dict[str, Partial] = {}
        """The newest interim of each session, while the client is slow to read."""
        self._unparted: list[Seat] = []
        """Seats that the server has ended, to be told so when all are."""
        self._tasks: asyncio.TaskGroup | None = None
        self._draining = False
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    # ---- from outside -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve the client until it or the server ends the connection. Frees everything, however it ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                children = [tasks.create_task(self._intake.run()), tasks.create_task(self._outbox.run())]
                self._tasks = tasks
                await self._consume()
                self._leave_all()
                for child in children:
                    child.cancel()
        finally:
            if self._timer is not None:
                self._timer.cancel()
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
                await self._tell(seat, self._ask(seat, seat.session.absorb, result))
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
        settings = self._runtime.settings
        return self._outbox.waiting_bytes > settings.outbox_bytes or any(
            self._has_all_it_can_hold(seat) for seat in self._seats.values()
        )

    def _has_all_it_can_hold(self, seat: Seat) -> bool:
        waits = seat.decoding is not None and seat.decoding.waiting_bytes >= CODED_BYTES_AHEAD
        return waits or seat.session.backlog_s > self._runtime.settings.backlog_s

    def _arm(self) -> None:
        """Keep one timer that wakes the consumer no later than something is due."""
        ticks = [self._dialect.next_tick, *(seat.session.next_tick for seat in self._seats.values())]
        due = min((tick for tick in ticks if tick is not None), default=None)
        if due is None or self._closing:
            return
        loop = asyncio.get_running_loop()
        wait_s = max(0.0, due - time.monotonic())
        if self._timer is not None:
            if self._timer.when() <= loop.time() + wait_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(wait_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.order(Order.TICK)

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
        give_back: Callable[[], None] | None = None
        try:
            opening = await self._runtime.prepared(opening, self)
            # First: the session that is left behind may be the one stream that the client is allowed.
            give_back = self._runtime.claim(opening, self, lambda: self._inbox.put_nowait(Taken(opening.session)))
            seat = await self._runtime.take_seat(opening, self._deliver, self)
        except StenowireError as error:
            if give_back is not None:
                give_back()
            self._log.info("session refused", session=opening.session, model=opening.model, code=error.code)
            return await self._say(Failed(opening.session, error))
        seat.give_back = give_back
        self._seats[seat.name] = seat
        self._log.info("session opened", session=seat.name, model=opening.model, engine=seat.session.engine.name)
        if opening.format.encoding in CODED:
            self._decode(seat, opening.format.encoding)
        await self._tell(seat, self._ask(seat, seat.session.begin))

    def _decode(self, seat: Seat, encoding: Encoding) -> None:
        """Have all that the client says to this session pass by a decoder, in its order."""

        def give(command: Command | Broken) -> None:
            self._inbox.put_nowait(Answer(seat, command) if isinstance(command, Broken) else Decoded(seat, command))

        seat.decoding = DecodingQueue(seat.name, encoding, self._runtime.decoders, give, self._intake.look)
        assert self._tasks is not None
        seat.decoding_task = self._tasks.create_task(seat.decoding.run())

    def _deliver(self, seat: Seat, result: Result) -> None:
        self._inbox.put_nowait(Answer(seat, result))

    async def _command(self, command: Command) -> None:
        seat = self._seats.get(command.session)
        if seat is None:
            return
        seat.finished_by_client |= isinstance(command, Finish)
        if seat.decoding is None and needs_decoding(command):
            self._decode(seat, "pcm")
        if seat.decoding is not None and not isinstance(command, Hangup):
            return seat.decoding.put(command)
        if not isinstance(command, Audio) or len(command.data) <= PIECE_BYTES:
            return await self._hand(seat, command)
        for at in range(0, len(command.data), PIECE_BYTES):
            piece = Audio(command.session, command.data[at : at + PIECE_BYTES])
            await self._hand(seat, piece)
            await asyncio.sleep(0)

    async def _hand(self, seat: Seat, command: Command) -> None:
        """Give a session a command; where taking in audio is much work, in a thread, for which this client waits."""
        if isinstance(command, Audio) and seat.session.laborious:
            return await self._tell(seat, await asyncio.to_thread(self._ask, seat, seat.session.handle, command))
        await self._tell(seat, self._ask(seat, seat.session.handle, command))

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
        elif seat.decoding is not None and seat.session.backlog_s <= self._runtime.settings.backlog_s:
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
        seat.left = True
        seat.give_back()
        if seat.decoding_task is not None:
            seat.decoding_task.cancel()
        del self._seats[seat.name]
        self._held.pop(seat.name, None)
        self._runtime.free_seat(seat)
        self._log.info("session ended", session=seat.name, outcome=seat.outcome, audio_s=round(seat.session.audio_s, 3))

    def _leave_all(self) -> None:
        for seat in list(self._seats.values()):
            self._leave(seat)

    async def _drain(self) -> None:
        if self._draining or self._closing:
            return
        self._draining = True
        seats = list(self._seats.values())
        for seat in seats:
            seat.cut_short = not seat.finished_by_client
        for seat in seats:
            await self._command(Finish(seat.name))
        self._part()

    async def _cut(self) -> None:
        self._draining = True
        for seat in list(self._seats.values()):
            self._end(seat)
            self._leave(seat)
        self._part()

    async def _shut_out(self) -> None:
        """Let nothing more be heard or said with a key that is good no more."""
        for seat in list(self._seats.values()):
            self._leave(seat)
            await self._say(Failed(seat.name, InvalidApiKey(REVOKED)), seat)
        self._close(1008, "key revoked")

    async def _let_go(self, session: str) -> None:
        """Another connection goes on with it. One that has nothing else to do is closed."""
        seat = self._seats.get(session)
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
