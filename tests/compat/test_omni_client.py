"""Sessions of the 2.x client: typed, strict about how they end, and with the newer models' place for settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.server import Server

from compat.beckett import LAST_SAID
from compat.sdks import Drive, Line, named, spoken
from compat.talks import COMMITTED, DETECTED, ITEM, ways

pytestmark = pytest.mark.compat

VERSION = "2.0.2"
ASR, OMNI, NEWEST = "qwen3-asr-flash-realtime", "qwen3-omni-flash-realtime", "qwen3.8-omni-flash-realtime"
TEXT: dict[str, Any] = {"output_modalities": ["text"]}
MANUAL = TEXT | {"enable_turn_detection": False}
RATE = {"input_audio_config": {"type": "pcm", "sample_rate": 16_000}}
PARAMS = {"transcription_params": {"language": "en", "sample_rate": 16_000, "corpus_text": "Worstward Ho"}}
SESSIONS = (
    ("detected", ASR, TEXT | PARAMS, [], ["end_session"]),
    ("committed", ASR, MANUAL | PARAMS, [], ["commit", "end_session"]),
    ("mistaken", ASR, TEXT | PARAMS, ["commit"], ["end_session"]),
    ("answered", OMNI, MANUAL, [], ["commit", "create_response", "end_session"]),
    ("newest", NEWEST, MANUAL | RATE, [], ["commit", "create_response", "end_session"]),
)
"""Name, model, settings, what is called before the audio and after it."""

Held = Callable[[str], list[Line]]


@pytest.fixture(scope="module")
def held(drive: Drive, server: Server, ending: Path) -> Held:
    """`held("detected")` -> the lines of that session."""
    jobs = [dict(zip(("name", "model", "settings", "before", "after"), session, strict=True)) for session in SESSIONS]
    url = server.url.replace("/inference", "/realtime")
    lines = drive("omni_client", VERSION, url=url, file=ending, sessions=jobs)
    return lambda name: [line for line in lines if line["session"] == name]


def events(lines: list[Line], kind: str = "") -> list[dict[str, Any]]:
    return [line["body"] for line in named(lines, "event") if line["type"].startswith(kind)]


@pytest.mark.parametrize(("name", "way"), [("detected", DETECTED), ("committed", COMMITTED)])
def test_a_recognisers_session_tells_its_item_and_ends_as_the_client_demands(
    held: Held, name: str, way: list[str]
) -> None:
    """The client raises where a connection is closed before the end was told."""
    lines = held(name)
    assert not named(lines, "raised")
    assert ways(events(lines)) == [way]
    (completed,) = events(lines, ITEM + "completed")
    assert spoken([completed["transcript"]]) == LAST_SAID
    (done,) = named(lines, "done")
    assert done["session_id"] == events(lines)[0]["session"]["id"]


def test_an_error_is_raised_by_its_code_and_can_be_recovered_from(held: Held) -> None:
    lines = held("mistaken")
    assert [line["code"] for line in named(lines, "raised")] == ["commit_not_allowed"]
    (completed,) = events(lines, ITEM + "completed")
    assert spoken([completed["transcript"]]) == LAST_SAID
    assert events(lines)[-1]["type"] == "session.finished"


@pytest.mark.parametrize("name", ["answered", "newest"])
def test_a_response_that_was_asked_for_is_done_before_the_session_ends(held: Held, name: str) -> None:
    """The client raises where a response is still open then."""
    lines = held(name)
    assert not named(lines, "raised")
    (text,) = events(lines, "response.text.done")
    assert spoken([text["text"]]) == LAST_SAID
    assert [event["type"] for event in events(lines)][-2:] == ["response.done", "session.finished"]
    assert named(lines, "done")[0]["first_text_ms"] >= 0
