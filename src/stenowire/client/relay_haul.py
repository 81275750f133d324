"""One conversation, carried to its end over as many connections to servers as it takes.

In: a talk (what is remembered), servers, a way to the client. Out: the client's frames, once each. Which protocol is
spoken is the talk's affair.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from stenowire.client.relay_servers import Asked, Lost, Refusal, Server, Unreachable, Upstream, open_any
from stenowire.client.relay_talk import Frame, ServerTrouble, Talk

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
LIFE_S = 30.0
"""A connection that lived for so long was none of a row that came to nothing."""
GOODBYE_S = 1.0

log = structlog.get_logger(__name__)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    keep_s: float = 300.0
    """Of audio kept per conversation, at most."""
    patience_s: float = 60.0
    """How long servers may be away, or end connections without having answered anything."""
    open_s: float = 4.5
    """For one connection; the vendor's realtime classes wait 5 s for the relay."""
    resend_speed: float | None = 4.0
    """Times real time, for audio that is sent again to a server that does not know how to resume."""
    tell_s: float = 30.0
    """How long a client may take no answers."""
    drain_s: float = 10.0
    """For the last answers when the relay stops."""
    idle_s: float = 60.0
    """A connection without any task."""


class GaveUp(Exception):
    def __init__(self, reason: str, last_words: list[Frame]) -> None:
        super().__init__(reason)
        self.last_words = last_words


class Haul:
    def __init__(
        self,
        talk: Talk,
        servers: tuple[Server, ...],
        asked: Asked,
        rules: Rules,
        tell: Callable[[Frame], Awaitable[None]],
    ) -> None:
        self.talk = talk
        self.drops = 0
        self._servers = servers
        self._asked = asked
        self._rules = rules
        self._tell = tell
        self._server = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._fruitless_since: float | None = None
        self._attempt = 0

    # ---- for the client's side ------------------------------------------------------------------------------------

    def nudge(self) -> None:
        """The talk has been given something."""
        self._work.set()

    async def room(self) -> None:
        """Until the talk can take more."""
        while self.talk.full and not self.talk.over:
            self._room.clear()
            await self._room.wait()

    def wind_up(self) -> None:
        self.talk.wind_up()
        self.nudge()
        if self.talk.over and self._reading is not None:
            self._reading.cancel()

    # ---- connections ----------------------------------------------------------------------------------------------

    async def run(self, link: Upstream | None) -> Upstream | None:
        """Until everything is answered or given up. What comes back is a connection that can be used again."""
        try:
            while True:
                try:
                    link = link or await self._open()
                    await self._serve(link)
                    return link
                except (Lost, ServerTrouble, Unreachable, Refusal) as fault:
                    _abandon(link)
                    link = None
                    await self._endure(fault)
        except GaveUp as end:
            log.warning("gave up", talk=self.talk.name, reason=str(end), drops=self.drops)
            for frame in self.talk.give_up(f"the relay lost the server: {end}", end.last_words):
                await self._tell(frame)
            return None
        except asyncio.CancelledError:  # the client has left
            await _part(link)
            raise
        except BaseException:
            _abandon(link)
            raise
        finally:
            self._room.set()

    async def _open(self) -> Upstream:
        link, self._server = await open_any(self._servers, self._asked, self._rules.open_s, self._server)
        return link

    async def _serve(self, link: Upstream) -> None:
        """One connection. Raises Lost, ServerTrouble."""
        began = time.monotonic()
        self._reading = asyncio.create_task(self._read(link))
        sending = asyncio.create_task(self._send(link))
        try:
            await asyncio.wait({self._reading})
            if not (self._reading.cancelled() and self.talk.over):
                self._reading.result()
        finally:
            for task in (self._reading, sending):
                task.cancel()
            await asyncio.wait({self._reading, sending})
            self._reading = None
            if time.monotonic() - began > LIFE_S:
                self._fruit()

    async def _read(self, link: Upstream) -> None:
        talk = self.talk
        async for frame in link.frames():
            told = talk.receive(frame)
            self._attempt = 0
            for one in told:
                await self._tell(one)
            if talk.fruitful:
                talk.fruitful = False
                self._fruit()
            self._work.set()
            self._room.set()
            if talk.over:
                return

    async def _send(self, link: Upstream) -> None:
        talk = self.talk
        try:
            for frame in talk.hello():
                await link.send(frame)
            while True:
                self._work.clear()
                taken = talk.take()
                if taken is None:
                    await self._work.wait()
                    continue
                await link.send(taken)
                self._room.set()
                if talk.pace_s:
                    await asyncio.sleep(talk.pace_s)
        except Lost:
            return  # the reader is told, and with the server's last words

    def _fruit(self) -> None:
        self._fruitless_since = None

    async def _endure(self, fault: Lost | ServerTrouble | Unreachable | Refusal) -> None:
        """Wait as long as is due before the next try. Raises GaveUp."""
        talk, last_words = self.talk, fault.last_words if isinstance(fault, ServerTrouble) else []
        talk.lost()
        if isinstance(fault, Lost) and talk.ends(fault.code):
            talk.close = talk.close or (fault.code if fault.code not in (1005, 1006) else 1011, fault.reason)
            raise GaveUp(str(fault), last_words)
        if not talk.keeps or (isinstance(fault, Refusal) and not fault.temporary):
            raise GaveUp(str(fault), last_words)
        if isinstance(fault, ServerTrouble) and fault.idle:
            await self._has_work(fault)
        now = time.monotonic()
        if self._fruitless_since is None or not (talk.has_work or isinstance(fault, Unreachable | Refusal)):
            self._fruitless_since = now
        if now - self._fruitless_since > self._rules.patience_s:
            raise GaveUp(str(fault), last_words)
        self.drops += isinstance(fault, Lost | ServerTrouble)
        if isinstance(fault, ServerTrouble | Unreachable | Refusal):
            self._server = (self._server + 1) % len(self._servers)
        wait_s = random.uniform(0.5, 1.0) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._attempt)
        self._attempt += 1
        log.info("connection lost", talk=talk.name, reason=str(fault), again_in_s=round(wait_s, 2))
        await asyncio.sleep(wait_s)

    async def _has_work(self, fault: ServerTrouble) -> None:
        """A client that sends nothing for so long is told what the server said. Raises GaveUp."""
        try:
            async with asyncio.timeout(self._rules.patience_s):
                while not self.talk.has_work:
                    self._work.clear()
                    await self._work.wait()
        except TimeoutError:
            raise GaveUp(str(fault), fault.last_words) from None


async def _part(link: Upstream | None) -> None:
    if link is not None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(GOODBYE_S):
                await link.close()
        link.abort()


def _abandon(link: Upstream | None) -> None:
    if link is not None:
        link.abort()
