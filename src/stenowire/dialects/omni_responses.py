"""Which items are answered by which response, and when: one response at a time, in the order of what was said.

In: the events of the conversation, and what the client asks for. Out: the events that follow them.
A response answers every committed item that none has answered before. It is told at once and says its text once all
of its items are transcribed.
"""

import math
from collections import deque

import msgspec

from stenowire.dialects import omni_events as wire
from stenowire.dialects.omni_events import InputDetails, OutputDetails, ResponseUsage
from stenowire.dialects.qwen_events import ItemCreated, ServerEvent, TranscriptionCompleted, TranscriptionFailed
from stenowire.dialects.qwen_items import Conversation
from stenowire.dialects.qwen_session import Config
from stenowire.errors import InvalidParameter
from stenowire.text.tokens import count_tokens

AUDIO_TOKENS_PER_S = 25
"""What the vendor bills for a second of audio; nothing here depends on it."""

MAX_UNANSWERED = 256
"""Items that wait for a client to ask; beyond this the oldest are answered by nobody."""


class Pending(msgspec.Struct, frozen=True):
    """A response that has not said its text."""

    id: str
    items: tuple[str, ...]
    prompt_tokens: int


class Responses:
    def __init__(self, conversation: Conversation, token: str) -> None:
        self._conversation = conversation
        self._token = token
        self._names = 0
        self._pending: deque[Pending] = deque()
        """The client knows of the first."""
        self._unanswered: list[str] = []
        """Items that no response answers yet."""
        self._said: dict[str, TranscriptionCompleted | TranscriptionFailed] = {}

    def follow(self, event: ServerEvent, config: Config) -> list[ServerEvent]:
        """What comes right after an event of the conversation."""
        match event:
            case ItemCreated(item=item):
                self._await(item.id)
                return self.create(config) if config.turn is not None and config.turn.create_response else []
            case TranscriptionCompleted(item_id=item_id) | TranscriptionFailed(item_id=item_id):
                self._note(item_id, event)
                return self._answer()
            case _:
                return []

    def create(self, config: Config) -> list[ServerEvent]:
        """Raises InvalidParameter when there is nothing to answer."""
        if not self._unanswered:
            raise InvalidParameter("nothing was committed that is not answered or being answered")
        self._names += 1
        items, self._unanswered = tuple(self._unanswered), []
        pending = Pending(f"resp_{self._token}_{self._names}", items, count_tokens(config.context))
        self._pending.append(pending)
        return [*self._announce(), *self._answer()] if len(self._pending) == 1 else []

    def cancel(self) -> list[ServerEvent]:
        """End the response in progress without a text. Raises InvalidParameter when there is none."""
        if not self._pending:
            raise InvalidParameter("no response is in progress")
        return [*self._end("cancelled"), *self._answer()]

    # ---- one after another ---------------------------------------------------------------------------------------

    def _await(self, item_id: str) -> None:
        self._unanswered.append(item_id)
        if len(self._unanswered) > MAX_UNANSWERED:
            self._said.pop(self._unanswered.pop(0), None)

    def _note(self, item_id: str, said: TranscriptionCompleted | TranscriptionFailed) -> None:
        waited_for = any(item_id in pending.items for pending in self._pending)
        if waited_for or item_id in self._unanswered:
            self._said[item_id] = said

    def _announce(self) -> list[ServerEvent]:
        return [wire.ResponseCreated(wire.Response(id=self._pending[0].id))] if self._pending else []

    def _answer(self) -> list[ServerEvent]:
        """Say the texts that can be said by now."""
        events: list[ServerEvent] = []
        while self._pending and all(item in self._said for item in self._pending[0].items):
            events += self._say(self._pending[0])
        return events

    def _say(self, pending: Pending) -> list[ServerEvent]:
        said = [self._said[item] for item in pending.items]
        heard = [each for each in said if isinstance(each, TranscriptionCompleted)]
        if len(heard) < len(said):
            return self._end("failed")
        text = " ".join(each.transcript for each in heard if each.transcript)
        seconds = sum(each.usage.seconds for each in heard)
        item_id = self._conversation.new_id()
        previous = self._conversation.append(item_id)
        usage = usage_of(pending.prompt_tokens, seconds, text)
        return [*wire.answer(pending.id, item_id, previous, text, usage), *self._next()]

    def _end(self, status: wire.Status) -> list[ServerEvent]:
        return [wire.ended(self._pending[0].id, status), *self._next()]

    def _next(self) -> list[ServerEvent]:
        for item in self._pending.popleft().items:
            self._said.pop(item, None)
        return self._announce()


def usage_of(prompt_tokens: int, seconds: int, text: str) -> ResponseUsage:
    """Estimates, except for the seconds: tokens have no meaning to a recogniser."""
    audio, said = math.ceil(seconds * AUDIO_TOKENS_PER_S), count_tokens(text)
    total = prompt_tokens + audio + said
    return ResponseUsage(total, prompt_tokens + audio, said, InputDetails(prompt_tokens, audio), OutputDetails(said))
