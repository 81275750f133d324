"""Reads what a server writes on the session protocol as a strict client would, and objects to what breaks its rules."""

import json
from typing import Any

from stenowire.dialects.base import Close, Output, Text

INTERIM = "conversation.item.input_audio_transcription.text"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"
CHAIN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.created",
    "response.content_part.added",
    "response.text.delta",
    "response.text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


class Reader:
    """Every rule is an assertion. `asked` is set when session.finish has been written."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.event_ids: set[str] = set()
        self.finishing = self.finished = self.closed = False
        self.conversation: list[str] = []
        self.unanswered: list[str] = []
        """Committed, in order."""
        self.hides = False
        """Whether transcriptions were ever switched off."""
        self.settled: dict[str, str] = {}
        self.chain: list[dict[str, Any]] = []
        self.responses = 0

    def take(self, outputs: list[Output]) -> None:
        for output in outputs:
            assert not self.closed, f"after the close: {output}"
            if isinstance(output, Close):
                self.closed = True
            elif isinstance(output, Text):
                self.read(json.loads(output.data))

    def read(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        assert (kind == "session.created") == (not self.seen), "session.created is the first, and only then"
        assert not self.finished, f"after session.finished: {event}"
        assert event["event_id"] not in self.event_ids and event["event_id"]
        self.event_ids.add(event["event_id"])
        self.seen.append(kind)
        match kind:
            case "session.finished":
                assert self.finishing and not self.chain
                assert self.hides or not self.unanswered
                self.finished = True
            case "error":
                assert not self.finishing, f"between session.finish and session.finished: {event}"
                assert set(event["error"]) == {"type", "code", "message", "param", "event_id"}
            case "session.updated":
                session = event["session"]
                self.hides |= "instructions" in session and session["input_audio_transcription"] is None
            case "input_audio_buffer.committed":
                self.commit(event)
            case "conversation.item.created":
                self.add_item(event)
            case _ if kind == INTERIM:
                self.show(event)
            case _ if kind in (COMPLETED, FAILED):
                self.answer(event)
            case _ if kind.startswith("response."):
                self.respond(event)

    def commit(self, event: dict[str, Any]) -> None:
        assert event["item_id"] not in self.conversation
        assert event["previous_item_id"] == (self.conversation[-1] if self.conversation else None)
        self.unanswered.append(event["item_id"])

    def add_item(self, event: dict[str, Any]) -> None:
        item = event["item"]
        assert item["id"] not in self.conversation
        assert event["previous_item_id"] == (self.conversation[-1] if self.conversation else None)
        self.conversation.append(item["id"])
        if item["role"] == "user":
            assert self.unanswered[-1] == item["id"]
        else:
            self.respond(event)

    def answer(self, event: dict[str, Any]) -> None:
        before = self.unanswered.index(event["item_id"])
        assert self.hides or before == 0, "one answer each, in order"
        del self.unanswered[: before + 1]

    def show(self, event: dict[str, Any]) -> None:
        item, text, stash = event["item_id"], event["text"], event["stash"]
        assert item in self.unanswered or item not in self.conversation, "nothing is shown of what is answered"
        assert isinstance(stash, str) and text.startswith(self.settled.get(item, "")), "what is settled stays"
        self.settled[item] = text

    def respond(self, event: dict[str, Any]) -> None:
        """One response at a time; each is a complete chain, or ends at once by being cancelled or failing."""
        self.chain.append(event)
        if event["type"] != "response.done":
            return
        names, done = [each["type"] for each in self.chain], event["response"]
        if done["status"] == "completed":
            text = self.chain[-4]["text"]
            assert names == [name for name in CHAIN if text or name != "response.text.delta"]
            assert done["output"][0]["content"] == [{"type": "text", "text": text}] and done["usage"]
            assert {each["response_id"] for each in self.chain[1:-1] if "response_id" in each} == {done["id"]}
        else:
            assert names == ["response.created", "response.done"] and done["output"] == []
        assert self.chain[0]["response"]["id"] == done["id"]
        self.chain, self.responses = [], self.responses + 1
