"""Drives the 2.x client of `dashscope` (context managers, shared connections) and writes what the caller saw.

Runs inside an environment that holds the SDK and nothing of this project.
In: one JSON object on the command line: scenario, url, key, model, files, rate_hz, context. Out: JSON lines.
"""

import json
import sys
from pathlib import Path

import dashscope
from dashscope import Client, WsConnection

FRAME_BYTES = 3200
PATIENCE_S = 60


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


def recognizer(client, job, **where):
    return client.audio.asr.recognize(
        model=job["model"], format="pcm", sample_rate=job["rate_hz"], timeout=PATIENCE_S, **where
    )


def drive(recognition, path, name, context=None):
    """Send a file to a running task, then read to its end."""
    audio = Path(path).read_bytes()
    frames = [audio[offset : offset + FRAME_BYTES] for offset in range(0, len(audio), FRAME_BYTES)]
    for index, frame in enumerate(frames):
        if context and index == len(frames) // 2:
            recognition.update_context(context)
        recognition.send_audio_frame(frame)
    recognition.stop()
    for event in recognition.events():
        tell_event(name, event)
    say(
        "done",
        task=name,
        request_id=recognition.request_id,
        usage=recognition.usage,
        first_package_ms=recognition.first_package_delay,
        last_package_ms=recognition.last_package_delay,
    )


def tell_event(name, event):
    header = event["header"]
    say("event", task=name, event=header["event"], task_id=header["task_id"], payload=event.get("payload"))


def single(client, job):
    with recognizer(client, job, ws_url=job["url"]) as recognition:
        drive(recognition, job["files"][0], "only", job.get("context"))


def file(client, job):
    events = client.audio.asr.recognize_file(
        job["files"][0],
        model=job["model"],
        format="wav",
        sample_rate=job["rate_hz"],
        ws_url=job["url"],
        timeout=PATIENCE_S,
    )
    for event in events:
        tell_event("file", event)


def in_turn(client, job):
    """Two tasks on one connection, the second begun after the first has ended."""
    connection = WsConnection(url=job["url"], api_key=job["key"], timeout=PATIENCE_S)
    for name, path in zip(("first", "second"), job["files"], strict=True):
        with recognizer(client, job, connection=connection) as recognition:
            drive(recognition, path, name)
    say("connection", closed=connection.closed)
    connection.close()


def at_once(client, job):
    """Two tasks open together on one connection; the SDK lets the second send when the first has been answered."""
    connection = WsConnection(url=job["url"], api_key=job["key"], timeout=PATIENCE_S)
    first, second = (recognizer(client, job, connection=connection) for _ in range(2))
    with first, second:
        say("both open")
        drive(first, job["files"][0], "first")
        drive(second, job["files"][1], "second")
    connection.close()


def main():
    job = json.loads(sys.argv[1])
    dashscope.api_key = job["key"]
    client = Client(api_key=job["key"])
    scenario = {"single": single, "file": file, "in_turn": in_turn, "at_once": at_once}[job["scenario"]]
    try:
        scenario(client, job)
    except Exception as error:
        details = {name: getattr(error, name, None) for name in ("code", "status_code", "request_id")}
        say("raised", kind=type(error).__name__, message=str(error), **details)


if __name__ == "__main__":
    main()
