"""What `stenowire doctor` asks of the microphones: whether there are any, and whether one may be heard.

In: nothing. Out: findings. The system's own microphone is opened for a moment, which may make a desktop ask its user.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from stenowire.cli.findings import Finding, ok, problem, warning
from stenowire.cli.hearing import level
from stenowire.client.errors import ClientError
from stenowire.client.microphone import QUIET, Microphone, devices

SUBJECT = "microphone"
DEVICES = Path("/dev/snd")
TRY_S, PIECES = 3.0, 5
NONE = "plug one in; in a container or over ssh use --from FILE, or the captions page of a server"
MUTED = "unmute it; on macOS and Windows allow the terminal to use the microphone in the privacy settings"


def sound() -> Iterator[Finding]:
    try:
        found = devices()
    except ClientError as error:
        message, _, remedy = str(error).partition(": ")
        yield warning(SUBJECT, message, remedy or "pip install 'stenowire[microphone]'")
        return
    if DEVICES.is_dir() and not all(os.access(path, os.R_OK | os.W_OK) for path in DEVICES.glob("pcm*c")):
        yield problem(
            SUBJECT, f"devices in {DEVICES} may not be opened", "add yourself to the group `audio`, log in again"
        )
    if not found:
        yield warning(SUBJECT, "none is here", NONE)
        return
    names = ", ".join(device.name for device in found[:5])
    yield ok(SUBJECT, f"{len(found)}: {names}{' …' if len(found) > 5 else ''}")
    yield asyncio.run(_tried())


async def _tried() -> Finding:
    """The system's own choice, for half a second."""
    peak, count = 0.0, 0
    try:
        async with asyncio.timeout(TRY_S), Microphone() as microphone:
            async for piece in microphone.pieces():
                peak, count = max(peak, level(piece).peak), count + 1
                if count == PIECES:
                    break
    except TimeoutError:
        return warning(SUBJECT, "the system's own choice gives no audio", MUTED)
    except ClientError as error:
        return warning(SUBJECT, str(error), "close what else records, or choose another with --device")
    if peak < QUIET:
        return warning(SUBJECT, "the system's own choice gives silence only", MUTED)
    return ok(SUBJECT, "the system's own choice is heard")
