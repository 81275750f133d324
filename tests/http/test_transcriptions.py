"""`/v1/audio/transcriptions`: every format, and every way to be refused."""

import io
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import soundfile

from http_calls import SAID, TRANSCRIPTIONS, TWO_SENTENCES, client, events, transcribe, wav
from live_server import live

pytestmark = pytest.mark.unit

SPEECH = wav(*TWO_SENTENCES)


async def test_json_is_the_default_and_holds_text_and_seconds(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH)
    assert answer.status_code == 200
    assert answer.json() == {"text": SAID, "usage": {"type": "duration", "seconds": 4}}
    assert answer.headers["x-request-id"]


async def test_text_is_bare_text(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH, response_format="text")
    assert answer.text == SAID + "\n"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("format", ["srt", "vtt"])
async def test_subtitles_can_be_read_by_others(tmp_path: Path, format: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH, response_format=format)
    cues = pysubs2.SSAFile.from_string(answer.text, format_=format)
    assert [(cue.start, cue.text) for cue in cues] == [(0, "w41 w42"), (3000, "w43")]


async def test_verbose_json_has_segments_and_words_only_when_asked(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        segments = (await transcribe(visitor, SPEECH, response_format="verbose_json")).json()
        granularity: dict[str, Any] = {"timestamp_granularities[]": ["word"]}
        words = (await transcribe(visitor, SPEECH, response_format="verbose_json", **granularity)).json()
        granularity = {"timestamp_granularities[]": ["word", "segment"]}
        both = (await transcribe(visitor, SPEECH, response_format="verbose_json", **granularity)).json()
    assert (segments["language"], segments["duration"], segments["text"]) == ("english", 3.5, SAID)
    assert [segment["text"] for segment in segments["segments"]] == ["w41 w42", "w43"]
    assert "words" not in segments and "segments" not in words
    assert words["words"][0] == {"word": "w41", "start": 0.0, "end": 0.4}
    assert [word["word"] for word in words["words"]] == SAID.split()
    assert (both["segments"], both["words"]) == (segments["segments"], words["words"])


async def test_a_stream_tells_sentence_by_sentence_and_its_deltas_are_the_text(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH, stream="true")
    told = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["type"] for event in told] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert "".join(event["delta"] for event in told[:-1]) == told[-1]["text"] == SAID


async def test_silence_is_an_empty_text(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        plain = await transcribe(visitor, wav(1500))
        streamed = await transcribe(visitor, wav(1500), stream="true")
        subtitles = await transcribe(visitor, wav(1500), response_format="vtt")
    assert plain.json()["text"] == ""
    assert [event["type"] for event in events(streamed.text)] == ["transcript.text.done"]
    assert subtitles.text.strip() == "WEBVTT"


async def test_a_prompt_and_unknown_fields_do_no_harm(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(
            visitor, SPEECH, prompt="w41", temperature="0.2", language="en", chunking_strategy="auto", user="me"
        )
    assert answer.json()["text"] == SAID


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "no-such-model"}, 404, "model_not_found", "model"),
        ({"language": "zh"}, 400, "invalid_value", "language"),
        ({"response_format": "xml"}, 400, "invalid_value", "response_format"),
        ({"temperature": "hot"}, 400, "invalid_value", "temperature"),
        ({"stream": "true", "response_format": "srt"}, 400, "invalid_value", "stream"),
        ({"timestamp_granularities[]": ["word"]}, 400, "invalid_value", "timestamp_granularities[]"),
        ({"timestamp_granularities[]": ["x"], "response_format": "verbose_json"}, 400, "invalid_value", None),
    ],
)
async def test_a_wrong_field_is_named(
    tmp_path: Path, fields: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, SPEECH, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (status, code, "invalid_request_error")
    assert param is None or error["param"] == param
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("recording", "says"),
    [
        (b"", "empty"),
        (b"this is no audio at all", "no audio"),
        (b"\0\0\0\x18ftypM4A ", "MP4"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "header"),
        (wav("w3")[:20] + b"\xff\xff" + wav("w3")[22:], "codec"),
    ],
)
async def test_what_is_no_recording_is_refused(tmp_path: Path, recording: bytes, says: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await transcribe(visitor, recording)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/json"}, b"{}"),
        ({"content-type": "multipart/form-data"}, b"x"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"nothing of the kind"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\n\r\n--x--\r\n"),
        ({}, b""),
    ],
)
async def test_what_is_no_form_is_refused(tmp_path: Path, headers: dict[str, str], body: bytes) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(TRANSCRIPTIONS, headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_form_without_its_file_or_with_two_is_refused(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        none = await visitor.post(TRANSCRIPTIONS, data={"model": "whisper-1"}, files={"other": b"x"})
        two = await visitor.post(TRANSCRIPTIONS, files=[("file", SPEECH), ("file", SPEECH)])
    assert (none.status_code, none.json()["error"]["param"]) == (400, "file")
    assert two.status_code == 400 and "files" in two.json()["error"]["message"]


def flac(recording: bytes) -> bytes:
    samples, rate_hz = soundfile.read(io.BytesIO(recording), dtype="int16")
    coded = io.BytesIO()
    soundfile.write(coded, samples, rate_hz, format="FLAC", subtype="PCM_16")
    return coded.getvalue()


async def test_a_coded_recording_says_the_same_whatever_it_is_called(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        data = {"model": "whisper-1", "response_format": "verbose_json"}
        answer = await visitor.post(TRANSCRIPTIONS, data=data, files={"file": ("speech.mp3", flac(SPEECH))})
    assert answer.json()["text"] == SAID
    assert answer.json()["duration"] == 3.5


async def test_a_coded_recording_that_turns_out_too_long_is_refused(tmp_path: Path) -> None:
    async with live(tmp_path, max_recording_s=3) as server, client(server) as visitor:
        answer = await transcribe(visitor, flac(SPEECH))
        spoilt = await transcribe(visitor, flac(SPEECH)[:60] + bytes(4000))
        await server.at_rest()
    assert answer.status_code == 413 and "3 seconds" in answer.text
    assert spoilt.status_code == 400
