"""Drives `dashscope.audio.asr.Recognition` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds one version of the SDK and nothing of this project.
In: one JSON object on the command line: scenario, url, key, model, file, format, rate_hz, parameters, starts, context.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

import dashscope
from dashscope.audio.asr import Recognition, RecognitionCallback

FRAME_S = 0.1
SPEED = 5
"""Frames are sent this many times faster than they were spoken."""


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


class Callback(RecognitionCallback):
    def on_open(self):
        say("open")

    def on_complete(self):
        say("complete")

    def on_close(self):
        say("close")

    def on_error(self, result):
        say("error", **outcome(result))

    def on_event(self, result):
        sentence = result.get_sentence()
        say(
            "event",
            request_id=result.get_request_id(),
            sentence=sentence,
            end=result.is_sentence_end(sentence),
            usage=result.get_usage(sentence),
        )


class HeartbeatLog(logging.Handler):
    """The SDK swallows keep-alive results; its debug log is the only place where a caller can see that one came."""

    def emit(self, record):
        if "heartbeat" in record.getMessage() and "recv" in record.getMessage():
            say("heartbeat")


def outcome(result):
    return {
        "status": int(result.status_code),
        "code": result.code,
        "message": result.message,
        "request_id": result.request_id,
    }


def make(job):
    return Recognition(
        model=job["model"],
        format=job["format"],
        sample_rate=job["rate_hz"],
        callback=Callback(),
        **job.get("parameters", {}),
    )


def stream(job):
    """start, send_audio_frame, stop: as many times as the job says, with one object."""
    recognition = make(job)
    audio = Path(job["file"]).read_bytes()
    for _ in range(job.get("starts", 1)):
        recognition.start()
        _send(recognition, audio, job)
        try:
            recognition.stop()
        except Exception as error:
            say("stop refused", message=str(error))
        say("done", last_request_id=recognition.get_last_request_id(), **delays(recognition))


def _send(recognition, audio, job):
    step = int(job["rate_hz"] * FRAME_S) * 2
    middle = len(audio) // step // 2 * step
    for offset in range(0, len(audio), step):
        if offset == middle and job.get("context"):
            recognition.update_context(job["context"])
        try:
            recognition.send_audio_frame(audio[offset : offset + step])
        except Exception as error:
            say("frame refused", message=str(error))
            return
        time.sleep(FRAME_S / SPEED)


def call(job):
    """The synchronous form: the whole file as fast as it goes."""
    recognition = make(job)
    result = recognition.call(job["file"])
    sentences = result.get_sentence()
    usages = [result.get_usage(sentence) for sentence in sentences] if isinstance(sentences, list) else []
    say("called", **outcome(result), sentences=sentences, usages=usages, **delays(recognition))


def delays(recognition):
    return {
        "first_package_ms": recognition.get_first_package_delay(),
        "last_package_ms": recognition.get_last_package_delay(),
    }


def main():
    job = json.loads(sys.argv[1])
    dashscope.api_key = job["key"]
    dashscope.base_websocket_api_url = job["url"]
    log = logging.getLogger("dashscope")
    log.setLevel(logging.DEBUG)
    log.addHandler(HeartbeatLog())
    {"stream": stream, "call": call}[job["scenario"]](job)
    sys.stdout.flush()
    os._exit(0)  # after a failed task the SDK's own timer thread would hold the process for 23 s


if __name__ == "__main__":
    main()
