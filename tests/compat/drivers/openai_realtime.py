"""Drives the realtime client of `openai` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds the SDK and nothing of this project.
In: one JSON object on the command line: base_url, key, connect (arguments of `connect`), updates (sessions to send),
file (bare samples), frame_bytes, commit (whether to commit at the end), beta (the older generation's client).
"""

import asyncio
import base64
import json
import sys
from pathlib import Path

import openai

PAUSE_S = 0.04
PATIENCE_S = 90
ITEM = "conversation.item.input_audio_transcription."


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


class Listener:
    """Writes down every event, and knows when nothing more is owed."""

    def __init__(self, strict):
        self.strict = strict
        self.owed = set()
        self.answered = 0
        self.updated = asyncio.Event()
        self.settled = asyncio.Event()
        self.sent = False

    async def listen(self, connection):
        while True:
            raw = await connection.recv_bytes()
            event, parsed = json.loads(raw), connection.parse_event(raw)
            wrong = self.strict(event)[1:] if self.strict else ([], [])
            say("event", kind=type(parsed).__name__, body=event, wrong=wrong[0], unknown=wrong[1])
            self.take(event)

    def take(self, event):
        kind, item = event["type"], event.get("item_id")
        if kind in ("session.updated", "transcription_session.updated", "error"):
            self.updated.set()
        if kind in ("input_audio_buffer.speech_started", "input_audio_buffer.committed"):
            self.owed.add(item)
        if kind in (ITEM + "completed", ITEM + "failed"):
            self.owed.discard(item)
            self.answered += 1
        self.look()

    def look(self):
        if self.sent and self.answered and not self.owed:
            self.settled.set()


async def drive(connection, job, listener, audio):
    listening = asyncio.create_task(listener.listen(connection))
    update = connection.transcription_session.update if job.get("beta") else connection.session.update
    for session in job["updates"]:
        listener.updated.clear()
        await update(session=session)
        await asyncio.wait_for(listener.updated.wait(), PATIENCE_S)
    step = job["frame_bytes"]
    for at in range(0, len(audio), step):
        frame = base64.b64encode(audio[at : at + step]).decode()
        await connection.input_audio_buffer.append(audio=frame)
        await asyncio.sleep(PAUSE_S)
    if job.get("commit"):
        await connection.input_audio_buffer.commit()
    listener.sent = True
    listener.look()
    waiting = asyncio.create_task(asyncio.wait_for(listener.settled.wait(), PATIENCE_S))
    await asyncio.wait([waiting, listening], return_when=asyncio.FIRST_COMPLETED)
    if listening.done():
        listening.result()
    await waiting
    listening.cancel()
    say("done")


async def run(job, audio):
    # Older versions would take wss for any address.
    sockets = job["base_url"].replace("http", "ws", 1)
    client = openai.AsyncOpenAI(api_key=job["key"], base_url=job["base_url"], websocket_base_url=sockets, max_retries=0)
    if job.get("beta"):
        manager, strict = client.beta.realtime.connect(**job["connect"]), None
    else:
        from openai_strict import verdict

        manager, strict = client.realtime.connect(**job["connect"]), verdict
    async with manager as connection:
        await drive(connection, job, Listener(strict), audio)


def main():
    job = json.loads(sys.argv[1])
    try:
        asyncio.run(run(job, Path(job["file"]).read_bytes()))
    except Exception as error:
        say("raised", kind=type(error).__name__, message=str(error))


if __name__ == "__main__":
    main()
