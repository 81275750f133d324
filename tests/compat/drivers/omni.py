"""Holds conversations with `OmniRealtimeConversation` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds one version of the SDK and nothing of this project.
In: one JSON object on the command line: url, key, talks. A talk has a name, a model, an audio file (bare samples, 16
bit), its rate, and steps: each a method of the SDK's class with its arguments, or one of this file's own,
`update(settings)`, `audio(begin_s, end_s)`, `silence(seconds)`, `wait(type, count)`. Talks are held side by side.
"""

import base64
import json
import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeCallback, OmniRealtimeConversation, omni_realtime

FRAME_S = 0.1
SPEED = 5
"""Frames are sent this many times faster than they were spoken."""
PATIENCE_S = 60
ABREAST = 3

_lock = threading.Lock()
_out, sys.stdout = sys.stdout, sys.stderr
"""The older generation of the SDK prints what went wrong; its words must not break into our lines."""


def say(talk, what, **details):
    with _lock:
        _out.write(json.dumps({"what": what, "talk": talk, **details}) + "\n")
        _out.flush()


class Callback(OmniRealtimeCallback):
    """Writes down what it is called with, and lets its program wait for it."""

    def __init__(self, talk):
        self.talk = talk
        self.seen = Counter()
        self.changed = threading.Condition()

    def on_open(self):
        say(self.talk, "open")

    def on_event(self, message):
        say(self.talk, "event", type=message["type"], body=message)
        self._note(message["type"])

    def on_close(self, close_status_code, close_msg):
        say(self.talk, "close", code=close_status_code, reason=close_msg)
        self._note("close")

    def wait(self, kind, count):
        with self.changed:
            if not self.changed.wait_for(lambda: self.seen[kind] >= count, PATIENCE_S):
                raise RuntimeError(f"{kind} came {self.seen[kind]} times, not {count}")

    def _note(self, kind):
        with self.changed:
            self.seen[kind] += 1
            self.changed.notify_all()


class Talk:
    def __init__(self, job, talk):
        self.name = talk["name"]
        self.steps = talk["steps"]
        self.rate_hz = talk["rate_hz"]
        self.samples = Path(talk["file"]).read_bytes()
        self.callback = Callback(self.name)
        self.conversation = OmniRealtimeConversation(
            model=talk["model"], callback=self.callback, url=job["url"], api_key=talk.get("key", job["key"])
        )

    def hold(self):
        try:
            self.conversation.connect()
            for verb, *arguments in self.steps:
                own = getattr(self, verb, None)
                (own or getattr(self.conversation, verb))(*arguments)
        except Exception as error:
            say(self.name, "raised", kind=type(error).__name__, message=str(error))
        conversation = self.conversation
        say(
            self.name,
            "done",
            session_id=conversation.get_session_id(),
            response_id=conversation.get_last_response_id(),
            last=conversation.get_last_message(),
        )
        conversation.close()

    def update(self, settings):
        modalities = [MultiModality(name) for name in settings.pop("modalities", ["text"])]
        if "transcription_params" in settings:
            settings["transcription_params"] = omni_realtime.TranscriptionParams(**settings["transcription_params"])
        if "input_audio_config" in settings:
            settings["input_audio_config"] = omni_realtime.AudioFormatConfig(**settings["input_audio_config"])
        self.conversation.update_session(output_modalities=modalities, **settings)

    def audio(self, begin_s, end_s):
        begin, end = (2 * int(at_s * self.rate_hz) for at_s in (begin_s, end_s))
        self._send(self.samples[begin:end])

    def silence(self, seconds):
        self._send(bytes(2 * int(seconds * self.rate_hz)))

    def wait(self, kind, count=1):
        self.callback.wait(kind, count)

    def _send(self, samples):
        step = 2 * int(FRAME_S * self.rate_hz)
        for at in range(0, len(samples), step):
            self.conversation.append_audio(base64.b64encode(samples[at : at + step]).decode())
            time.sleep(FRAME_S / SPEED)


def main():
    job = json.loads(sys.argv[1])
    with ThreadPoolExecutor(ABREAST) as pool:
        list(pool.map(lambda talk: Talk(job, talk).hold(), job["talks"]))
    os._exit(0)  # the SDK's threads of refused connections would write into a closing interpreter


if __name__ == "__main__":
    main()
