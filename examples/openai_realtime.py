"""Live transcription with the stock `openai` SDK. A recording stands for the microphone.

pip install 'openai[realtime]'
STENOWIRE_API_KEY=sk-... python examples/openai_realtime.py talk.wav
"""

import argparse
import asyncio
import base64
import os
import wave

import openai

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
KEY = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
FRAME_S = 0.1


async def send(connection, audio: bytes, rate_hz: int, speed: float) -> None:
    """Then as much silence as ends the last turn."""
    step = int(rate_hz * FRAME_S) * 2
    audio += bytes(rate_hz * 2)
    for at in range(0, len(audio), step):
        await connection.input_audio_buffer.append(audio=base64.b64encode(audio[at : at + step]).decode())
        await asyncio.sleep(FRAME_S / speed)


class Captions:
    def __init__(self) -> None:
        self.open_turns = 0
        self.changed = asyncio.Event()

    async def show(self, connection) -> None:
        async for event in connection:
            match event.type:
                case "input_audio_buffer.speech_started":
                    self.open_turns += 1
                case "conversation.item.input_audio_transcription.delta":
                    print(event.delta, end="", flush=True)  # words that have settled: they are not taken back
                case "conversation.item.input_audio_transcription.completed":
                    print(f"\n= {event.transcript}", flush=True)
                    self.open_turns -= 1
                    self.changed.set()
                case "error":
                    print(f"[{event.error.message}]", flush=True)

    async def complete(self) -> None:
        """Until every turn that began has its transcript."""
        while self.open_turns:
            self.changed.clear()
            await self.changed.wait()


async def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text, live.")
    parser.add_argument("file", help="wav, 16 bit, mono; OpenAI's own service takes 24 kHz only")
    parser.add_argument("--speed", type=float, default=1.0, help="times the pace of speech")
    asked = parser.parse_args()
    with wave.open(asked.file) as file:
        rate_hz, audio = file.getframerate(), file.readframes(file.getnframes())

    input = {
        "format": {"type": "audio/pcm", "rate": rate_hz},
        "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
    }
    client = openai.AsyncOpenAI(
        api_key=KEY, base_url=f"{URL}/v1".replace("ws", "http", 1), websocket_base_url=f"{URL}/v1"
    )
    async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        await connection.session.update(session={"type": "transcription", "audio": {"input": input}})
        captions = Captions()
        showing = asyncio.create_task(captions.show(connection))
        await send(connection, audio, rate_hz, asked.speed)
        await captions.complete()
        showing.cancel()


if __name__ == "__main__":
    asyncio.run(main())
