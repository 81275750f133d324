"""What a relay remembers of a session, event by event, without any socket."""

import base64
import json
from typing import Any

import pytest

from stenowire.client.relay_session import SessionTalk
from stenowire.client.relay_talk import ServerTrouble

pytestmark = pytest.mark.unit

SECOND = bytes(range(200)) * 160
ITEM = "conversation.item.input_audio_transcription."


class Line:
    """A talk, and a server that says what it is told to say."""

    def __init__(self, family: Any = "qwen", most_s: float = 60.0) -> None:
        self.talk = SessionTalk(family, most_s=most_s, resend_speed=None)
        self.connect()

    def connect(self) -> list[dict[str, Any]]:
        frames = list(self.talk.hello())
        self.hear("session.created", session={"id": "s"})
        return [json.loads(frame) for frame in frames] + self.written()

    def say(self, kind: str, **fields: Any) -> None:
        self.talk.say(json.dumps({"type": kind, **fields}))

    def audio(self, data: bytes) -> None:
        self.say("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    def written(self) -> list[dict[str, Any]]:
        frames = []
        while (frame := self.talk.take()) is not None:
            frames.append(json.loads(frame))
        return frames

    def hear(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.talk.receive(json.dumps({"type": kind, **fields}))]

    def item(self, name: str, begin_ms: int, end_ms: int, text: str) -> list[dict[str, Any]]:
        return [
            *self.hear("input_audio_buffer.speech_started", item_id=name, audio_start_ms=begin_ms),
            *self.hear("input_audio_buffer.speech_stopped", item_id=name, audio_end_ms=end_ms),
            *self.hear("input_audio_buffer.committed", item_id=name, previous_item_id=None),
            *self.hear(ITEM + "completed", item_id=name, transcript=text),
        ]


def sound(frames: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(frame["audio"]) for frame in frames if "audio" in frame)


def test_what_no_completed_item_covers_is_heard_again() -> None:
    line = Line()
    line.say("session.update", session={"turn_detection": {"type": "server_vad"}})
    line.audio(SECOND * 4)
    line.written()
    line.item("a", 0, 2_500, "one")
    again = line.connect()
    assert again[0]["type"] == "session.update"
    assert sound(again) == (SECOND * 4)[80_000:]


def test_items_of_a_new_connection_continue_those_of_the_old_one() -> None:
    line = Line()
    line.audio(SECOND * 6)
    line.written()
    line.item("a", 0, 2_000, "one")
    line.hear("input_audio_buffer.speech_started", item_id="b", audio_start_ms=2_500)
    line.connect()
    told = line.item("a", 500, 1_500, "two") + line.item("c", 2_000, 3_000, "three")
    assert [event.get("item_id") for event in told] == ["b"] * 3 + ["c"] * 4
    assert told[0]["type"].endswith("speech_stopped") and told[0]["audio_end_ms"] == 3_500
    assert [event["previous_item_id"] for event in told if "previous_item_id" in event] == ["a", "b"]


def test_nothing_is_told_twice() -> None:
    line = Line()
    line.say("session.update", session={})
    line.audio(SECOND * 2)
    line.written()
    assert line.hear("session.updated", session={"id": "s"})
    line.hear("input_audio_buffer.speech_started", item_id="a", audio_start_ms=0)
    line.hear(ITEM + "text", item_id="a", text="one", stash=" two")
    line.connect()
    assert line.hear("session.updated", session={"id": "t"}) == []
    assert line.hear("input_audio_buffer.speech_started", item_id="x", audio_start_ms=0) == []
    assert line.hear(ITEM + "text", item_id="x", text="", stash="one") == []
    (told,) = line.hear(ITEM + "text", item_id="x", text="", stash="one two three")
    assert (told["item_id"], told["text"], told["stash"]) == ("a", "one", " two three")


def test_growth_goes_on_where_it_was() -> None:
    line = Line("openai")
    line.audio(SECOND)
    line.written()
    line.hear(ITEM + "delta", item_id="a", delta="one tw")
    line.connect()
    told = [line.hear(ITEM + "delta", item_id="x", delta=delta) for delta in ("one", " two", " three")]
    assert [event["delta"] for events in told for event in events] == ["o", " three"]


def test_an_update_that_was_refused_is_not_made_again() -> None:
    line = Line()
    line.say("session.update", session={"turn_detection": {"threshold": 9}})
    (sent,) = line.written()
    (told,) = line.hear("error", error={"type": "invalid_request_error", "event_id": sent["event_id"], "code": "x"})
    assert told["error"]["event_id"] is None
    assert line.connect() == []


def test_a_commit_is_made_again_until_its_item_is_completed() -> None:
    line = Line()
    line.say("session.update", session={"turn_detection": None})
    for _ in range(2):
        line.audio(SECOND)
        line.say("input_audio_buffer.commit")
    line.written()
    line.hear("input_audio_buffer.committed", item_id="a", previous_item_id=None)
    line.hear(ITEM + "completed", item_id="a", transcript="one")
    again = line.connect()
    assert [frame["type"].rpartition(".")[2] for frame in again] == ["update", "append", "commit"]
    assert sound(again) == SECOND


def test_what_was_cleared_does_not_come_back() -> None:
    line = Line()
    line.say("session.update", session={"turn_detection": None})
    line.audio(SECOND)
    line.say("input_audio_buffer.clear")
    line.audio(SECOND[:100])
    line.written()
    assert line.hear("input_audio_buffer.cleared")
    again = line.connect()
    assert sound(again) == SECOND[:100]


def test_an_expired_session_goes_on_in_another() -> None:
    line = Line()
    with pytest.raises(ServerTrouble):
        line.hear("error", error={"type": "server_error", "code": "session_expired", "message": "long enough"})


def test_silence_does_not_fill_the_memory_for_ever() -> None:
    line = Line(most_s=3.0)
    for _ in range(5):
        line.audio(SECOND)
        line.written()
    assert not line.talk.full
    assert len(sound(line.connect())) <= 4 * len(SECOND)


def test_what_waits_to_be_sent_is_never_let_go() -> None:
    line = Line(most_s=3.0)
    for _ in range(5):
        line.audio(SECOND)
    assert line.talk.full
    assert sound(line.written()) == SECOND * 5


@pytest.mark.parametrize(
    ("family", "event"),
    [
        ("openai", {"type": "response.create"}),
        ("openai", {"type": "session.update", "model": "m"}),
        ("openai", {"type": "session.update", "session": {"type": "realtime"}}),
        ("qwen", {"type": "session.update", "session": {"input_audio_format": "opus"}}),
    ],
)
def test_what_cannot_be_said_again_passes_as_it_is(family: Any, event: dict[str, Any]) -> None:
    line = Line(family)
    line.talk.say(json.dumps(event))
    line.audio(SECOND)
    assert not line.talk.keeps
    assert len(line.written()) == 2
    assert line.hear("anything", item_id="a") == [{"type": "anything", "item_id": "a"}]
