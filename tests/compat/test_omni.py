"""`OmniRealtimeConversation` of the vendor's SDK, in two generations, as a recogniser's client and as Omni's.

Every version holds all its talks in one process; the claims look at what came of them.
"""

from collections.abc import Callable
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr
from bench.server import Server

from compat.beckett import FIRST_SAID, LAST_SAID
from compat.sdks import Drive, Line, named, spoken, write_audio
from compat.talks import COMMITTED, DETECTED, ITEM, NEWER, OMNI, PARAMS, RECOGNISER, job, ways

pytestmark = pytest.mark.compat

NEW = "2.0.2"
VERSIONS = ("1.25.10", NEW)


Event = dict[str, Any]
Held = Callable[[str], list[Line]]


@pytest.fixture(scope="module")
def audio(beckett: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The recording at any rate, as bare samples."""
    folder = tmp_path_factory.mktemp("rates")

    @cache
    def at(rate_hz: int) -> Path:
        samples, given_hz = soundfile.read(beckett.with_suffix(".wav"), dtype="float32")
        return write_audio(folder / f"{rate_hz}.pcm", soxr.resample(samples, given_hz, rate_hz), rate_hz)

    return at


@pytest.fixture(scope="module", params=VERSIONS)
def held(request: pytest.FixtureRequest, drive: Drive, server: Server, audio: Callable[[int], Path]) -> Held:
    """`held("detected")` -> the lines of that talk."""
    talks = RECOGNISER | OMNI | (NEWER if request.param == NEW else {})
    jobs = [job(name, steps, audio) for name, steps in talks.items()]
    url = server.url.replace("/inference", "/realtime")
    lines = drive("omni", request.param, url=url, talks=jobs)
    assert {line["talk"] for line in lines} == set(talks)
    return lambda name: [line for line in lines if line["talk"] == name]


def events(lines: list[Line], *types: str) -> list[Event]:
    """The events of those types, or all."""
    return [line["body"] for line in named(lines, "event") if not types or line["type"] in types]


def order(lines: list[Line]) -> list[str]:
    """The types of the events, runs of the same told once."""
    return [kind for kind, _ in groupby(event["type"] for event in events(lines))]


def said(lines: list[Line]) -> str:
    return spoken([event["transcript"] for event in events(lines, ITEM + "completed")])


def ended_well(lines: list[Line]) -> bool:
    return not named(lines, "raised") and order(lines)[-1] == "session.finished"


# ---- the session --------------------------------------------------------------------------------------------------


def test_a_session_is_told_before_all_else_and_its_id_is_there_for_the_caller(held: Held) -> None:
    lines = held("mute")
    (done,) = named(lines, "done")
    first = events(lines)[0]
    assert first["type"] == "session.created"
    assert first["session"]["id"] == done["session_id"]


def test_an_update_is_answered_with_what_is_in_force(held: Held) -> None:
    (updated,) = events(held("detected"), "session.updated")
    session = updated["session"]
    assert (session["input_audio_format"], session["sample_rate"]) == ("pcm", 16_000)
    assert session["input_audio_transcription"] == {"language": "en", "corpus": {"text": PARAMS["corpus_text"]}}
    assert session["turn_detection"]["type"] == "server_vad"
    assert (session["turn_detection"]["threshold"], session["turn_detection"]["silence_duration_ms"]) == (0.2, 800)


def test_every_event_has_an_id_of_its_own(held: Held) -> None:
    ids = [event["event_id"] for event in events(held("detected"))]
    assert all(ids) and len(set(ids)) == len(ids)


# ---- turn detection -------------------------------------------------------------------------------------------------


def test_what_silence_divides_comes_item_by_item_in_the_order_of_the_protocol(held: Held) -> None:
    lines = held("detected")
    assert ways(events(lines)) == [DETECTED, DETECTED]
    assert order(lines)[:2] == ["session.created", "session.updated"]
    assert ended_well(lines)


def test_items_are_chained_and_each_is_completed_once(held: Held) -> None:
    lines = held("detected")
    first, second = events(lines, "input_audio_buffer.committed")
    assert (first["previous_item_id"], second["previous_item_id"]) == (None, first["item_id"])
    completed = events(lines, ITEM + "completed")
    assert [event["item_id"] for event in completed] == [first["item_id"], second["item_id"]]
    assert [spoken([event["transcript"]]) for event in completed] == [FIRST_SAID, LAST_SAID]
    assert all(event["language"] == "en" and event["emotion"] == "neutral" for event in completed)


def test_speech_starts_and_stops_where_it_was_spoken(held: Held) -> None:
    """The recording is silent from 5.6 s to 6.6 s and from 9.0 s on."""
    lines = held("detected")
    starts = [event["audio_start_ms"] for event in events(lines, "input_audio_buffer.speech_started")]
    stops = [event["audio_end_ms"] for event in events(lines, "input_audio_buffer.speech_stopped")]
    assert starts[0] < 1000 and 5600 < starts[1] < 7000
    assert 5000 < stops[0] < 6600 and 8500 < stops[1] < 9900


def test_settled_text_only_grows_and_every_interim_shows_something(held: Held) -> None:
    interims = events(held("detected"), ITEM + "text")
    assert len({event["item_id"] for event in interims}) == 2
    assert all(event["text"] + event["stash"] and event["content_index"] == 0 for event in interims)
    for _, item in groupby(interims, key=lambda event: event["item_id"]):
        assert all(later["text"].startswith(earlier["text"]) for earlier, later in pairwise(item))


def test_speech_that_the_end_of_the_session_cuts_off_is_still_told(held: Held) -> None:
    lines = held("cut short")
    assert said(lines) == LAST_SAID
    assert ended_well(lines)


@pytest.mark.parametrize("talk", ["silent", "mute"])
def test_a_session_without_speech_ends_as_soon_as_it_is_asked_to(held: Held, talk: str) -> None:
    lines = held(talk)
    assert order(lines) == ["session.created", "session.updated", "session.finished"]
    assert ended_well(lines)


# ---- manual mode ----------------------------------------------------------------------------------------------------


def test_commits_alone_make_items_in_manual_mode(held: Held) -> None:
    lines = held("committed")
    assert events(lines, "session.updated")[0]["session"]["turn_detection"] is None
    assert ways(events(lines)) == [COMMITTED, COMMITTED]
    first, second = events(lines, ITEM + "completed")
    assert [spoken([event["transcript"]]) for event in (first, second)] == [FIRST_SAID, LAST_SAID]
    assert second["item_id"] != first["item_id"]
    assert ended_well(lines)


def test_nothing_is_told_of_an_item_before_its_commit(held: Held) -> None:
    lines = held("committed")
    seen: set[str] = set()
    for event in events(lines):
        if event["type"] == "input_audio_buffer.committed":
            seen.add(event["item_id"])
        if event["type"].startswith(ITEM):
            assert event["item_id"] in seen


def test_what_was_not_committed_is_told_when_the_session_ends(held: Held) -> None:
    lines = held("not committed")
    assert said(lines) == LAST_SAID
    assert ended_well(lines)


def test_cleared_audio_is_never_heard(held: Held) -> None:
    lines = held("cleared")
    assert len(events(lines, "input_audio_buffer.cleared")) == 1
    assert said(lines) == LAST_SAID


def test_a_telephone_rate_is_heard(held: Held) -> None:
    lines = held("telephone")
    assert events(lines, "session.updated")[0]["session"]["sample_rate"] == 8000
    assert said(lines) == LAST_SAID


@pytest.mark.parametrize("held", [NEW], indirect=True)
def test_the_newer_place_for_the_format_is_read(held: Held) -> None:
    lines = held("studio")
    format = events(lines, "session.updated")[0]["session"]["audio"]["input"]["format"]
    assert format == {"type": "pcm", "sample_rate": 24_000}
    assert said(lines) == LAST_SAID


# ---- mistakes -------------------------------------------------------------------------------------------------------


def test_an_error_in_mid_session_names_its_cause_and_leaves_the_session_usable(held: Held) -> None:
    lines = held("mistaken")
    errors = [event["error"] for event in events(lines, "error")]
    assert [error["code"] for error in errors] == ["invalid_value", "invalid_audio", "commit_not_allowed"]
    assert errors[0]["param"] == "session.turn_detection.threshold"
    assert all(error["type"] == "invalid_request_error" and error["event_id"] for error in errors)
    assert said(lines) == LAST_SAID
    assert ended_well(lines)


def test_a_refused_key_never_opens_a_session(held: Held) -> None:
    lines = held("refused")
    assert [line["kind"] for line in named(lines, "raised")] == ["TimeoutError"]
    assert not events(lines) and not named(lines, "open")


def test_an_unknown_model_is_told_by_name_before_the_connection_is_closed(held: Held) -> None:
    lines = held("unknown")
    (event,) = events(lines, "error")
    assert (event["error"]["code"], event["error"]["param"]) == ("Model.NotExist", "model")
    assert [line["code"] for line in named(lines, "close")] == [1008]


# ---- Omni -----------------------------------------------------------------------------------------------------------

RESPONSE = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.text.delta",
    "response.text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]


def test_omni_answers_every_turn_with_what_was_said(held: Held) -> None:
    lines = held("answered")
    texts = [event["text"] for event in events(lines, "response.text.done")]
    assert [spoken([text]) for text in texts] == [FIRST_SAID, LAST_SAID]
    assert texts == [event["transcript"] for event in events(lines, ITEM + "completed")]
    assert ended_well(lines)


def test_a_response_is_complete_and_in_order(held: Held) -> None:
    lines = held("answered")
    (done,) = named(lines, "done")
    assert done["response_id"] == events(lines, "response.done")[-1]["response"]["id"]
    for finished in events(lines, "response.done"):
        id = finished["response"]["id"]
        assert finished["response"]["status"] == "completed"
        about = [event for event in events(lines) if event.get("response_id") == id]
        deltas = "".join(event["delta"] for event in about if event["type"] == "response.text.delta")
        assert deltas == finished["response"]["output"][0]["content"][0]["text"]
    assert [kind for kind in order(lines) if kind.startswith("response.")] == RESPONSE * 2


def test_the_system_prompt_is_echoed_and_answers_are_text(held: Held) -> None:
    (updated,) = events(held("answered"), "session.updated")
    assert updated["session"]["instructions"] == "Write down exactly what is said."
    assert updated["session"]["modalities"] == ["text"]


def test_omni_in_manual_mode_answers_when_asked_and_only_then(held: Held) -> None:
    lines = held("asked")
    assert [kind for kind in order(lines) if kind.startswith("response.")] == RESPONSE
    assert not [kind for kind in order(lines) if kind.startswith(ITEM)], "it was asked not to tell the transcription"
    assert spoken([event["text"] for event in events(lines, "response.text.done")]) == LAST_SAID


def test_asking_for_nothing_and_cancelling_nothing_are_errors_that_end_nothing(held: Held) -> None:
    lines = held("asked")
    errors = [event["error"]["code"] for event in events(lines, "error")]
    assert errors == ["response_without_input", "response_cancel_not_active"]
    assert ended_well(lines)


def test_a_cancelled_response_has_no_text_and_the_transcript_comes_all_the_same(held: Held) -> None:
    lines = held("cancelled")
    (done,) = events(lines, "response.done")
    assert done["response"]["status"] == "cancelled"
    assert not events(lines, "response.text.delta")
    assert said(lines) == LAST_SAID
    assert ended_well(lines)
