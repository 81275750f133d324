"""The sessions of one connection: how they are opened, asked and given up.

In: openings, commands, results. Out: what the sessions say, and what is to be done later as items of the inbox. It must
not know frames, protocols, or what the client is told.
"""

import asyncio
import time
from collections.abc import Callable, Iterator

import structlog

from stenowire.core.session import Output
from stenowire.errors import InternalError, StenowireError
from stenowire.events import Broken, Command, Failed, Open, Result
from stenowire.gateway.inbox import Answer, Decoded, Item, Taken
from stenowire.gateway.runtime import Guest, Runtime
from stenowire.gateway.seat import Seat
from stenowire.serving.decoding import CODED
from stenowire.serving.decoding_queue import DecodingQueue, needs_decoding
from stenowire.types import Encoding

CODED_BYTES_AHEAD = 64 << 10
"""Of coded audio that may wait for its decoder."""


class Seats:
    def __init__(
        self,
        runtime: Runtime,
        guest: Guest,
        put: Callable[[Item], None],
        eased: Callable[[], None],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        """`put` is the inbox; `eased` is called when a decoder has taken in some of what waits for it."""
        self._runtime = runtime
        self._guest = guest
        self._put = put
        self._eased = eased
        self._log = log
        self._by_name: dict[str, Seat] = {}
        self.tasks: asyncio.TaskGroup | None = None
        """For decoders, once the connection runs."""

    def __iter__(self) -> Iterator[Seat]:
        """Those that are taken now; any of them may be left meanwhile."""
        return iter(list(self._by_name.values()))

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def find(self, session: str) -> Seat | None:
        return self._by_name.get(session)

    @property
    def next_tick(self) -> float | None:
        """When the first of them has something due, None when none has."""
        ticks = [seat.session.next_tick for seat in self._by_name.values()]
        return min((tick for tick in ticks if tick is not None), default=None)

    @property
    def crowded(self) -> bool:
        """Whether one of them has all it can hold."""
        return any(self._waits(seat) or self.is_behind(seat) for seat in self._by_name.values())

    def is_behind(self, seat: Seat) -> bool:
        """Whether more of its audio is unanswered than a session may keep."""
        return seat.session.backlog_s > self._runtime.settings.backlog_s

    def _waits(self, seat: Seat) -> bool:
        return seat.decoding is not None and seat.decoding.waiting_bytes >= CODED_BYTES_AHEAD

    async def take(self, opening: Open) -> Seat:
        """Open a session. Raises what the client is to be told."""
        give_back: Callable[[], None] | None = None
        try:
            opening = await self._runtime.prepared(opening, self._guest)
            # First: the session that is left behind may be the one stream that the client is allowed.
            give_back = self._runtime.claim(opening, self._guest, lambda: self._put(Taken(opening.session)))
            seat = await self._runtime.take_seat(opening, self._deliver, self._guest)
        except StenowireError as error:
            if give_back is not None:
                give_back()
            self._log.info("session refused", session=opening.session, model=opening.model, code=error.code)
            raise
        seat.give_back = give_back
        self._by_name[seat.name] = seat
        self._log.info("session opened", session=seat.name, model=opening.model, engine=seat.session.engine.name)
        if opening.format.encoding in CODED:
            self._decode(seat, opening.format.encoding)
        return seat

    def _deliver(self, seat: Seat, result: Result) -> None:
        self._put(Answer(seat, result))

    def decoding(self, seat: Seat, command: Command) -> DecodingQueue | None:
        """By which this command has to go, with all that follow it; None where there is nothing to decode."""
        if seat.decoding is None and needs_decoding(command):
            self._decode(seat, "pcm")
        return seat.decoding

    def _decode(self, seat: Seat, encoding: Encoding) -> None:
        """Have all that the client says to this session pass by a decoder, in its order."""

        def give(command: Command | Broken) -> None:
            self._put(Answer(seat, command) if isinstance(command, Broken) else Decoded(seat, command))

        seat.decoding = DecodingQueue(seat.name, encoding, self._runtime.decoders, give, self._eased)
        assert self.tasks is not None
        seat.decoding_task = self.tasks.create_task(seat.decoding.run())

    def ask(self, seat: Seat, method: Callable[..., list[Output]], *given: Command | Result) -> list[Output]:
        """Call a session. What breaks inside it ends this session alone."""
        if seat.left:
            return []
        try:
            return method(*given, time.monotonic())
        except Exception as error:
            self._log.error("session failed", session=seat.name, exc_info=error)
            seat.session.done = True
            return [Failed(seat.name, InternalError("Internal server error."))]

    def leave(self, seat: Seat) -> None:
        """Give it up, once: nothing is computed for it any more."""
        seat.left = True
        seat.give_back()
        if seat.decoding_task is not None:
            seat.decoding_task.cancel()
        del self._by_name[seat.name]
        self._runtime.free_seat(seat)
        self._log.info("session ended", session=seat.name, outcome=seat.outcome, audio_s=round(seat.session.audio_s, 3))
