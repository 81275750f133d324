"""A recording to text with the stock `dashscope` SDK: at the pace of speech, or all at once.

    pip install dashscope
    STENOWIRE_API_KEY=sk-... python examples/dashscope_file.py talk.wav             # 16 bit, mono
    STENOWIRE_API_KEY=sk-... python examples/dashscope_file.py talk.wav --at-once

When the connection breaks it goes on behind the last finished sentence, so no word is lost and none comes twice.
"""

import argparse
import os
import threading
import time
import wave

import dashscope
from dashscope.audio.asr import Recognition, RecognitionCallback
from dashscope.common.error import InvalidParameter

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
dashscope.api_key = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
dashscope.base_websocket_api_url = f"{URL}/api-ws/v1/inference"
FRAME_S = 0.1


class Captions(RecognitionCallback):
    def __init__(self) -> None:
        self.broken = threading.Event()
        self.settled_ms = 0

    def on_event(self, result) -> None:
        sentence = result.get_sentence()
        if result.is_sentence_end(sentence):
            print(sentence["text"], flush=True)
            self.settled_ms = sentence["end_time"]

    def on_error(self, result) -> None:
        print(f"[connection lost: {result.message}]", flush=True)
        self.broken.set()


def stream(audio: bytes, rate_hz: int, speed: float) -> int | None:
    """None when all was heard; else how many ms of `audio` have been answered."""
    captions = Captions()
    recognition = Recognition(model="fun-asr-realtime", format="pcm", sample_rate=rate_hz, callback=captions)
    recognition.start()
    step = int(rate_hz * FRAME_S) * 2
    try:
        for at in range(0, len(audio), step):
            recognition.send_audio_frame(audio[at : at + step])
            time.sleep(FRAME_S / speed)
        recognition.stop()  # waits for the last words
    except InvalidParameter:
        pass  # the SDK's way to say that the connection has gone
    return captions.settled_ms if captions.broken.is_set() else None


def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text.")
    parser.add_argument("file")
    parser.add_argument("--at-once", action="store_true", help="send it as fast as it goes")
    parser.add_argument("--speed", type=float, default=1.0, help="times the pace of speech")
    asked = parser.parse_args()
    with wave.open(asked.file) as file:
        rate_hz, audio = file.getframerate(), file.readframes(file.getnframes())
    if asked.at_once:
        recognition = Recognition(
            model="fun-asr-realtime", format="wav", sample_rate=rate_hz, callback=RecognitionCallback()
        )
        result = recognition.call(asked.file)
        print(*(sentence["text"] for sentence in result.get_sentence() or [result.message]), sep="\n")
        return
    for wait_s in (1, 2, 4, 8, 8):
        settled_ms = stream(audio, rate_hz, asked.speed)
        if settled_ms is None:
            return
        audio = audio[settled_ms * rate_hz // 1000 * 2 :]
        time.sleep(wait_s)
    raise SystemExit("[gave up]")


if __name__ == "__main__":
    main()
