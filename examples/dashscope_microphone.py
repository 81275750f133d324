"""Captions from a microphone with the stock `dashscope` SDK, as a program against the hosted service has it.

    pip install dashscope pyaudio
    STENOWIRE_API_KEY=sk-... python examples/dashscope_microphone.py        # Ctrl-C ends it

It warms the connection up, keeps it alive through silence, and connects again when it breaks. What is said while there
is no connection is lost with this SDK; sdk_microphone.py loses nothing.
"""

import os
import threading
import time

import dashscope
import pyaudio
from dashscope.audio.asr import Recognition, RecognitionCallback
from dashscope.common.error import InvalidParameter

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
dashscope.api_key = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
dashscope.base_websocket_api_url = f"{URL}/api-ws/v1/inference"
dashscope.base_http_api_url = f"{URL}/api/v1".replace("ws", "http", 1)

RATE_HZ = 16_000
FRAME = RATE_HZ // 10
TRIES = 5


class Captions(RecognitionCallback):
    """The SDK calls this in a thread of its own."""

    def __init__(self) -> None:
        self.broken = threading.Event()
        self.heard = False

    def on_event(self, result) -> None:
        self.heard = True
        sentence = result.get_sentence()
        final = result.is_sentence_end(sentence)
        print(sentence["text"], end="\n" if final else "\r", flush=True)

    def on_error(self, result) -> None:
        print(f"[connection lost: {result.message}]", flush=True)
        self.broken.set()


def listen(microphone) -> bool:
    """One connection, until it breaks. Whether it brought anything."""
    captions = Captions()
    recognition = Recognition(
        model="fun-asr-realtime", format="pcm", sample_rate=RATE_HZ, heartbeat=True, callback=captions
    )
    recognition.start()
    try:
        while not captions.broken.is_set():
            recognition.send_audio_frame(microphone.read(FRAME, exception_on_overflow=False))
    except InvalidParameter:
        pass  # it broke between the question and the frame
    except KeyboardInterrupt:
        recognition.stop()  # waits for the last words
        raise
    return captions.heard


def main() -> None:
    dashscope.Assistants.list(limit=1)  # a cheap question first: names, certificates and the server are then awake
    audio = pyaudio.PyAudio()
    microphone = audio.open(format=pyaudio.paInt16, channels=1, rate=RATE_HZ, input=True, frames_per_buffer=FRAME)
    print("[listening]", flush=True)
    failures = 0
    try:
        while failures < TRIES:
            failures = 0 if listen(microphone) else failures + 1
            time.sleep(min(2**failures, 8))
    except KeyboardInterrupt:
        print("[bye]")
    finally:
        microphone.close()
        audio.terminate()


if __name__ == "__main__":
    main()
