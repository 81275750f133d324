"""The conversation of a session: its items, from the first sound to the transcript, as events in their order.

In: what a session says of an item, by its number. Out: the server's events. An item is committed once and answered
once, by `completed` or by `failed`; what its deltas have told is never taken back. Knows no frames and no settings but
which generation of names its client reads.
"""

import msgspec

from stenowire.dialects import openai_events as wire
from stenowire.dialects.hotword_audit import hotwords_applied
from stenowire.dialects.increments import Increments
from stenowire.dialects.openai_events import ServerEvent
from stenowire.errors import StenowireError
from stenowire.types import Sentence

SILENCE = Sentence(id=0, begin_ms=0, end_ms=0, words=(), stable=0, final=True)
HELD_BACK_MS = 50
"""What a front end may keep of the audio that it was given, and so of the time when a clear takes effect."""


class Item(msgspec.Struct):
    id: str
    told: Increments
    committed: bool = False
    cleared: bool = False
    """Its audio was thrown away, unless it ended before that."""
    begun_ms: int = 0
    seconds: float = 0.0
    """Of its audio."""


class Conversation:
    """`token` makes the ids of this session's items differ from those of all others."""

    def __init__(self, token: str, *, beta: bool) -> None:
        self.beta = beta
        self._token = token
        self._names = 0
        self._items: dict[int, Item] = {}
        """By number: those that are not answered. The number of an item that was cleared away is given again."""
        self._last: str | None = None
        """Id of the newest committed item."""
        self._cleared_ms = 0
        self._answered = 0
        """Number of the newest item that is answered: they are in their order."""

    # ---- while it is said ---------------------------------------------------------------------------------------

    def started(self, number: int, at_ms: int) -> list[ServerEvent]:
        """Nothing is told of speech in an item that its client had committed before it asked for voice detection."""
        known = self._items.pop(number, None)
        if known and known.committed:
            self._items[number] = known
            return []
        item = self._item(number)
        item.begun_ms = at_ms
        return [wire.SpeechStarted(item_id=item.id, audio_start_ms=at_ms)]

    def stopped(self, number: int, at_ms: int) -> list[ServerEvent]:
        item = self._item(number)
        if item.committed:
            return []
        stopped: ServerEvent = wire.SpeechStopped(item_id=item.id, audio_end_ms=at_ms)
        return [*self._commit_before(number), stopped, *self._commit(item, max(0, at_ms - item.begun_ms) / 1000)]

    def partial(self, number: int, sentence: Sentence) -> list[ServerEvent]:
        """Until a clear has taken effect, what a session tells may still be of the audio before it."""
        stale = sentence.begin_ms < self._cleared_ms - HELD_BACK_MS
        known = self._items.get(number)
        if stale and (known is None or known.cleared):
            return []
        item = self._after_clear(number)
        return self._delta(item, item.told.grow(sentence))

    def cleared(self, audio_ms: int) -> list[ServerEvent]:
        """`audio_ms`: how much audio had come."""
        self._cleared_ms = audio_ms
        for item in self._items.values():
            item.cleared = not item.committed
        return [wire.Cleared()]

    # ---- when it has been said ----------------------------------------------------------------------------------

    def committed(self, number: int, seconds: float) -> list[ServerEvent]:
        """By the client."""
        return [*self._commit_before(number), *self._commit(self._after_clear(number), seconds)]

    def completed(self, number: int, sentence: Sentence, *, logprobs: bool, audit: bool = False) -> list[ServerEvent]:
        said_ms = max(0, (sentence.end_ms or 0) - sentence.begin_ms)
        item = self._item(number)
        events = [*self._commit_before(number), *self._commit(item, said_ms / 1000)]
        completed = wire.TranscriptionCompleted(
            item_id=item.id,
            transcript=sentence.text,
            usage=wire.Usage(item.seconds or said_ms / 1000),
            logprobs=wire.logprobs(sentence) if logprobs else msgspec.UNSET,
            languages=wire.languages(sentence),
            hotwords_applied=hotwords_applied(sentence) if audit else msgspec.UNSET,
        )
        del self._items[number]
        self._answered = number
        return [*events, *self._delta(item, item.told.rest(sentence.text)), completed]

    def complete_rest(self) -> list[ServerEvent]:
        """The session is over: what was committed and got no words had none."""
        rest = [number for number, item in self._items.items() if item.committed]
        return [event for number in rest for event in self.completed(number, SILENCE, logprobs=False)]

    def fail_rest(self, error: StenowireError) -> list[ServerEvent]:
        """The session has failed: so has everything that was committed and is not answered."""
        rest, self._items = [item for item in self._items.values() if item.committed], {}
        return [wire.TranscriptionFailed(item_id=item.id, error=wire.item_error(error)) for item in rest]

    def _commit_before(self, number: int) -> list[ServerEvent]:
        """Items are committed in their order. One may have been passed over when the mode changed while it lasted."""
        passed_over = (self._item(earlier) for earlier in range(self._answered + 1, number))
        return [event for item in passed_over for event in self._commit(item, 0.0)]

    def _commit(self, item: Item, seconds: float) -> list[ServerEvent]:
        if item.committed:
            return []
        item.committed, item.cleared, item.seconds = True, False, seconds
        previous, self._last = self._last, item.id
        shown = wire.Item(id=item.id)
        told: list[ServerEvent] = [wire.Committed(item_id=item.id, previous_item_id=previous)]
        if self.beta:
            return [*told, wire.ItemCreated(previous_item_id=previous, item=shown)]
        return [
            *told,
            wire.ItemAdded(previous_item_id=previous, item=shown),
            wire.ItemDone(previous_item_id=previous, item=shown),
        ]

    def _item(self, number: int) -> Item:
        if number not in self._items:
            self._names += 1
            self._items[number] = Item(f"item_{self._token}_{self._names}", Increments())
        return self._items[number]

    def _after_clear(self, number: int) -> Item:
        if number in self._items and self._items[number].cleared:
            del self._items[number]
        return self._item(number)

    def _delta(self, item: Item, piece: str) -> list[ServerEvent]:
        return [wire.TranscriptionDelta(item_id=item.id, delta=piece)] if piece else []
