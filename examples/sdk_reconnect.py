"""What Stenowire's own client does when a connection breaks: nothing is lost, nothing comes twice.

    pip install stenowire
    STENOWIRE_API_KEY=sk-... python examples/sdk_reconnect.py talk.wav

Stop the server while it runs, and start it again, or name a second one in STENOWIRE_URL behind a comma.
"""

import argparse
import asyncio
import os

from stenowire import Dropped, Final, connect
from stenowire.client.sources import of_file

URLS = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090").split(",")


def tell(event) -> None:
    """Called whenever a connection is lost, and when there is one again."""
    if isinstance(event, Dropped):
        print(f"[lost: {event.reason}; try {event.attempt} in {event.wait_s:.1f} s]", flush=True)
    else:
        print(f"[back after {event.after_s:.1f} s; {event.again_s:.1f} s of audio go out again]", flush=True)


async def spoken(audio, speed: float):
    """The audio at the pace of speech, as a microphone would give it."""
    bytes_per_s = audio.format.rate_hz * 2
    async for piece in audio.pieces:
        for at in range(0, len(piece), bytes_per_s // 10):
            yield piece[at : at + bytes_per_s // 10]
            await asyncio.sleep(0.1 / speed)


async def main() -> None:
    parser = argparse.ArgumentParser(description="A recording to text, over connections that break.")
    parser.add_argument("file", help="wav")
    parser.add_argument("--speed", type=float, default=1.0, help="times the pace of speech")
    asked = parser.parse_args()
    audio = of_file(asked.file)
    async with connect(URLS, format=audio.format, on_link=tell) as task:
        feeding = asyncio.create_task(task.feed(spoken(audio, asked.speed)))
        async for update in task:
            if isinstance(update, Final):
                print(f"{update.sentence.id}: {update.sentence.text}", flush=True)
        await feeding
        print(f"[{task.drops} drops, {task.resent_s:.1f} s of audio sent twice]")


if __name__ == "__main__":
    asyncio.run(main())
