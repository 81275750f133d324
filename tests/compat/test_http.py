"""The vendors' SDKs against the HTTP doors of a running server, with the real engine."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pysubs2
import pytest
from bench.server import Server

from compat.sdks import Drive, Line, named, spoken

pytestmark = pytest.mark.compat

DASHSCOPE = ("1.25.10", "2.0.2")
OPENAI = "3.54.0"
SAID = "best of times it was the worst of times"

Talk = Callable[..., list[Line]]


@pytest.fixture(scope="module")
def talk(server: Server, drive: Drive, opening: Path) -> Talk:
    """One run of a driver per scenario and version; several claims look at the same run."""
    http, file = server.base.replace("ws://", "http://"), opening.with_suffix(".wav")

    @cache
    def run(driver: str, version: str, package: str, scenario: str, **job: Any) -> list[Line]:
        return drive(driver, version, package=package, scenario=scenario, http=http, file=file, **job)

    return run


def dashscope(talk: Talk, version: str, scenario: str, **job: Any) -> list[Line]:
    return talk("http_dashscope", version, "dashscope", scenario, **job)


def openai(talk: Talk, scenario: str) -> list[Line]:
    return talk("http_openai", OPENAI, "openai[realtime]", scenario)


def one(lines: list[Line], what: str) -> Line:
    (line,) = named(lines, what)
    return line


# ---- MultiModalConversation ---------------------------------------------------------------------------------------


def text_of(line: Line) -> str:
    choice = line["output"]["choices"][0]
    return "".join(part["text"] for part in choice["message"]["content"])


@pytest.mark.parametrize("version", DASHSCOPE)
@pytest.mark.parametrize("audio", ["path", "base64"])
def test_a_message_with_a_recording_is_answered_with_its_text(talk: Talk, version: str, audio: str) -> None:
    """A path is uploaded by the SDK first, to this server."""
    whole = one(dashscope(talk, version, "message", model="qwen3-asr-flash", audio=audio), "whole")
    assert (whole["status"], whole["code"]) == (200, "")
    assert SAID in spoken([text_of(whole)])
    assert whole["output"]["choices"][0]["message"]["annotations"][0]["emotion"] == "neutral"
    assert whole["usage"]["seconds"] == 10
    assert whole["request_id"]


@pytest.mark.parametrize("version", DASHSCOPE)
def test_a_streamed_message_grows_into_the_whole_one(talk: Talk, version: str) -> None:
    lines = dashscope(talk, version, "message", model="qwen3-asr-flash", audio="base64")
    whole = text_of(one(lines, "whole"))
    cumulative = [text_of(line) for line in named(lines, "cumulative")]
    assert cumulative[-1] == whole
    assert all(whole.startswith(text) for text in cumulative)
    assert "".join(text_of(line) for line in named(lines, "incremental")) == whole


@pytest.mark.parametrize("version", DASHSCOPE)
def test_an_unknown_model_is_told_with_status_and_code(talk: Talk, version: str) -> None:
    lines = dashscope(talk, version, "wrong message", audio="base64")
    for line in lines:
        assert (line["status"], line["code"]) == (404, "Model.NotExist")
        assert line["message"] and line["request_id"]
    assert {line["what"] for line in lines} == {"whole", "streamed"}


# ---- Transcription ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", DASHSCOPE)
def test_an_uploaded_file_is_transcribed_in_the_background(talk: Talk, version: str) -> None:
    lines = dashscope(talk, version, "files", model="fun-asr", audio="path")
    called, submitted, waited = one(lines, "called"), one(lines, "submitted"), one(lines, "waited")
    assert submitted["output"]["task_status"] == "PENDING"
    assert waited["output"]["task_status"] == called["output"]["task_status"] == "SUCCEEDED"
    assert one(lines, "fetched")["output"] == waited["output"]
    good, bad = called["output"]["results"]
    assert good["subtask_status"] == "SUCCEEDED"
    assert (bad["subtask_status"], bad["code"]) == ("FAILED", "REQUEST_INVALID_FILE_URL_VALUE")
    assert waited["usage"] == {"duration": 10}
    result = one(lines, "result")["result"]
    assert SAID in spoken([result["transcripts"][0]["text"]])
    assert result["properties"]["original_duration_in_milliseconds"] == 10_000


@pytest.mark.parametrize("version", DASHSCOPE)
def test_what_cannot_be_done_with_a_task_is_told(talk: Talk, version: str) -> None:
    lines = dashscope(talk, version, "files", model="fun-asr", audio="path")
    refused = one(lines, "cancel refused")
    assert (refused["status"], refused["code"]) == (400, "UnsupportedOperation")
    assert one(lines, "unknown")["output"]["task_status"] == "UNKNOWN"
    wrong = dashscope(talk, version, "wrong files", model="fun-asr")
    assert (one(wrong, "model")["status"], one(wrong, "model")["code"]) == (404, "Model.NotExist")
    assert (one(wrong, "key")["status"], one(wrong, "key")["code"]) == (401, "InvalidApiKey")


# ---- openai -------------------------------------------------------------------------------------------------------


def test_every_response_format_is_understood(talk: Talk) -> None:
    lines = openai(talk, "transcriptions")
    assert [one(lines, format)["kind"] for format in ("json", "verbose_json")] == [
        "Transcription",
        "TranscriptionVerbose",
    ]
    text = one(lines, "json")["answer"]["text"]
    assert SAID in spoken([text])
    assert one(lines, "text")["answer"].strip() == text
    for format in ("srt", "vtt"):
        cues = pysubs2.SSAFile.from_string(one(lines, format)["answer"], format_=format)
        assert spoken([cue.plaintext for cue in cues]) == spoken([text])


def test_verbose_json_has_the_fields_that_the_library_declares(talk: Talk) -> None:
    lines = openai(talk, "transcriptions")
    verbose, words = one(lines, "verbose_json")["answer"], one(lines, "words")["answer"]
    assert verbose["duration"] == pytest.approx(10, abs=0.1) and verbose["language"] == "english"
    assert verbose["words"] is None
    for segment in words["segments"]:
        assert all(value is not None for value in segment.values())
    assert spoken([word["word"] for word in words["words"]]) == spoken([words["text"]])
    starts = [word["start"] for word in words["words"]]
    assert starts == sorted(starts)


def test_streamed_deltas_joined_are_the_text(talk: Talk) -> None:
    lines = openai(talk, "transcriptions")
    events = named(lines, "event")
    assert {line["kind"] for line in events} == {"TranscriptionTextDeltaEvent", "TranscriptionTextDoneEvent"}
    deltas = "".join(line["answer"]["delta"] for line in events[:-1])
    assert deltas == events[-1]["answer"]["text"] == one(lines, "json")["answer"]["text"]


def test_errors_are_raised_as_the_librarys_own(talk: Talk) -> None:
    lines = openai(talk, "transcriptions")
    assert [line["param"] for line in named(lines, "refused")] == ["stream", "timestamp_granularities[]"]
    assert all(line["request_id"] and line["message"] for line in named(lines, "refused"))
    assert one(lines, "key")["code"] == "invalid_api_key"


def test_a_chat_completion_holds_the_transcript(talk: Talk) -> None:
    lines = openai(talk, "chat")
    answer = one(lines, "whole")["answer"]
    message = answer["choices"][0]["message"]
    assert SAID in spoken([message["content"]])
    assert message["annotations"][0]["language"] == "en"
    assert answer["usage"]["prompt_tokens_details"]["audio_tokens"] == 250


def test_a_streamed_chat_completion_joins_to_the_whole_one(talk: Talk) -> None:
    lines = openai(talk, "chat")
    chunks = [line["answer"] for line in named(lines, "chunk")]
    joined = "".join(choice["delta"]["content"] or "" for chunk in chunks for choice in chunk["choices"])
    assert joined == one(lines, "whole")["answer"]["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"]["total_tokens"] == one(lines, "whole")["answer"]["usage"]["total_tokens"]


def test_an_unknown_model_of_a_chat_is_not_found(talk: Talk) -> None:
    lines = openai(talk, "chat")
    refused = one(lines, "refused")
    assert (refused["code"], refused["param"]) == ("model_not_found", "model")
    assert "qwen3-asr-flash" in one(lines, "models")["ids"]
