"""`Recognition` of the vendor's SDK, in three generations, sees from this server what it is written for."""

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from compat.sdks import Drive, Line, named, order, spoken, write_audio

pytestmark = pytest.mark.compat

VERSIONS = ("1.25.10", "1.27.8", "2.0.2")
WITH_CONTEXT = ("1.27.8", "2.0.2")
SAID = "best of times it was the worst of times"

Streamed = Callable[[str], list[Line]]

every_version = pytest.mark.parametrize("version", VERSIONS)


@every_version
def test_a_stream_opens_tells_events_completes_and_closes(streamed: Streamed, version: str) -> None:
    lines = streamed(version)
    assert order(lines) == ["open", "event", "complete", "close", "done"]


@every_version
def test_the_finals_of_a_stream_hold_what_was_said(streamed: Streamed, version: str) -> None:
    lines = streamed(version)
    finals = [line["sentence"] for line in named(lines, "event") if line["end"]]
    assert SAID in spoken([sentence["text"] for sentence in finals])
    assert [sentence["sentence_id"] for sentence in finals] == list(range(1, len(finals) + 1))


@every_version
def test_interims_grow_into_the_final_of_their_sentence(streamed: Streamed, version: str) -> None:
    lines = streamed(version)
    events = named(lines, "event")
    interims = [line for line in events if not line["end"]]
    assert interims
    assert all(line["sentence"]["end_time"] is None and line["usage"] is None for line in interims)
    for _, group in groupby(events, key=lambda line: line["sentence"]["sentence_id"]):
        assert [line["end"] for line in group][-1] is True


@every_version
def test_a_final_carries_times_words_and_usage(streamed: Streamed, version: str) -> None:
    lines = streamed(version)
    final = next(line for line in named(lines, "event") if line["end"])
    sentence = final["sentence"]
    assert 0 <= sentence["begin_time"] < sentence["end_time"] <= 10_000
    assert isinstance(final["usage"]["duration"], int)
    joined = "".join(word["text"] + word["punctuation"] for word in sentence["words"])
    assert joined.strip() == sentence["text"].strip()
    assert all(word["fixed"] for word in sentence["words"])


@every_version
def test_the_request_id_and_the_delays_are_there_for_the_caller(streamed: Streamed, version: str) -> None:
    lines = streamed(version)
    (done,) = named(lines, "done")
    assert {line["request_id"] for line in named(lines, "event")} == {done["last_request_id"]}
    assert done["first_package_ms"] > 0
    assert done["last_package_ms"] > 0


@every_version
def test_a_whole_file_uploaded_at_once_gives_its_sentences(drive: Drive, opening: Path, version: str) -> None:
    (result,) = drive("recognition", version, scenario="call", file=opening.with_suffix(".wav"), format="wav")
    assert result["status"] == 200
    assert SAID in spoken([sentence["text"] for sentence in result["sentences"]])
    assert all(usage["duration"] > 0 for usage in result["usages"])
    assert len(result["request_id"]) == 32


@every_version
def test_one_object_can_be_started_again(drive: Drive, opening: Path, version: str) -> None:
    """It sends its former task id, on a new connection."""
    lines = drive("recognition", version, scenario="stream", file=opening, format="pcm", starts=2)
    assert order(lines) == ["open", "event", "complete", "close", "done"] * 2
    first, second = named(lines, "done")
    assert first["last_request_id"] == second["last_request_id"]


@every_version
def test_a_wrong_key_is_told_as_401(drive: Drive, opening: Path, version: str) -> None:
    lines = drive("recognition", version, scenario="stream", file=opening, format="pcm", key="sk-wrong")
    (error,) = named(lines, "error")
    assert error["status"] == 401
    assert not named(lines, "event") and not named(lines, "complete")
    assert named(lines, "close")


@every_version
def test_an_unknown_model_fails_the_task_by_name(drive: Drive, opening: Path, version: str) -> None:
    lines = drive("recognition", version, scenario="stream", file=opening, format="pcm", model="no-such-model")
    (error,) = named(lines, "error")
    assert (error["status"], error["code"]) == (44, "Model.NotExist")
    assert error["message"]
    assert len(error["request_id"]) == 32
    assert not named(lines, "complete")


@every_version
def test_a_task_that_fails_on_its_way_is_told_with_code_and_message(drive: Drive, tmp_path: Path, version: str) -> None:
    """The header promises a rate that no speech has: it is found out after task-started."""
    header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\1\0\0\0\2\0\0\0\2\0\x10\0data\xff\xff\xff\xff"
    lying = tmp_path / "lying.wav"
    lying.write_bytes(header + bytes(64_000))
    (result,) = drive("recognition", version, scenario="call", file=lying, format="wav")
    assert result["status"] == 44
    assert result["code"] in ("InvalidParameter", "UNSUPPORTED_FORMAT")
    assert result["message"]


@every_version
def test_keep_alive_results_never_reach_the_caller(drive: Drive, tmp_path: Path, version: str) -> None:
    silence = write_audio(tmp_path / "silence.pcm", np.zeros(25 * 16_000, np.float32))
    lines = drive("recognition", version, scenario="stream", file=silence, format="pcm", parameters={"heartbeat": True})
    assert named(lines, "heartbeat"), "the server sent no keep-alive result"
    assert not named(lines, "event")
    assert order([line for line in lines if line["what"] != "heartbeat"]) == ["open", "complete", "close", "done"]


@pytest.mark.parametrize("version", WITH_CONTEXT)
def test_new_context_in_mid_stream_gives_no_event_and_loses_nothing(drive: Drive, opening: Path, version: str) -> None:
    context = {"context": [{"role": "user", "content": [{"type": "input_text", "text": "Dickens, Paris, London"}]}]}
    lines = drive("recognition", version, scenario="stream", file=opening, format="pcm", context=context)
    assert order(lines) == ["open", "event", "complete", "close", "done"]
    finals = [line["sentence"] for line in named(lines, "event") if line["end"]]
    assert SAID in spoken([sentence["text"] for sentence in finals])
