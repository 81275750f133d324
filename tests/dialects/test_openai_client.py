"""The client half of OpenAI's protocol, laid on a cable to our own server half, and against what other servers do."""

import json
from typing import Any

import pytest

from stenowire.dialects.base import Text
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.openai_client import OpenAIClient
from stenowire.events import Audio, Failed, Final, Finished, Open, Opened, Partial, Reconfigure, Update

pytestmark = pytest.mark.unit

SAID = "conversation.item.input_audio_transcription."


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def begun() -> OpenAIClient:
    client = OpenAIClient("gpt-4o-transcribe")
    client.hello()
    assert [type(update) for update in client.receive(event("session.updated", session={}))] == [Opened]
    return client


def told(client: OpenAIClient, *frames: str) -> list[Update]:
    return [update for frame in frames for update in client.receive(frame)]


def turn(item: str, begin_ms: int, end_ms: int) -> list[str]:
    return [
        event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=begin_ms),
        event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end_ms),
        event("input_audio_buffer.committed", item_id=item),
    ]


def completed(item: str, text: str) -> str:
    return event(SAID + "completed", item_id=item, transcript=text)


def test_our_own_server_understands_what_it_asks_for() -> None:
    server = OpenAIDialect(0.0, model="gpt-4o-transcribe", unix_s=0)
    server.begin(0.0)
    client = OpenAIClient(
        "whisper-1", rate_hz=24_000, language="en", prompt="a talk", keywords=("Siobhan",), noise_reduction="near_field"
    )
    (opening,) = [output for frame in client.hello() for output in server.receive(frame, 0.0)]
    assert isinstance(opening, Open)
    written = [output.data for output in server.send(Opened(opening.session), 0.0) if isinstance(output, Text)]
    assert any(isinstance(update, Opened) for update in told(client, *written))
    assert server.receive(client.audio(bytes(4_800)), 0.0) == [Audio(opening.session, bytes(4_800))]
    assert (opening.model, opening.format.rate_hz, opening.hint.language) == ("whisper-1", 24_000, "en")
    assert opening.hint.context == "a talk" and opening.hint.hotwords[0].text == "Siobhan"
    last = [output for frame in client.finish() for output in server.receive(frame, 0.0)]
    assert any(isinstance(output, Reconfigure) for output in last)


def test_items_become_sentences_with_their_times() -> None:
    client = begun()
    updates = told(
        client,
        event("input_audio_buffer.speech_started", item_id="a", audio_start_ms=400),
        event(SAID + "delta", item_id="a", delta="good"),
        event(SAID + "delta", item_id="a", delta=" morning"),
        event("input_audio_buffer.speech_stopped", item_id="a", audio_end_ms=1900),
        event("input_audio_buffer.committed", item_id="a"),
        completed("a", "Good morning."),
    )
    assert [u.sentence.text for u in updates if isinstance(u, Partial)] == ["good", "good morning"]
    (final,) = [u.sentence for u in updates if isinstance(u, Final)]
    assert (final.id, final.begin_ms, final.end_ms, final.text) == (1, 400, 1900, "Good morning.")


def test_answers_that_overtake_each_other_are_told_in_order() -> None:
    client = begun()
    updates = told(client, *turn("a", 0, 900), *turn("b", 1000, 1900), completed("b", "two"), completed("a", "one"))
    assert [(u.sentence.id, u.sentence.text) for u in updates if isinstance(u, Final)] == [(1, "one"), (2, "two")]


def test_an_item_without_words_takes_no_number() -> None:
    client = begun()
    updates = told(client, *turn("a", 0, 900), completed("a", ""), *turn("b", 1000, 1900), completed("b", "two"))
    assert [(u.sentence.id, u.sentence.text) for u in updates if isinstance(u, Final)] == [(1, "two")]


def test_it_is_over_with_the_answer_to_the_last_commit_and_not_before() -> None:
    client = begun()
    client.finish()
    assert not told(client, event("session.updated", session={}))
    assert told(client, *turn("a", 0, 900), completed("a", "one"))
    assert not client.over
    assert not told(client, event("input_audio_buffer.committed", item_id="z"))
    updates = told(client, completed("z", ""))
    assert isinstance(updates[-1], Finished) and client.over


def test_a_complaint_that_nothing_is_left_is_an_answer_too() -> None:
    client = begun()
    client.finish()
    error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "message": "empty"}
    assert isinstance(told(client, event("error", error=error))[-1], Finished)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (event("error", error={"type": "invalid_request_error", "code": "model_not_found", "message": "no"}), "Model"),
        (event("error", error={"type": "server_error", "message": "down"}), "InternalError"),
        ("{", "InternalError"),
    ],
)
def test_a_session_that_cannot_begin_fails_with_the_servers_reason(frame: str, code: str) -> None:
    (update,) = OpenAIClient("x").receive(frame)
    assert isinstance(update, Failed) and update.error.code.startswith(code)


def test_an_item_that_failed_is_no_silence() -> None:
    """Its audio has not been answered: the session is to be tried again."""
    client = begun()
    failure = event(SAID + "failed", item_id="a", error={"type": "server_error", "message": "x"})
    assert isinstance(told(client, *turn("a", 0, 900), failure)[-1], Failed)


def test_what_it_does_not_know_means_nothing() -> None:
    assert not told(begun(), event("rate_limits.updated", rate_limits=[]), event("conversation.item.added", item={}))
