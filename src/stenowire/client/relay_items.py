"""The items of a session as its client knows them, whatever connection they are told on.

In: a server's events about items. Out: the same under the client's names and times, each told once; and how far audio
is answered. On a new connection the items that were open come first, in their order.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec

from stenowire.client.relay_journal import Entry

Message = dict[str, Any]


class Item(msgspec.Struct, eq=False):
    id: str
    told: set[str] = msgspec.field(default_factory=set)
    """Types of the events that the client has had."""
    end: int | None = None
    """The byte at which its audio ends."""
    commit: Entry | None = None
    """The client's commit that made it."""
    previous: str | None = None
    linked: bool = False
    committed: bool = False
    done: bool = False
    epoch: int = 0
    """Of the connection that tells of it."""
    text: str = ""
    """What was told of it as settled; or all of it, where a protocol tells growth."""
    shown: int = 0
    """Characters that the client saw."""
    heard: str = ""
    """Growth told on this connection."""
    caught_up: bool = False
    """This connection has told as much as the client saw."""


class Items:
    def __init__(self) -> None:
        self.open: dict[str, Item] = {}
        """In their order, until they and all before them are done."""
        self._names: dict[str, Item] = {}
        """By the name that this connection's server has for them."""
        self._awaited: list[Item] = []
        self._epoch = 0
        self._last: str | None = None
        self._used: dict[str, None] = {}

    def begin(self) -> None:
        """A new connection."""
        self._epoch += 1
        self._names.clear()
        self._awaited = list(self.open.values())

    def named(self, name: str) -> Item:
        if name not in self._names:
            item = self._awaited.pop(0) if self._awaited else self._new(name)
            item.epoch, item.heard, item.caught_up = self._epoch, "", False
            self._names[name] = item
            if len(self._names) > 256:
                del self._names[next(iter(self._names))]
        return self._names[name]

    def _new(self, name: str) -> Item:
        item = Item(name if name not in self._used else f"item_{uuid4().hex}", epoch=self._epoch)
        self._used[item.id] = None
        if len(self._used) > 4096:
            del self._used[next(iter(self._used))]
        self.open[item.id] = item
        return item

    def link(self, item: Item) -> None:
        """It takes its place in the conversation."""
        if not item.linked:
            item.linked, item.previous, self._last = True, self._last, item.id

    def cleared(self) -> None:
        """What was not committed is no more."""
        for item in [one for one in self.open.values() if not one.committed]:
            del self.open[item.id]

    def settled(self) -> list[Item]:
        """Those that are done, and all before them."""
        done: list[Item] = []
        for item in list(self.open.values()):
            if not item.done:
                break
            done.append(self.open.pop(item.id))
        return done


def snapshot(item: Item, text: str, stash: str) -> tuple[str, str] | None:
    """Settled and open text for the client, None where it has seen more than that. What was settled stays."""
    whole = text + stash
    if not text.startswith(item.text):
        if not whole.startswith(item.text):
            return None
        text, stash = item.text, whole[len(item.text) :]
    if len(whole) < item.shown and not item.caught_up:
        return None
    item.caught_up, item.text, item.shown = True, text, len(whole)
    return text, stash


def growth(item: Item, delta: str) -> str:
    """What the client has not been told yet."""
    item.heard += delta
    if not item.heard.startswith(item.text):
        return ""
    piece = item.heard[len(item.text) :]
    item.text = item.heard
    return piece


def answered_to(items: Iterable[Item]) -> tuple[int, Entry | None]:
    """The byte up to which settled items answer, and the last commit that made one."""
    end, commit = 0, None
    for item in items:
        end, commit = max(end, item.end or 0), item.commit or commit
    return end, commit
