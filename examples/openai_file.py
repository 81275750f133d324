"""A recording to text with the stock `openai` SDK.

pip install openai
STENOWIRE_API_KEY=sk-... python examples/openai_file.py talk.wav --format srt
"""

import argparse
import os
from pathlib import Path

import openai

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
KEY = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")


def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--format", default="text", choices=["text", "json", "srt", "vtt", "verbose_json"])
    parser.add_argument("--prompt", default="", help="names and terms that are said in it")
    asked = parser.parse_args()
    client = openai.OpenAI(api_key=KEY, base_url=f"{URL}/v1".replace("ws", "http", 1))
    answer = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=asked.file, prompt=asked.prompt, response_format=asked.format
    )
    print(answer if isinstance(answer, str) else answer.to_json())


if __name__ == "__main__":
    main()
