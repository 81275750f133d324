"""The native door for recordings inside messages."""

from pathlib import Path
from typing import Any

import pytest

from http_calls import GENERATION, SAID, TWO_SENTENCES, base64_wav, client, events, generation
from live_server import live

pytestmark = pytest.mark.unit

SPEECH = base64_wav(*TWO_SENTENCES)
SSE = {"X-DashScope-SSE": "enable"}


def text_of(answer: dict[str, Any]) -> str:
    content: list[dict[str, str]] = answer["output"]["choices"][0]["message"]["content"]
    return "".join(part["text"] for part in content)


async def test_the_answer_is_a_message_with_the_transcript(tmp_path: Path) -> None:
    body = generation(f"data:audio/wav;base64,{SPEECH}", asr_options={"language": "en"}, result_format="message")
    body["input"]["messages"].insert(0, {"role": "system", "content": [{"text": "Context"}]})
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(GENERATION, json=body)
    told = answer.json()
    assert text_of(told) == SAID
    assert told["output"]["choices"][0]["finish_reason"] == "stop"
    assert told["output"]["choices"][0]["message"]["annotations"][0]["language"] == "en"
    assert told["usage"] == {
        "input_tokens_details": {"text_tokens": 2},
        "output_tokens_details": {"text_tokens": 3},
        "seconds": 4,
    }
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_events_hold_the_whole_text_so_far(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server, headers=SSE) as visitor:
        answer = await visitor.post(GENERATION, json=generation(SPEECH))
    assert [text_of(event) for event in events(answer.text)] == ["w41 w42", SAID, SAID]
    assert answer.text.startswith("id:1\nevent:result\n:HTTP_STATUS/200\ndata:")
    reasons = [event["output"]["choices"][0]["finish_reason"] for event in events(answer.text)]
    assert reasons == ["null", "null", "stop"]


async def test_incremental_events_joined_are_the_text(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server, headers=SSE) as visitor:
        answer = await visitor.post(GENERATION, json=generation(SPEECH, incremental_output=True))
    assert "".join(text_of(event) for event in events(answer.text)) == SAID


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        (generation("@@@@"), 400, "InvalidParameter", "base64"),
        (generation("http://127.0.0.1/speech.wav"), 400, "InvalidURL", "host"),
        (generation("oss://stenowire/other/speech.wav"), 400, "InvalidURL", "no such"),
        (generation(SPEECH) | {"model": "no-such-model"}, 404, "Model.NotExist", "exist"),
        (
            generation(SPEECH, asr_options={"language": "zh"}),
            400,
            "InvalidParameter",
            "parameters.asr_options.language",
        ),
        (generation(SPEECH) | {"input": {}}, 400, "InvalidParameter", "input.messages"),
        (
            generation(SPEECH) | {"input": {"messages": [{"role": "user", "content": "x"}]}},
            400,
            "InvalidParameter",
            "0",
        ),
    ],
)
async def test_what_is_wrong_is_told_in_the_native_shape(
    tmp_path: Path, body: dict[str, Any], status: int, code: str, says: str
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        plain = await visitor.post(GENERATION, json=body)
        streamed = await visitor.post(GENERATION, json=body, headers=SSE)
    for answer in (plain, streamed):
        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code)
        assert says in told["message"]
        assert told["request_id"] == answer.headers["x-request-id"]


async def test_audio_that_turns_out_bad_in_mid_stream_is_told_as_an_error_event(tmp_path: Path) -> None:
    speech = base64_wav("w41 w42", 3000, *["w43", 2000] * 40)
    async with live(tmp_path) as server, client(server, headers=SSE) as visitor:
        answer = await visitor.post(GENERATION, json=generation(speech[:-400] + "@@@@" + speech[-396:]))
    last = answer.text.rstrip().rpartition("\n\n")[2]
    assert last.splitlines()[:4] == ["id:0", "event:error", ":HTTP_STATUS/400", "status:400"]
    assert events(last)[0]["code"] == "InvalidParameter"
