"""Captions from a microphone with Stenowire's own client: words that may still change are in grey.

    pip install 'stenowire[microphone]'
    STENOWIRE_API_KEY=sk-... python examples/sdk_microphone.py --device usb        # Ctrl-C ends it

When the connection or the server goes away, speak on: what was said meanwhile is kept and sent again.
"""

import argparse
import asyncio
import os
import signal

from stenowire import Dropped, Final, Recognition, connect
from stenowire.client.microphone import Microphone

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
GREY, PLAIN, LINE_START = "\x1b[90m", "\x1b[0m", "\r\x1b[K"


def show_link(event) -> None:
    if isinstance(event, Dropped):
        print(f"{LINE_START}[no connection: {event.reason}; trying again]", flush=True)
    else:
        print(f"{LINE_START}[connected again after {event.after_s:.1f} s]", flush=True)


async def show(task: Recognition) -> None:
    async for update in task:
        words = [word.text + word.mark for word in update.sentence.words]
        settled = len(words) if isinstance(update, Final) else update.sentence.stable
        line = f"{LINE_START}{' '.join(words[:settled])} {GREY}{' '.join(words[settled:])}{PLAIN}"
        print(line, end="\n" if isinstance(update, Final) else "", flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Captions from a microphone.")
    parser.add_argument("--device", help="a part of its name; the system's own choice without it")
    asked = parser.parse_args()
    async with (
        Microphone(asked.device) as microphone,
        connect(URL, format=microphone.format, on_link=show_link) as task,
    ):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, microphone.stop)
        print("[listening]", flush=True)
        feeding = asyncio.create_task(task.feed(microphone.pieces()))
        await show(task)  # ends when the microphone has been stopped and the last words are here
        await feeding


if __name__ == "__main__":
    asyncio.run(main())
