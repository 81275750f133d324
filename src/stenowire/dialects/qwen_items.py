"""The conversation of a session: its items, from the first sound to the transcript, as events in their order.

In: what a session says of an item, by its number. Out: the server's events. An item is committed once and answered
once, by `completed` or by `failed`, whatever the session does. Knows no frames, no settings, no time.
"""

import msgspec

from stenowire.dialects import qwen_events as wire
from stenowire.dialects.hotword_audit import hotwords_applied
from stenowire.dialects.qwen_events import ServerEvent
from stenowire.dialects.snapshots import Snapshot, snapshot
from stenowire.errors import StenowireError
from stenowire.types import Sentence

SILENCE = Sentence(id=0, begin_ms=0, end_ms=0, words=(), stable=0, final=True)


class Item(msgspec.Struct):
    id: str
    committed: bool = False
    shown: Snapshot = Snapshot()
    held: Sentence | None = None
    """What is known of an item that its client has not committed yet."""


class Conversation:
    """`token` makes the ids of this session's items differ from those of all others."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._items: dict[int, Item] = {}
        """By number: those that are not answered."""
        self._names = 0
        self._last: str | None = None
        """The newest item that the client has been told of."""
        self._language = ""
        """The last one heard: interims do not know theirs."""

    def new_id(self) -> str:
        self._names += 1
        return f"item_{self._token}_{self._names}"

    def append(self, item_id: str) -> str | None:
        """Put an item at the end of the conversation; returns the id of the one before it."""
        previous, self._last = self._last, item_id
        return previous

    # ---- while it is said ---------------------------------------------------------------------------------------

    def started(self, number: int, at_ms: int) -> list[ServerEvent]:
        """The number of an item that was cleared away is given again; the id is not."""
        if number in self._items and not self._items[number].committed:
            del self._items[number]
        return [wire.SpeechStarted(self._item(number).id, at_ms)]

    def stopped(self, number: int, at_ms: int) -> list[ServerEvent]:
        return [wire.SpeechStopped(self._item(number).id, at_ms), *self.committed(number)]

    def partial(self, number: int, sentence: Sentence, *, manual: bool) -> list[ServerEvent]:
        """In manual mode nothing is shown of an item before it is committed."""
        item = self._item(number)
        if manual and not item.committed:
            item.held = sentence
            return []
        return self._show(item, sentence)

    def cleared(self) -> list[ServerEvent]:
        self._items = {number: item for number, item in self._items.items() if item.committed}
        return [wire.Cleared()]

    # ---- when it has been said ----------------------------------------------------------------------------------

    def committed(self, number: int) -> list[ServerEvent]:
        item = self._item(number)
        if item.committed:
            return []
        item.committed = True
        previous = self.append(item.id)
        said: list[ServerEvent] = [
            wire.Committed(item.id, previous),
            wire.ItemCreated(previous, wire.user_item(item.id)),
        ]
        return said if item.held is None else said + self._show(item, item.held)

    def completed(self, number: int, sentence: Sentence, *, audit: bool = False) -> list[ServerEvent]:
        self._language = sentence.language or self._language
        said = self.committed(number)
        item = self._items.pop(number)
        emotion = sentence.emotion or wire.NEUTRAL
        usage = wire.usage_of(sentence)
        completed = wire.TranscriptionCompleted(
            item.id,
            self._language,
            emotion,
            sentence.text,
            usage,
            hotwords_applied=hotwords_applied(sentence) if audit else msgspec.UNSET,
        )
        return [*said, completed]

    def complete_rest(self) -> list[ServerEvent]:
        """The session is over: what was committed and got no words had none."""
        rest = [number for number, item in self._items.items() if item.committed]
        return [event for number in rest for event in self.completed(number, SILENCE)]

    def fail_rest(self, error: StenowireError) -> list[ServerEvent]:
        """The session has failed: so has everything that was committed and is not answered."""
        rest, self._items = [item for item in self._items.values() if item.committed], {}
        return [wire.TranscriptionFailed(item.id, wire.item_error(error)) for item in rest]

    def fail_flush(self, error: StenowireError) -> list[ServerEvent]:
        """The same when everything was to be answered: what was open is lost too, or what was not heard at all."""
        lost = [event for number in [*self._items] or [1] for event in self.committed(number)]
        return [*lost, *self.fail_rest(error)]

    def _item(self, number: int) -> Item:
        if number not in self._items:
            self._items[number] = Item(self.new_id())
        return self._items[number]

    def _show(self, item: Item, sentence: Sentence) -> list[ServerEvent]:
        language = sentence.language or self._language
        item.shown = shown = snapshot(sentence, item.shown)
        return [wire.Transcription(item.id, language, shown.text, shown.stash, sentence.emotion or wire.NEUTRAL)]
