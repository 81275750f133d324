"""Holds sessions with the 2.x client of `dashscope` (`client.audio.realtime`), and writes what the caller saw.

Runs inside an environment that holds the SDK and nothing of this project.
In: one JSON object on the command line: url, key, file (bare samples), sessions. A session has a name, a model, the
settings of `update_session`, and the calls before and after the audio, each a method without arguments. They are held
side by side. Out: JSON lines.
"""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dashscope import Client
from dashscope.v2.errors import APIConnectionError, DashScopeError

FRAME_BYTES = 3200
PAUSE_S = 0.02
PATIENCE_S = 60
ABREAST = 3

_lock = threading.Lock()


def say(session, what, **details):
    with _lock:
        print(json.dumps({"what": what, "session": session, **details}), flush=True)


def speak(session, job, samples):
    session.update_session(**job["settings"])
    for call in job["before"]:
        getattr(session, call)()
    for at in range(0, len(samples), FRAME_BYTES):
        session.append_audio(samples[at : at + FRAME_BYTES])
        time.sleep(PAUSE_S)
    for call in job["after"]:
        getattr(session, call)()


def listen(session, name):
    """Errors that can be recovered from are raised where events are read; reading goes on after them."""
    while True:
        try:
            event = session.recv_event()
        except DashScopeError as error:
            say(name, "raised", kind=type(error).__name__, code=error.code, message=str(error))
            if isinstance(error, APIConnectionError):
                return
            continue
        if event is None:
            return
        say(name, "event", type=event["type"], body=event)
        if event["type"] == "session.finished":
            return


def hold(client, url, job, samples):
    name = job["name"]
    try:
        with client.audio.realtime.connect(model=job["model"], ws_url=url, timeout=PATIENCE_S) as session:
            speaking = threading.Thread(target=speak, args=(session, job, samples), daemon=True)
            speaking.start()
            listen(session, name)
            speaking.join()
            say(name, "done", session_id=session.session_id, first_text_ms=session.last_first_text_delay)
    except Exception as error:
        say(name, "raised", kind=type(error).__name__, message=str(error))


def main():
    job = json.loads(sys.argv[1])
    client = Client(api_key=job["key"])
    samples = Path(job["file"]).read_bytes()
    with ThreadPoolExecutor(ABREAST) as pool:
        list(pool.map(lambda each: hold(client, job["url"], each, samples), job["sessions"]))


if __name__ == "__main__":
    main()
