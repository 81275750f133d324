"""A recording to sentences with Stenowire's own client, in five lines that matter.

pip install stenowire
STENOWIRE_API_KEY=sk-... python examples/sdk_file.py talk.wav
"""

import argparse
import asyncio
import os

from stenowire import Final, transcribe

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
"""The key is read from STENOWIRE_API_KEY, then DASHSCOPE_API_KEY."""


async def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text.")
    parser.add_argument("file", help="wav, or a coded format that the server reads")
    asked = parser.parse_args()
    async for update in transcribe(asked.file, URL):
        if isinstance(update, Final):
            sentence = update.sentence
            print(f"{sentence.begin_ms / 1000:6.2f} s  {sentence.text}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
