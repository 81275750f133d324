"""Hot words with Stenowire's own client, and why each of them was written.

    pip install stenowire
    STENOWIRE_API_KEY=sk-... python examples/sdk_hotwords.py talk.wav "Bulge Bracket" Lazard=5

A term may carry a weight from 1 to 5; 4 is usual.
"""

import argparse
import asyncio
import os

from stenowire import Final, transcribe

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")


async def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text, with hot words.")
    parser.add_argument("file")
    parser.add_argument("terms", nargs="*", help="names and terms that are said in it")
    asked = parser.parse_args()
    hotwords = {}
    for term in asked.terms:
        text, _, weight = term.partition("=")
        hotwords[text] = int(weight or 4)
    async for update in transcribe(asked.file, URL, hotwords=hotwords, audit=True):
        if not isinstance(update, Final):
            continue
        print(update.sentence.text, flush=True)
        for applied in update.sentence.applied:
            print(f"    {applied.term!r} instead of {applied.before!r}, by {applied.means}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
