"""Drives the HTTP side of `dashscope` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds one version of the SDK and nothing of this project.
In: one JSON object on the command line: scenario, http, key, model, file (wav), audio ("path" or "base64").
"""

import base64
import json
import sys
import urllib.request
from pathlib import Path

import dashscope
from dashscope.audio.asr import Transcription
from dashscope.utils.oss_utils import OssUtils


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


def plain(value):
    return json.loads(json.dumps(value, default=dict)) if value is not None else None


def outcome(response):
    return {
        "status": int(response.status_code),
        "code": response.code,
        "message": response.message,
        "request_id": response.request_id,
        "output": plain(response.output),
        "usage": plain(response.usage),
    }


def messages(job):
    if job["audio"] == "path":
        audio = f"file://{job['file']}"
    else:
        audio = "data:audio/wav;base64," + base64.b64encode(Path(job["file"]).read_bytes()).decode()
    return [
        {"role": "system", "content": [{"text": "A novel by Dickens."}]},
        {"role": "user", "content": [{"audio": audio}]},
    ]


def message(job):
    call = dashscope.MultiModalConversation.call
    options = {"asr_options": {"language": "en", "enable_itn": False}, "result_format": "message"}
    say("whole", **outcome(call(model=job["model"], messages=messages(job), **options)))
    for what, incremental in (("cumulative", False), ("incremental", True)):
        options |= {"stream": True, "incremental_output": incremental}
        for response in call(model=job["model"], messages=messages(job), **options):
            say(what, **outcome(response))


def wrong_message(job):
    say("whole", **outcome(dashscope.MultiModalConversation.call(model="no-such-model", messages=messages(job))))
    stream = dashscope.MultiModalConversation.call(model="no-such-model", messages=messages(job), stream=True)
    for response in stream:
        say("streamed", **outcome(response))


def files(job):
    uploaded = OssUtils.upload(model=job["model"], file_path=job["file"], api_key=job["key"])
    url = uploaded[0] if isinstance(uploaded, tuple) else uploaded
    parameters = {"language_hints": ["en"]}
    say("called", **outcome(Transcription.call(job["model"], [url, "file:///etc/hostname"], **parameters)))
    task = Transcription.async_call(job["model"], [url], **parameters)
    say("submitted", **outcome(task))
    done = Transcription.wait(task)
    say("waited", **outcome(done))
    say("fetched", **outcome(Transcription.fetch(task)))
    with urllib.request.urlopen(done.output["results"][0]["transcription_url"]) as result:
        say("result", result=json.load(result))
    say("cancel refused", **outcome(Transcription.cancel(task)))
    say("unknown", **outcome(Transcription.fetch("no-such-task")))


def wrong_files(job):
    say("model", **outcome(Transcription.async_call("no-such-model", ["oss://x"])))
    dashscope.api_key = "sk-wrong"
    say("key", **outcome(Transcription.async_call(job["model"], ["oss://x"])))


def main():
    job = json.loads(sys.argv[1])
    dashscope.api_key = job["key"]
    dashscope.base_http_api_url = job["http"] + "/api/v1"
    scenarios = {"message": message, "wrong message": wrong_message, "files": files, "wrong files": wrong_files}
    scenarios[job["scenario"]](job)


if __name__ == "__main__":
    main()
