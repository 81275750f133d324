"""Subtitles that grow while one speaks: each sentence is in the file as soon as it is finished.

pip install 'stenowire[microphone]'
STENOWIRE_API_KEY=sk-... python examples/live_srt.py talk.srt                       # Ctrl-C ends it
STENOWIRE_API_KEY=sk-... python examples/live_srt.py talk.srt --file talk.wav
"""

import argparse
import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from stenowire import Final, connect
from stenowire.client.microphone import Microphone
from stenowire.client.sources import of_file
from stenowire.text.subtitles import cues

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")


def clock(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{ms:03}"


async def main() -> None:
    parser = argparse.ArgumentParser(description="Live subtitles in SRT.")
    parser.add_argument("srt", type=Path, help="the file that is written")
    parser.add_argument("--file", help="a recording instead of the microphone")
    asked = parser.parse_args()
    async with AsyncExitStack() as stack:
        if asked.file:
            audio = of_file(asked.file)
            format, pieces = audio.format, audio.pieces
        else:
            microphone = await stack.enter_async_context(Microphone())
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, microphone.stop)
            format, pieces = microphone.format, microphone.pieces()
        task = await stack.enter_async_context(connect(URL, format=format))
        feeding = asyncio.create_task(task.feed(pieces))
        number = 0
        with asked.srt.open("w", encoding="utf-8") as file:
            async for update in task:
                if not isinstance(update, Final):
                    continue
                for cue in cues([update.sentence]):  # a long sentence becomes several, cut where one breathes
                    number += 1
                    file.write(f"{number}\n{clock(cue.begin_ms)} --> {clock(cue.end_ms)}\n{cue.text}\n\n")
                file.flush()
                print(update.sentence.text, flush=True)
        await feeding


if __name__ == "__main__":
    asyncio.run(main())
