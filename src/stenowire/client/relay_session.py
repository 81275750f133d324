"""One session of a realtime protocol (Qwen's, OpenAI's), over as many connections as it takes.

In: the client's events, a server's events. Out: events for either; those for the client tell one session with one line
of times, and one `completed` per item. A new connection is set up by the same updates and hears again what no completed
item covers, commits included. Answers and conversations (Omni, `response.create`), vLLM's protocol and coded audio
pass as they are, without memory; the log says so.
"""

import time
from collections import deque
from typing import Literal

import structlog

from stenowire.client.relay_fields import Message, audio_of, format_of, number, text_of
from stenowire.client.relay_items import Item, Items, answered_to, growth, snapshot
from stenowire.client.relay_journal import Entry, Journal, Kind
from stenowire.client.relay_talk import Frame, ServerTrouble
from stenowire.client.relay_task import read

Family = Literal["qwen", "openai"]

KINDS: dict[str, Kind] = {
    "session.update": "update",
    "transcription_session.update": "update",
    "input_audio_buffer.commit": "commit",
    "input_audio_buffer.clear": "clear",
    "session.finish": "finish",
}
CONVERSING = ("response.create", "conversation.item.create", "input_image_buffer.append")
RATES_HZ = {"qwen": 16_000, "openai": 24_000}
WIDTHS = {"pcm": 2, "pcm16": 2, "audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1, "g711_ulaw": 1, "g711_alaw": 1}
"""Bytes per sample of what can be cut."""
TROUBLE = ("internal", "service", "server_error", "session_expired", "gatewaytimeout")
"""How the codes begin, in lower case, with which a server speaks of itself."""
MOST_BREAKDOWNS = 3
LAST_CODES = (1000, 1003, 1007, 1008, 1009, 1010)
"""Of closes that are meant for the client."""
QUIET_S = 20.0
"""Audio that was sent so long ago, and in which nobody began to speak, is silence."""
NEAR_MS = 300
"""An item that ends so shortly before a commit was made by it."""
TRANSCRIPTION = "conversation.item.input_audio_transcription."

log = structlog.get_logger(__name__)


class SessionTalk:
    def __init__(self, family: Family, *, most_s: float, resend_speed: float | None) -> None:
        self.name = f"{family} session"
        self.keeps = True
        self.over = self.fruitful = False
        self.close: tuple[int, str] | None = None
        self.pace_s = 0.0
        self._family = family
        self._most_s = most_s
        self._resend_speed = resend_speed
        self._rate_hz, self._width = RATES_HZ[family], 2
        self._manual = False
        self._journal = Journal()
        self._items = Items()
        self._own_ids = 0
        self._session_id: str | None = None
        self._line_at = 0
        """Byte at which this connection's server began to count."""
        self._reached = 0
        self._connections = 0
        self._updates: deque[Entry] = deque()
        self._commits: deque[Entry] = deque()
        self._clears: deque[Entry] = deque()
        """Not answered on this connection."""
        self._sent: deque[tuple[float, int]] = deque()
        """When audio was sent, and up to which byte."""
        self._let_go = False
        self._breakdowns = 0
        self._winding_up = False

    # ---- the client -----------------------------------------------------------------------------------------------

    def say(self, frame: Frame) -> None:
        message = read(frame)
        kind = message.get("type")
        event_id = message.get("event_id")
        event_id = event_id if isinstance(event_id, str) else None
        data = audio_of(message) if kind == "input_audio_buffer.append" else b""
        if data:
            self._bound()
            self._journal.add(Entry("audio", self._journal.end, data, event_id))
        elif kind in KINDS:
            self._note(KINDS[kind], message, event_id)
        else:
            if kind in CONVERSING and self._family == "openai":
                self._forget("it asks for answers")
            self._journal.add(Entry("once", self._journal.end, frame, event_id))

    def _note(self, kind: Kind, message: Message, event_id: str | None, *, told: bool = False) -> None:
        if kind == "update":
            self._configure(message)
        own = event_id is None and kind in ("update", "commit")
        if own:
            self._own_ids += 1
            event_id = message["event_id"] = f"relay_{self._own_ids}"
        self._journal.add(Entry(kind, self._journal.end, text_of(message), event_id, own, told=told))

    def _configure(self, message: Message) -> None:
        session = message.get("session")
        if not isinstance(session, dict):
            return self._forget("it speaks vLLM's protocol")
        if session.get("type") == "realtime":
            return self._forget("it asks for answers")
        if session.get("type") == "transcription" or message["type"].startswith("transcription_"):
            self._rate_hz = RATES_HZ["openai"] if not self._journal.end else self._rate_hz
        given = format_of(session)
        before = self._rate_hz, self._width
        if given.encoding is not None:
            if given.encoding not in WIDTHS:
                return self._forget(f"its audio is {str(given.encoding)[:20]}")
            self._width = WIDTHS[given.encoding]
            if self._width == 1:
                self._rate_hz = 8000
        if isinstance(given.rate_hz, int) and given.rate_hz > 0:
            self._rate_hz = given.rate_hz
        if given.turn != "unsaid":
            self._manual = given.turn is None
        if self._journal.end and before != (self._rate_hz, self._width):
            self._forget("it changed its audio format on the way")

    def _forget(self, why: str) -> None:
        if self.keeps:
            log.warning("passing a session through without memory", reason=why)
        self.keeps = False

    def _bound(self) -> None:
        """Everything kept has been sent and is not answered: the oldest has to go."""
        excess = self._journal.kept_bytes - self._most_bytes
        if excess <= 0:
            return
        if not self._let_go:
            log.warning(
                "no answer for longer than audio is kept; a broken connection would cost some", kept_s=self._most_s
            )
        self._let_go = True
        self._journal.let_go(self._journal.first + excess)

    # ---- sending --------------------------------------------------------------------------------------------------

    @property
    def _bytes_per_s(self) -> int:
        return self._rate_hz * self._width

    @property
    def _most_bytes(self) -> int:
        return int(self._most_s * self._bytes_per_s)

    @property
    def full(self) -> bool:
        journal = self._journal
        return journal.kept_bytes >= self._most_bytes and journal.sent_to < journal.end

    @property
    def has_work(self) -> bool:
        return not self._journal.all_sent or bool(self._items.open)

    def hello(self) -> list[Frame]:
        self._connections += 1
        self._items.begin()
        self._journal.rewind()
        self._line_at = self._journal.first
        self._updates = deque(self._journal.setup)
        self._commits.clear()
        self._clears.clear()
        self._sent.clear()
        return [entry.frame for entry in self._journal.setup]

    def take(self) -> Frame | None:
        self.pace_s = 0.0
        entry = self._journal.take()
        if entry is None:
            return None
        if entry.kind == "audio":
            self._pace(entry)
        elif (waiting := self._waiting(entry.kind)) is not None:
            waiting.append(entry)
        entry.sent = True
        frame = entry.frame
        if not self.keeps:
            self._journal.let_go(entry.end, entry)
        return frame

    def _pace(self, entry: Entry) -> None:
        if entry.sent and self._resend_speed:
            self.pace_s = len(entry.data) / self._bytes_per_s / self._resend_speed
        self._reached = max(self._reached, entry.end)
        now = time.monotonic()
        self._sent.append((now, entry.end))
        while now - self._sent[0][0] > QUIET_S:
            _, end = self._sent.popleft()
            if not self._manual and not self._items.open:
                self._journal.let_go(end)

    def _waiting(self, kind: Kind) -> deque[Entry] | None:
        return {"update": self._updates, "commit": self._commits, "clear": self._clears}.get(kind)

    def lost(self) -> None:
        return

    def ends(self, code: int) -> bool:
        return code in LAST_CODES or code >= 3000

    def wind_up(self) -> None:
        """Have the rest answered, in the way that the protocol has for it."""
        if self._winding_up:
            return
        self._winding_up, self.close = True, (1012, "the relay stops")
        if not self.keeps:
            self.over = True
        elif self._family == "qwen":
            self._note("finish", {"type": "session.finish"}, None)
        else:
            self._note("commit", {"type": "input_audio_buffer.commit"}, None, told=True)

    def give_up(self, reason: str, last_words: list[Frame]) -> list[Frame]:
        self.over = True
        if self.close is not None:
            return last_words
        self.close = (1011, "the connection to the server was lost")
        body = {"type": "server_error", "code": "ServiceUnavailable", "message": reason, "param": None}
        event = {"event_id": f"event_{self._own_ids}_lost", "type": "error", "error": body | {"event_id": None}}
        return last_words or [text_of(event)]

    # ---- answers --------------------------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> list[Frame]:
        told = self._receive(frame)
        if self._winding_up and self._family == "openai" and not (self.has_work or self._commits):
            self.over = True
        return told

    def _receive(self, frame: Frame) -> list[Frame]:
        message = read(frame)
        kind = message.get("type")
        if not isinstance(kind, str) or (not self.keeps and self._connections == 1):
            return [frame]
        match kind:
            case "session.created" | "transcription_session.created":
                return self._created(message)
            case "session.updated" | "transcription_session.updated":
                return self._updated(message)
            case "error":
                return self._error(message)
            case "input_audio_buffer.cleared":
                return self._cleared(message)
            case "session.finished":
                self.over = True
                return [] if self._winding_up else [frame]
        name = message.get("item_id") or (message["item"].get("id") if isinstance(message.get("item"), dict) else None)
        return self._item(kind, message, self._items.named(name)) if isinstance(name, str) else [frame]

    def _created(self, message: Message) -> list[Frame]:
        session = message.get("session")
        if self._session_id is not None:
            return []
        self._session_id = str(session.get("id")) if isinstance(session, dict) else ""
        return [text_of(message)]

    def _updated(self, message: Message) -> list[Frame]:
        entry = self._updates.popleft() if self._updates else None
        if entry is not None and entry.told:
            return []
        if entry is not None:
            entry.told = True
        if self._session_id and isinstance(message.get("session"), dict) and "id" in message["session"]:
            message["session"]["id"] = self._session_id
        return [text_of(message)]

    def _cleared(self, message: Message) -> list[Frame]:
        entry = self._clears.popleft() if self._clears else None
        self._items.cleared()
        told = entry is not None and entry.told
        if entry is not None:
            entry.told = True
            if not self._items.open:
                self._journal.let_go(entry.at, entry)
        return [] if told else [text_of(message)]

    def _error(self, message: Message) -> list[Frame]:
        body = message.get("error")
        if not isinstance(body, dict):
            return [text_of(message)]
        code = str(body.get("code") or body.get("type") or "")
        if self.keeps and code.lower().startswith(TROUBLE):
            self._breakdowns += code != "session_expired"
            if self._breakdowns <= MOST_BREAKDOWNS:
                raise ServerTrouble(f"{code}: {body.get('message')}", [text_of(message)])
            self.over, self.close = True, (1011, "the server failed")
            return [text_of(message)]
        entry = self._at_fault(body, code)
        if entry is None:
            return [] if self._again else [text_of(message)]
        if entry.own_id:
            body["event_id"] = None
        told, entry.told = entry.told, True
        self._journal.drop(entry)
        return [] if told else [text_of(message)]

    def _at_fault(self, body: Message, code: str) -> Entry | None:
        """The update or commit that an error is about; the newest commit, where it has no name."""
        event_id = body.get("event_id")
        for waiting in (self._updates, self._commits):
            for entry in waiting:
                if event_id is not None and entry.event_id == event_id:
                    waiting.remove(entry)
                    return entry
        if event_id is None and self._updates and str(body.get("param")).startswith("session"):
            return self._updates.popleft()
        if event_id is None and self._commits and "commit" in code:
            return self._commits.pop()
        return None

    @property
    def _again(self) -> bool:
        """Sending what another connection had."""
        return self._connections > 1 and self._journal.sent_to < self._reached

    # ---- items ----------------------------------------------------------------------------------------------------

    def _item(self, kind: str, message: Message, item: Item) -> list[Frame]:
        if "item_id" in message:
            message["item_id"] = item.id
        else:
            message["item"]["id"] = item.id
        if kind in (TRANSCRIPTION + "delta", TRANSCRIPTION + "text"):
            return self._words(kind, message, item)
        self._place(kind, message, item)
        if kind in item.told:
            return []
        item.told.add(kind)
        if "previous_item_id" in message:
            self._items.link(item)
            message["previous_item_id"] = item.previous
        if kind in (TRANSCRIPTION + "completed", TRANSCRIPTION + "failed"):
            item.done = True
            self._settle()
        self.fruitful = True
        self._breakdowns = 0
        return [text_of(message)]

    def _place(self, kind: str, message: Message, item: Item) -> None:
        """Times on the session's own line, and where the item ends."""
        line_ms = self._line_at * 1000 // self._bytes_per_s
        match kind:
            case "input_audio_buffer.speech_started":
                message["audio_start_ms"] = number(message, "audio_start_ms") + line_ms
            case "input_audio_buffer.speech_stopped":
                end_ms = number(message, "audio_end_ms")
                item.end = self._line_at + end_ms * self._rate_hz // 1000 * self._width
                message["audio_end_ms"] = end_ms + line_ms
            case "input_audio_buffer.committed":
                item.committed = True
                self._match_commit(item)

    def _match_commit(self, item: Item) -> None:
        if not self._commits:
            return
        commit = self._commits[0]
        near = NEAR_MS * self._bytes_per_s // 1000
        if item.end is None or item.end + near >= commit.at:
            self._commits.popleft()
            item.commit, item.end = commit, commit.at
            commit.told = True

    def _words(self, kind: str, message: Message, item: Item) -> list[Frame]:
        if item.done:
            return []
        if kind.endswith("delta"):
            message["delta"] = growth(item, str(message.get("delta") or ""))
            return [text_of(message)] if message["delta"] else []
        shown = snapshot(item, str(message.get("text") or ""), str(message.get("stash") or ""))
        if shown is None:
            return []
        message["text"], message["stash"] = shown
        return [text_of(message)]

    def _settle(self) -> None:
        if settled := self._items.settled():
            end, commit = answered_to(settled)
            self._journal.let_go(end, commit)
            self._let_go = False
