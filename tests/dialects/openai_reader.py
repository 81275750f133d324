"""Reads what a server writes in OpenAI's realtime transcription as a strict client would, and objects to what breaks
its rules: one beginning, ids that differ, a chain of items, words that are never taken back, one answer each."""

import json
from typing import Any

from stenowire.dialects.base import Close, Output, Text

CREATED = ("session.created", "transcription_session.created")
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"


class Reader:
    """Every rule is an assertion."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.event_ids: set[str] = set()
        self.closed = False
        self.committed: list[str] = []
        self.announced: list[str] = []
        """Items of the conversation: GA tells them twice, beta once."""
        self.done: list[str] = []
        self.answered: list[str] = []
        self.told: dict[str, str] = {}

    def take(self, outputs: list[Output]) -> None:
        for output in outputs:
            assert not self.closed, f"after the close: {output}"
            if isinstance(output, Close):
                self.closed = True
            elif isinstance(output, Text):
                self.read(json.loads(output.data))

    def read(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        assert (kind in CREATED) == (not self.seen), "the session is announced first, and only then"
        assert event["event_id"] and event["event_id"] not in self.event_ids
        self.event_ids.add(event["event_id"])
        self.seen.append(kind)
        self.events.append(event)
        if "session" in event:
            assert event["session"]["id"] == self.events[0]["session"]["id"]
        match kind:
            case "error":
                assert set(event["error"]) == {"type", "code", "message", "param", "event_id"}
                assert event["error"]["message"]
            case "input_audio_buffer.speech_started":
                assert event["item_id"] not in self.committed
            case "input_audio_buffer.committed":
                assert event["item_id"] not in self.committed
                assert event["previous_item_id"] == (self.committed[-1] if self.committed else None)
                self.committed.append(event["item_id"])
            case "conversation.item.added" | "conversation.item.created":
                self._place(event, self.announced)
            case "conversation.item.done":
                self._place(event, self.done)
            case _ if kind == DELTA:
                assert event["delta"] and event["item_id"] not in self.answered
                self.told[event["item_id"]] = self.told.get(event["item_id"], "") + event["delta"]
            case _ if kind == COMPLETED:
                self._answer(event)
                told, transcript = self.told.get(event["item_id"], ""), event["transcript"]
                assert told == transcript or not transcript.startswith(told), "joined deltas are the transcript"
                assert event["usage"]["type"] == "duration" and event["usage"]["seconds"] >= 0
            case _ if kind == FAILED:
                self._answer(event)

    def _place(self, event: dict[str, Any], places: list[str]) -> None:
        item = event["item"]
        assert item["id"] == self.committed[-1] and item["id"] not in places
        assert event["previous_item_id"] == (self.committed[-2] if len(self.committed) > 1 else None)
        assert (item["type"], item["role"], item["status"]) == ("message", "user", "completed")
        places.append(item["id"])

    def _answer(self, event: dict[str, Any]) -> None:
        assert event["item_id"] == self.committed[len(self.answered)], "one answer each, in order"
        self.answered.append(event["item_id"])
