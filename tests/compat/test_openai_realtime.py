"""The realtime client of `openai`, in its present and its older generation, transcribes with this server."""

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from bench.server import Server

from compat.sdks import Drive, Line, named, spoken
from stenowire.types import SESSION_RATE_HZ, Samples

pytestmark = pytest.mark.compat

GA, BETA = "3.54.0", "1.78.0"
SAID = "best of times it was the worst of times"
ITEM = "conversation.item.input_audio_transcription."
ADDED = {"created", "id", "session.expires_at", "session.id", "session.object"}
INTENT: dict[str, Any] = {"extra_query": {"intent": "transcription"}}
DETECTED = {
    "type": "transcription",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "A novel by Dickens"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 600},
        }
    },
    "include": ["item.input_audio_transcription.logprobs"],
}


def manual(format: str) -> dict[str, Any]:
    input = {"format": {"type": format}, "transcription": {"model": "whisper-1"}, "turn_detection": None}
    return {"type": "transcription", "audio": {"input": input}}


@pytest.fixture(scope="session")
def audio(two_cities: Samples, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first ten seconds of the novel and a pause, by media type: bare samples as each format has them."""
    folder = tmp_path_factory.mktemp("openai")
    opening = np.concatenate([two_cities[: 10 * SESSION_RATE_HZ], np.zeros(SESSION_RATE_HZ, np.float32)])
    ways = {"audio/pcm": ("PCM_16", 24_000), "audio/pcmu": ("ULAW", 8_000), "audio/pcma": ("ALAW", 8_000)}
    paths = {}
    for name, (subtype, rate_hz) in ways.items():
        paths[name] = folder / f"{subtype}.raw"
        samples = soxr.resample(opening, SESSION_RATE_HZ, rate_hz)
        soundfile.write(paths[name], samples, rate_hz, format="RAW", subtype=subtype, endian="LITTLE")
    return paths


@pytest.fixture(scope="session")
def transcribe(drive: Drive, server: Server, audio: dict[str, Path]) -> Drive:
    """`transcribe(GA, door, connect=..., updates=...)` -> what the caller saw. Frames of an odd length, unless told."""
    host = server.url.removeprefix("ws://").partition("/")[0]

    def run(version: str, door: str = "/v1", format: str = "audio/pcm", **job: Any) -> list[Line]:
        defaults = {
            "base_url": f"http://{host}{door}",
            "connect": INTENT,
            "updates": [],
            "file": audio[format],
            "frame_bytes": 4801,
        }
        return drive("openai_realtime", version, "openai[realtime]", **(defaults | job))

    return run


@pytest.fixture(scope="session")
def detected(transcribe: Drive) -> Drive:
    """One plain run with voice detection by each way to arrive; several claims look at the same run."""

    @cache
    def run(door: str, model: str | None) -> list[Line]:
        return transcribe(GA, door, connect={"model": model} if model else INTENT, updates=[DETECTED])

    return run


def events(lines: list[Line], kind: str = "") -> list[dict[str, Any]]:
    assert [line for line in lines if line["what"] == "raised"] == []
    return [line["body"] for line in named(lines, "event") if line["body"]["type"].startswith(kind)]


def transcript(lines: list[Line]) -> str:
    return spoken([event["transcript"] for event in events(lines, ITEM + "completed")])


ways = pytest.mark.parametrize(
    ("door", "model"),
    [
        ("/v1", None),
        ("/v1", "gpt-4o-transcribe"),
        ("/api-ws/v1", None),
        ("/api-ws/v1", "qwen3-asr-flash-realtime"),
        ("/api-ws/v1", "gpt-realtime"),
    ],
)


@ways
def test_what_is_said_is_transcribed_by_every_way_to_arrive(detected: Drive, door: str, model: str | None) -> None:
    lines = detected(door, model)
    assert SAID in transcript(lines)
    assert named(lines, "done")


@ways
def test_every_event_is_one_that_the_library_has_a_type_for(detected: Drive, door: str, model: str | None) -> None:
    heard = named(detected(door, model), "event")
    first = heard[0]
    announced_for_qwen = (door, model is not None) == ("/api-ws/v1", True)
    assert [(line["body"]["type"], line["wrong"]) for line in heard[announced_for_qwen:] if line["wrong"]] == []
    assert {name for line in heard[announced_for_qwen:] for name in line["unknown"]} <= ADDED
    assert first["body"]["type"] == "session.created" and first["body"]["session"]["id"]


@ways
def test_deltas_join_to_their_transcript(detected: Drive, door: str, model: str | None) -> None:
    lines = detected(door, model)
    deltas = events(lines, ITEM + "delta")
    answers = events(lines, ITEM + "completed")
    assert len(deltas) > len(answers), "words are told while they settle"
    for event in answers:
        told = "".join(delta["delta"] for delta in deltas if delta["item_id"] == event["item_id"])
        assert told == event["transcript"] or not event["transcript"].startswith(told)


def test_items_follow_one_another_and_each_is_answered_once(detected: Drive) -> None:
    lines = detected("/v1", None)
    committed = events(lines, "input_audio_buffer.committed")
    ids = [event["item_id"] for event in committed]
    assert [event["previous_item_id"] for event in committed] == [None, *ids[:-1]]
    assert [event["item_id"] for event in events(lines, ITEM + "completed")] == ids
    kinds = [kind for kind, _ in groupby(event["type"] for event in events(lines)) if kind != ITEM + "delta"]
    after = kinds.index("input_audio_buffer.committed")
    assert kinds[after - 1 : after + 3] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]


def test_usage_and_log_probabilities_come_with_the_transcript(detected: Drive) -> None:
    for event in events(detected("/v1", None), ITEM + "completed"):
        assert event["usage"]["type"] == "duration" and 0 < event["usage"]["seconds"] <= 11
        assert "".join(entry["token"] for entry in event["logprobs"]) == event["transcript"]
        assert all(entry["logprob"] <= 0 for entry in event["logprobs"])


def test_what_is_in_force_is_echoed(detected: Drive) -> None:
    (updated,) = events(detected("/v1", None), "session.updated")
    input = updated["session"]["audio"]["input"]
    assert input["transcription"] == DETECTED["audio"]["input"]["transcription"]
    assert input["turn_detection"]["silence_duration_ms"] == 600


@pytest.mark.parametrize("format", ["audio/pcm", "audio/pcmu", "audio/pcma"])
def test_a_client_that_commits_gets_one_transcript_in_every_format(transcribe: Drive, format: str) -> None:
    lines = transcribe(GA, format=format, updates=[manual(format)], commit=True)
    (completed,) = events(lines, ITEM + "completed")
    assert SAID in spoken([completed["transcript"]])
    assert completed["usage"]["seconds"] == pytest.approx(11, abs=0.01)
    assert events(lines, "input_audio_buffer.speech_started") == []


def test_sentences_end_by_their_meaning_where_that_is_asked_for(transcribe: Drive) -> None:
    session = {"type": "transcription", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
    lines = transcribe(GA, updates=[session], commit=True)
    assert SAID in transcript(lines)


def test_a_bad_update_is_an_error_and_the_session_goes_on(transcribe: Drive) -> None:
    wrong = {"type": "transcription", "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}}}
    nameless = {"type": "transcription", "audio": {"input": {"transcription": {"model": "no-such-model"}}}}
    lines = transcribe(GA, updates=[wrong, nameless, manual("audio/pcm")], commit=True)
    bad, unknown = (event["error"] for event in events(lines, "error"))
    assert (bad["code"], bad["param"]) == ("invalid_value", "session.audio.input.turn_detection.threshold")
    assert (unknown["code"], unknown["param"]) == ("model_not_found", "session.audio.input.transcription.model")
    assert SAID in transcript(lines)


def test_a_wrong_key_is_refused_at_the_door(transcribe: Drive) -> None:
    (raised,) = transcribe(GA, key="sk-wrong")
    assert raised["what"] == "raised" and "401" in raised["message"]


@pytest.mark.parametrize("door", ["/v1", "/api-ws/v1"])
def test_the_older_generation_of_the_client_is_told_in_its_own_names(transcribe: Drive, door: str) -> None:
    session = {
        "input_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "en"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 600},
    }
    connect = {"model": "gpt-4o-transcribe", **INTENT}
    lines = transcribe(BETA, door, connect=connect, updates=[session], beta=True)
    kinds = [event["type"] for event in events(lines)]
    assert kinds[:2] == ["transcription_session.created", "transcription_session.updated"]
    assert "conversation.item.created" in kinds and "conversation.item.added" not in kinds
    assert SAID in transcript(lines)
