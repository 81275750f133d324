"""Drives the HTTP side of `openai` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds one version of the SDK and nothing of this project.
In: one JSON object on the command line: scenario, http, key, file (wav).
"""

import base64
import json
import sys
from pathlib import Path

import openai


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


def plain(value):
    return value if isinstance(value, str) else value.model_dump()


def transcriptions(job):
    client = openai.OpenAI(api_key=job["key"], base_url=job["http"] + "/v1", max_retries=0)

    def create(**options):
        with Path(job["file"]).open("rb") as file:
            return client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, language="en", **options)

    for format in ("json", "text", "srt", "vtt", "verbose_json"):
        say(format, kind=type(create(response_format=format)).__name__, answer=plain(create(response_format=format)))
    words = create(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    say("words", answer=plain(words))
    for event in create(stream=True):
        say("event", kind=type(event).__name__, answer=plain(event))
    for wrong in ({"response_format": "verbose_json", "stream": True}, {"timestamp_granularities": ["word"]}):
        try:
            create(**wrong)
        except openai.BadRequestError as error:
            say("refused", code=error.code, param=error.param, message=error.message, request_id=error.request_id)
    try:
        openai.OpenAI(api_key="sk-wrong", base_url=job["http"] + "/v1", max_retries=0).models.list()
        client.with_options(api_key="sk-wrong").audio.transcriptions.create(model="x", file=b"x")
    except openai.AuthenticationError as error:
        say("key", code=error.code)


def chat(job):
    client = openai.OpenAI(api_key=job["key"], base_url=job["http"] + "/compatible-mode/v1", max_retries=0)
    data = base64.b64encode(Path(job["file"]).read_bytes()).decode()

    def create(model="qwen3-asr-flash", **options):
        audio = {"data": f"data:audio/wav;base64,{data}", "format": "wav"}
        messages = [
            {"role": "system", "content": [{"type": "text", "text": "A novel by Dickens."}]},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]},
        ]
        extra = {"asr_options": {"language": "en", "enable_itn": False}}
        return client.chat.completions.create(model=model, messages=messages, extra_body=extra, **options)

    say("whole", answer=plain(create()))
    for chunk in create(stream=True, stream_options={"include_usage": True}, modalities=["text"]):
        say("chunk", kind=type(chunk).__name__, answer=plain(chunk))
    try:
        create(model="no-such-model")
    except openai.NotFoundError as error:
        say("refused", code=error.code, param=error.param, message=error.message, request_id=error.request_id)
    say("models", ids=[model.id for model in client.models.list()])


def main():
    job = json.loads(sys.argv[1])
    {"transcriptions": transcriptions, "chat": chat}[job["scenario"]](job)


if __name__ == "__main__":
    main()
