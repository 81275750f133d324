"""Qwen-ASR realtime with the stock `dashscope` SDK, told beforehand what the talk is about.

    pip install dashscope
    STENOWIRE_API_KEY=sk-... python examples/qwen_context.py talk.wav --context "Bulge Bracket, Lazard, Evercore"

The context may be a list or prose: names and rare words in it are written where the sound bears them out.
"""

import argparse
import base64
import os
import time
import wave

import dashscope
from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeCallback, OmniRealtimeConversation
from dashscope.audio.qwen_omni.omni_realtime import TranscriptionParams

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
dashscope.api_key = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
FRAME_S = 0.1


class Captions(OmniRealtimeCallback):
    def on_event(self, message) -> None:
        match message["type"]:
            case "conversation.item.input_audio_transcription.text":  # settled words, then those that may change
                print(message["text"] + message["stash"], end="\r", flush=True)
            case "conversation.item.input_audio_transcription.completed":
                print(message["transcript"], flush=True)
            case "error":
                print(f"[{message['error']['message']}]", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text, with context.")
    parser.add_argument("file", help="wav, 16 bit, mono")
    parser.add_argument("--context", default="", help="what will be said, in any form")
    parser.add_argument("--speed", type=float, default=1.0, help="times the pace of speech")
    asked = parser.parse_args()
    with wave.open(asked.file) as file:
        rate_hz, audio = file.getframerate(), file.readframes(file.getnframes())

    conversation = OmniRealtimeConversation(
        model="qwen3-asr-flash-realtime", callback=Captions(), url=f"{URL}/api-ws/v1/realtime"
    )
    conversation.connect()
    conversation.update_session(
        output_modalities=[MultiModality.TEXT],
        transcription_params=TranscriptionParams(language="en", sample_rate=rate_hz, corpus_text=asked.context),
    )
    step = int(rate_hz * FRAME_S) * 2
    for at in range(0, len(audio), step):
        conversation.append_audio(base64.b64encode(audio[at : at + step]).decode())
        time.sleep(FRAME_S / asked.speed)
    conversation.end_session()  # waits for the last words
    conversation.close()


if __name__ == "__main__":
    main()
