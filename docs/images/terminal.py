"""Draws docs/images/terminal.svg from a real run: `python docs/images/terminal.py`.

Starts a server, plays the demonstration's recording to it at the pace of speech, stops in the middle of a sentence, and
exports what the terminal shows then.
"""

import asyncio
import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stenowire import __version__
from stenowire.cli import pace
from stenowire.cli.captions import UNSETTLED, LiveCaptions, row
from stenowire.cli.demo import RECORDING
from stenowire.cli.neighbour import neighbour
from stenowire.cli.serve import fetch_models, load_settings
from stenowire.client.aio import connect
from stenowire.client.recording import open_file
from stenowire.events import Final, Partial

STOP_S = 17.4
OUT = Path(__file__).with_name("terminal.svg")

# rich's own template, without the web fonts that a page cannot load from inside a picture.
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


async def watch(console: Console) -> LiveCaptions:
    settings = load_settings({"port": 0}, None)
    fetch_models(settings.models_dir)
    with neighbour(settings, Console(quiet=True)) as server:
        recording = open_file(settings.models_dir / RECORDING)
        picture = LiveCaptions(Console(file=io.StringIO()), recording.length_s)
        stop = asyncio.Event()
        console.print("[bold green]$[/] make run")
        console.print(f"[bold]Stenowire {__version__}[/bold] listens on ws://127.0.0.1:8090")
        console.print(Text.assemble("Settled words are plain, ", ("unsettled words are dim", UNSETTLED), ".\n"))

        def tell(seconds: float) -> None:
            picture.heard(seconds)
            if seconds >= STOP_S:
                stop.set()

        async with connect(server.base, key=server.key, format=recording.format) as task:
            feeding = asyncio.create_task(task.feed(pace.spoken(recording, stop, tell)))
            async for update in task:
                if stop.is_set():
                    break
                match update:
                    case Final(sentence=sentence):
                        console.print(row(sentence))
                        picture.show(update)
                    case Partial():
                        picture.show(update)
            feeding.cancel()
    return picture


def main() -> None:
    console = Console(
        record=True, width=92, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    picture = asyncio.run(watch(console))
    console.print(picture.picture())
    OUT.write_text(console.export_svg(title="Stenowire", code_format=SVG), encoding="utf-8")


if __name__ == "__main__":
    main()
