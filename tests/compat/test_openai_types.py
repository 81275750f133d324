"""Every event that conversations show is one that OpenAI's own library has a type for, field by field."""

import json
import subprocess
from typing import Any

import pytest

from compat.conftest import DRIVERS
from compat.sdks import sdk
from dialects.conversation import ANY, CONVERSATIONS, read

pytestmark = pytest.mark.compat

VERSION = "3.54.0"
ADDED = {"created", "id", "session.expires_at", "session.id", "session.object", "hotwords_applied"}
"""What is written beyond the types: it is in the service's documents, is what vLLM's clients read, or was asked for
in so many words."""


def shown() -> list[dict[str, Any]]:
    """The server's events in the conversations, where they are shown in full."""
    lines = (
        rest
        for path in sorted((CONVERSATIONS / "openai").glob("*.wire"))
        for _, sign, rest in read(path.read_text(encoding="utf-8"))
        if sign == "<" and not rest.startswith("close")
    )
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [event for event in events if ANY not in (event.get("session"), event.get("item"), event.get("created"))]


def has_a_type(event: dict[str, Any]) -> bool:
    """The library has none any more for sessions of the older generation, and none for rates that are our extension."""
    session = event.get("session", {})
    input = session.get("audio", {}).get("input", {})
    return "input_audio_format" not in session and input.get("format", {}).get("rate") in (None, 24_000)


def test_every_event_has_its_type_and_no_field_but_those() -> None:
    events = list(filter(has_a_type, shown()))
    command = [str(sdk(VERSION, "openai[realtime]")), str(DRIVERS / "openai_strict.py")]
    written = "\n".join(json.dumps(event) for event in events)
    done = subprocess.run(command, input=written, capture_output=True, text=True, timeout=120, check=True)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(events) > 100
    wrong = [(event, verdict) for event, verdict in zip(events, verdicts, strict=True) if verdict["wrong"]]
    assert wrong == []
    assert {name for verdict in verdicts for name in verdict["unknown"]} <= ADDED
    assert {verdict["kind"] for verdict in verdicts} == {
        "ConversationItemAdded",
        "ConversationItemCreatedEvent",
        "ConversationItemDone",
        "ConversationItemInputAudioTranscriptionCompletedEvent",
        "ConversationItemInputAudioTranscriptionDeltaEvent",
        "ConversationItemInputAudioTranscriptionFailedEvent",
        "InputAudioBufferClearedEvent",
        "InputAudioBufferCommittedEvent",
        "InputAudioBufferSpeechStartedEvent",
        "InputAudioBufferSpeechStoppedEvent",
        "RealtimeErrorEvent",
        "SessionCreatedEvent",
        "SessionUpdatedEvent",
    }


def test_an_event_that_breaks_its_type_would_be_noticed() -> None:
    (event,) = [event for event in shown() if event["type"].endswith(".completed")][:1]
    del event["usage"]
    event["transcripts"] = "misspelled"
    command = [str(sdk(VERSION, "openai[realtime]")), str(DRIVERS / "openai_strict.py")]
    other = {**event, "usage": {"type": "duration", "seconds": 1}}
    written = "\n".join(map(json.dumps, [event, other]))
    done = subprocess.run(command, input=written, capture_output=True, text=True, timeout=120, check=True)
    broken, misspelled = (json.loads(line) for line in done.stdout.splitlines())
    assert any("usage" in fault for fault in broken["wrong"])
    assert misspelled["unknown"] == ["transcripts"]
