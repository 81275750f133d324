"""`/compatible-mode/v1/chat/completions`: recordings inside messages, in OpenAI's shape."""

from pathlib import Path
from typing import Any

import pytest

from http_calls import CHAT, SAID, TWO_SENTENCES, base64_wav, chat, client, events, upload, wav
from live_server import live

pytestmark = pytest.mark.unit

SPEECH = base64_wav(*TWO_SENTENCES)
IN_LINES = "\n".join(SPEECH[at : at + 76] for at in range(0, len(SPEECH), 76))


@pytest.mark.parametrize(
    "audio", [SPEECH, f"data:audio/wav;base64,{SPEECH}", f"data:;base64,{SPEECH}", IN_LINES], ids=lambda text: text[:24]
)
async def test_audio_may_be_a_data_uri_or_bare_base64(tmp_path: Path, audio: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = (await visitor.post(CHAT, json=chat(audio))).json()
    choice = answer["choices"][0]
    assert (choice["message"]["role"], choice["message"]["content"]) == ("assistant", SAID)
    assert choice["message"]["annotations"] == [{"type": "audio_info", "language": "en", "emotion": "neutral"}]
    assert (choice["finish_reason"], answer["object"]) == ("stop", "chat.completion")


async def test_the_template_of_a_system_prompt_and_one_recording_is_taken_whole(tmp_path: Path) -> None:
    body = chat(SPEECH, asr_options={"language": "en", "enable_itn": False, "enable_lid": True}, modalities=["text"])
    body["messages"].insert(0, {"role": "system", "content": [{"type": "text", "text": "Write what is said."}]})
    body["messages"][1]["content"].append({"type": "text", "text": "Transcribe the audio."})
    async with live(tmp_path) as server, client(server) as visitor:
        answer = (await visitor.post(CHAT, json=body)).json()
    assert answer["choices"][0]["message"]["content"] == SAID
    usage = answer["usage"]
    assert usage["prompt_tokens_details"] == {"audio_tokens": 88, "text_tokens": 4}
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert (usage["prompt_tokens"], usage["seconds"]) == (92, 4)


async def test_content_may_be_a_plain_string_in_other_messages(tmp_path: Path) -> None:
    body = chat(SPEECH)
    body["messages"] = [{"role": "system", "content": "Context."}, *body["messages"], {"role": "user", "content": None}]
    async with live(tmp_path) as server, client(server) as visitor:
        assert (await visitor.post(CHAT, json=body)).json()["choices"][0]["message"]["content"] == SAID


@pytest.mark.parametrize("with_usage", [True, False])
async def test_a_stream_ends_with_the_reason_the_usage_and_done(tmp_path: Path, with_usage: bool) -> None:
    body = chat(SPEECH, stream=True, stream_options={"include_usage": with_usage})
    async with live(tmp_path) as server, client(server) as visitor:
        text = (await visitor.post(CHAT, json=body)).text
    chunks = events(text)
    deltas = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert "".join(choice["delta"]["content"] for choice in deltas) == SAID
    assert deltas[0]["delta"]["role"] == "assistant"
    assert [choice["finish_reason"] for choice in deltas] == [None, None, "stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert text.endswith("data: [DONE]\n\n")
    if with_usage:
        assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["seconds"] == 4
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert not any("usage" in chunk for chunk in chunks)


async def test_silence_is_an_empty_answer(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        whole = (await visitor.post(CHAT, json=chat(base64_wav(1000)))).json()
        (last,) = events((await visitor.post(CHAT, json=chat(base64_wav(1000), stream=True))).text)
    assert whole["choices"][0]["message"]["content"] == ""
    assert last["choices"][0]["delta"]["role"] == "assistant"


async def test_an_uploaded_recording_is_found_by_its_address(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        answer = (await visitor.post(CHAT, json=chat(address))).json()
    assert answer["choices"][0]["message"]["content"] == SAID


def without_audio(**changes: Any) -> dict[str, Any]:
    return {"model": "qwen3-asr-flash", "messages": [{"role": "user", "content": "hello"}], **changes}


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (without_audio(), 400, "invalid_value", "messages"),
        (without_audio(messages=[]), 400, "invalid_value", "messages"),
        (without_audio(messages="x"), 400, "invalid_value", "messages"),
        ({"messages": []}, 400, "invalid_value", "messages"),
        (chat("@@@@"), 400, "invalid_audio", None),
        (chat("x"), 400, "invalid_audio", None),
        (chat(""), 400, "invalid_value", None),
        (chat(SPEECH[:80_000] + "@@@@" + SPEECH[80_004:]), 400, "invalid_audio", None),
        (chat("https://example.org/speech.wav"), 400, "InvalidURL", None),
        (chat("file:///etc/hostname"), 400, "InvalidURL", None),
        (chat(SPEECH, model="no-such-model"), 404, "model_not_found", "model"),
        (chat(SPEECH, asr_options={"language": "zh"}), 400, "invalid_value", "asr_options.language"),
        (chat(SPEECH, stream="yes"), 400, "invalid_value", "stream"),
    ],
)
async def test_what_is_wrong_is_told_in_openais_shape(
    tmp_path: Path, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(CHAT, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert param is None or error["param"] == param
    assert set(error) == {"message", "type", "param", "code"}


async def test_two_recordings_in_one_request_are_refused(tmp_path: Path) -> None:
    body = chat(SPEECH)
    body["messages"] *= 2
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(CHAT, json=body)
    assert answer.status_code == 400 and "found 2" in answer.json()["error"]["message"]


async def test_audio_that_turns_out_bad_in_mid_stream_is_told_as_an_event(tmp_path: Path) -> None:
    speech = base64_wav("w41 w42", 3000, *["w43", 2000] * 40)
    spoilt = speech[:-400] + "@@@@" + speech[-396:]
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(CHAT, json=chat(spoilt, stream=True))
    told = events(answer.text)
    assert answer.status_code == 200
    assert told[0]["choices"][0]["delta"]["content"] == "w41 w42"
    assert told[-1]["error"]["code"] == "invalid_audio"
    assert "[DONE]" not in answer.text
