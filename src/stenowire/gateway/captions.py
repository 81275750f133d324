"""Live captions for others to read: what one session says, told to everybody who watches its name.

Input: updates of sessions whose client asked to publish them, and viewers. Output: sentences as they stand, text only.
A channel is a name of one tenant, and lives while anybody publishes or watches. A viewer who does not keep up is not
waited for but dropped; it may come again. It knows no sockets and no keys.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from stenowire.errors import InvalidParameter, Throttled
from stenowire.events import Failed, Final, Finished, Partial, Update
from stenowire.gateway.order import Order
from stenowire.types import Sentence

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_VIEWERS = 200
"""Of one channel."""
MOST_WAITING = 64
"""Events that a viewer may be behind: at 5 interims a second, some 12 s."""
REMEMBERED = 4
"""Finished sentences that a viewer who has just come is told."""


class Caption(msgspec.Struct, frozen=True):
    """One sentence as it stands. `id` counts from 1 within the channel, whatever session it came from."""

    id: int
    settled: str
    unsettled: str = ""
    final: bool = False


class Dropped(msgspec.Struct, frozen=True):
    """An open sentence that will never be finished."""

    id: int


Said = Caption | Dropped


def checked_name(name: str) -> str:
    """Raises InvalidParameter."""
    if not NAME.fullmatch(name):
        reason = "1 to 64 letters, digits, points, dashes and underscores, the first a letter or digit"
        raise InvalidParameter(f"captions: {reason}", "captions")
    return name


class Viewer:
    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._waiting: asyncio.Queue[Said | None] = asyncio.Queue(MOST_WAITING)

    def tell(self, said: Said) -> None:
        try:
            self._waiting.put_nowait(said)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Say no more. What waits is given up where there is no room for the end itself."""
        self._channel.viewers.discard(self)
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    def order(self, order: Order) -> None:
        """A stopping server lets viewers read the last captions, and nothing else."""
        if order is Order.CUT or (order is Order.DRAIN and self._channel.drain()):
            self.end()

    async def next(self) -> Said | None:
        """None at the end."""
        return await self._waiting.get()


class Publisher:
    """One connection's way into a channel. Its sessions are told apart, as their ids all begin at 1."""

    def __init__(self, channel: "Channel") -> None:
        self._channel = channel
        self._open: dict[str, int] = {}
        """Session -> the channel's id of its open sentence."""

    def __call__(self, update: Update) -> None:
        match update:
            case Partial(sentence=sentence):
                number = self._open.get(update.session) or self._channel.next_id()
                self._open[update.session] = number
                self._channel.tell(_caption(number, sentence))
            case Final(sentence=sentence):
                number = self._open.pop(update.session, 0) or self._channel.next_id()
                if sentence.text:
                    self._channel.tell(_caption(number, sentence))
                else:
                    self._channel.tell(Dropped(number))
            case Finished() | Failed():
                self._drop(update.session)

    def leave(self) -> None:
        for session in list(self._open):
            self._drop(session)

    def _drop(self, session: str) -> None:
        number = self._open.pop(session, 0)
        if number:
            self._channel.tell(Dropped(number))


class Channel:
    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.publishers = 0
        self._count = 0
        self._draining = False
        self._recent: dict[int, Caption] = {}

    def next_id(self) -> int:
        self._count += 1
        return self._count

    def tell(self, said: Said) -> None:
        self._remember(said)
        for viewer in list(self.viewers):
            viewer.tell(said)

    def enter(self, viewer: Viewer) -> None:
        """One who comes late is told what stands there now."""
        for number in sorted(self._recent):
            viewer.tell(self._recent[number])
        self.viewers.add(viewer)

    def drain(self) -> bool:
        """Whether nothing more can come; otherwise the last publisher takes the viewers along."""
        self._draining = True
        return not self.publishers

    def left(self) -> None:
        self.publishers -= 1
        if self._draining and not self.publishers:
            for viewer in list(self.viewers):
                viewer.end()

    def _remember(self, said: Said) -> None:
        if isinstance(said, Dropped):
            self._recent.pop(said.id, None)
            return
        self._recent[said.id] = said
        finals = [number for number, caption in self._recent.items() if caption.final]
        for number in sorted(finals)[:-REMEMBERED]:
            del self._recent[number]


class Captions:
    """All channels, by tenant and name."""

    def __init__(self) -> None:
        self._channels: dict[tuple[str, str], Channel] = {}

    @contextmanager
    def publishing(self, tenant: str, name: str) -> Iterator[Publisher]:
        with self._channel(tenant, name) as channel:
            publisher = Publisher(channel)
            channel.publishers += 1
            try:
                yield publisher
            finally:
                publisher.leave()
                channel.left()

    @contextmanager
    def watching(self, tenant: str, name: str) -> Iterator[Viewer]:
        """Raises Throttled when too many watch already."""
        with self._channel(tenant, name) as channel:
            if len(channel.viewers) >= MOST_VIEWERS:
                raise Throttled(f"Too many viewers of these captions (limit {MOST_VIEWERS}).")
            viewer = Viewer(channel)
            channel.enter(viewer)
            try:
                yield viewer
            finally:
                channel.viewers.discard(viewer)

    @contextmanager
    def _channel(self, tenant: str, name: str) -> Iterator[Channel]:
        channel = self._channels.setdefault((tenant, name), Channel())
        try:
            yield channel
        finally:
            # Whoever leaves last has already been taken off.
            if not channel.publishers and not channel.viewers:
                self._channels.pop((tenant, name), None)


def _caption(number: int, sentence: Sentence) -> Caption:
    """Words and marks, as in the sentence's text."""
    words = [word.text + word.mark for word in sentence.words]
    settled = len(words) if sentence.final else sentence.stable
    return Caption(number, " ".join(words[:settled]), " ".join(words[settled:]), sentence.final)
