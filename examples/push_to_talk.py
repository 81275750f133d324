"""A voice agent's loop: hold a turn, commit it, get its text, answer. With the stock `dashscope` SDK in manual mode.

    pip install dashscope pyaudio
    STENOWIRE_API_KEY=sk-... python examples/push_to_talk.py                        # Enter begins and ends a turn
    STENOWIRE_API_KEY=sk-... python examples/push_to_talk.py one.wav two.wav        # turns from files, 16 kHz

With turn detection off the program says where a turn ends, so there is no silence to wait for: the text is there as
soon as the last audio has been decoded.
"""

import argparse
import base64
import os
import queue
import threading
import time
import wave
from collections.abc import Iterator

import dashscope
from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeCallback, OmniRealtimeConversation

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
dashscope.api_key = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
RATE_HZ = 16_000
FRAME = RATE_HZ // 10


class Transcripts(OmniRealtimeCallback):
    """Hands the text of each turn to the thread that waits for it."""

    def __init__(self) -> None:
        self.texts: queue.Queue[str] = queue.Queue()

    def on_event(self, message) -> None:
        if message["type"] == "conversation.item.input_audio_transcription.completed":
            self.texts.put(message["transcript"])


def answer(text: str) -> str:
    """Here a language model would be asked."""
    return f"You said {len(text.split())} words."


def spoken() -> Iterator[Iterator[bytes]]:
    """Turns from the microphone."""
    import pyaudio

    while True:
        input("Enter to speak ...")
        released = threading.Event()
        threading.Thread(target=lambda done: (input("Enter to send ..."), done.set()), args=[released]).start()
        stream = pyaudio.PyAudio().open(format=pyaudio.paInt16, channels=1, rate=RATE_HZ, input=True)
        yield iter(lambda stream=stream, done=released: b"" if done.is_set() else stream.read(FRAME, False), b"")
        stream.close()


def recorded(paths: list[str]) -> Iterator[Iterator[bytes]]:
    for path in paths:
        with wave.open(path) as file:
            yield iter(lambda file=file: file.readframes(FRAME), b"")


def main() -> None:
    parser = argparse.ArgumentParser(description="Push to talk.")
    parser.add_argument("files", nargs="*", help="wav, 16 kHz, 16 bit, mono; none: the microphone")
    asked = parser.parse_args()
    transcripts = Transcripts()
    agent = OmniRealtimeConversation(
        model="qwen3-asr-flash-realtime", callback=transcripts, url=f"{URL}/api-ws/v1/realtime"
    )
    agent.connect()
    agent.update_session(output_modalities=[MultiModality.TEXT], enable_turn_detection=False)
    for turn in recorded(asked.files) if asked.files else spoken():
        for frame in turn:
            agent.append_audio(base64.b64encode(frame).decode())
        agent.commit()
        committed_at = time.monotonic()
        text = transcripts.texts.get(timeout=30)
        print(f"you:   {text}    [{1000 * (time.monotonic() - committed_at):.0f} ms]")
        print(f"agent: {answer(text)}", flush=True)
    agent.end_session()
    agent.close()


if __name__ == "__main__":
    main()
