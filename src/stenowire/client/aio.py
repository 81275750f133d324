"""Speech to text from a server, with asyncio.

In: bytes of audio, where to send them, what is wished. Out: a running recognition (see `recognition`), or its results.

    async with connect("ws://127.0.0.1:8090", key="sk-...", format=AudioFormat("pcm", 16_000)) as task:
        await task.send(audio)
        await task.finish()
        async for update in task:
            print(update.sentence.text)

Results are read at all times, so a program may send everything first and look at the answers later.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from stenowire.client.asking import DEFAULT_MODEL as DEFAULT_MODEL
from stenowire.client.asking import HotWords, Segment, Wishes, weighted
from stenowire.client.drops import Dropped as Dropped
from stenowire.client.drops import LinkEvent as LinkEvent
from stenowire.client.drops import Resumed as Resumed
from stenowire.client.link import Patience
from stenowire.client.recognition import Plan
from stenowire.client.recognition import Recognition as Recognition
from stenowire.client.resume import MOST_S, Memory
from stenowire.client.urls import endpoint
from stenowire.dialects.task_wire import Parameters
from stenowire.events import Final, Partial
from stenowire.types import AudioFormat, NoiseReduction

DEFAULT_URL = "ws://127.0.0.1:8090"
KEY_VARIABLES = ("STENOWIRE_API_KEY", "DASHSCOPE_API_KEY")
PCM_16K = AudioFormat("pcm", 16_000)


@asynccontextmanager
async def connect(
    url: str | Sequence[str] = DEFAULT_URL,
    *,
    key: str | None = None,
    format: AudioFormat = PCM_16K,
    model: str | None = None,
    language: str | None = None,
    hotwords: HotWords | None = None,
    vocabulary: str | None = None,
    context: str = "",
    segmentation: Segment = "silence",
    silence_ms: int | None = None,
    noise_reduction: NoiseReduction | None = None,
    audit: bool = False,
    heartbeat: bool = True,
    parameters: Parameters | None = None,
    resume: bool = True,
    give_up_s: float = 60.0,
    open_timeout_s: float = 10.0,
    ping_interval_s: float = 10.0,
    ping_timeout_s: float = 10.0,
    resend_speed: float | None = None,
    most_kept_s: float = MOST_S,
    on_link: Callable[[LinkEvent], None] = lambda event: None,
) -> AsyncIterator[Recognition]:
    """Connect and begin; yields the recognition once a server has taken it.

    `url` is a base or a whole endpoint, of the task protocol or of OpenAI's (see `urls`), or several: the next one is
    tried when one fails. `key`: None looks into STENOWIRE_API_KEY and DASHSCOPE_API_KEY, "" sends none; it goes to
    these addresses only. `hotwords` are words or words with weights; `vocabulary` is the id of a stored list.
    `parameters` are further ones of the task protocol. `give_up_s` is how long a lost connection is tried to be made
    again, `resend_speed` how many times real time audio is sent again: None is as fast as a server takes it where
    it knows how to resume, and 4 elsewhere. `on_link` is told of drops and of what came of them.

    Raises BadUrl, CannotConnect, KeyRefused, TaskFailed, ConnectionLost.
    """
    wishes = Wishes(
        model=model,
        language=language,
        hotwords=weighted(hotwords),
        vocabulary=vocabulary,
        context=context,
        segmentation=segmentation,
        silence_ms=silence_ms,
        noise_reduction=noise_reduction,
        audit=audit,
        heartbeat=heartbeat,
        parameters=parameters,
    )
    plan = Plan(
        servers=tuple(endpoint(one) for one in ([url] if isinstance(url, str) else url)),
        key=found_key(key),
        wishes=wishes,
        patience=Patience(open_timeout_s, ping_interval_s, ping_timeout_s),
        resume=resume,
        give_up_s=give_up_s,
        resend_speed=resend_speed,
        tell=on_link,
    )
    task = Recognition(plan, Memory(format, session=uuid.uuid4().hex, most_s=most_kept_s))
    link = await task.open_first()
    running = asyncio.create_task(task.run(link))
    try:
        yield task
    finally:
        running.cancel()
        await asyncio.wait({running})
        link.abort()


async def recognise(
    audio: AsyncIterator[bytes], url: str | Sequence[str], **wishes: object
) -> AsyncIterator[Partial | Final]:
    """Send all of `audio` while yielding the results. Takes and raises what `connect` does; `audio` may raise too."""
    async with connect(url, **wishes) as task:  # type: ignore[arg-type]
        feeding = asyncio.create_task(task.feed(audio))
        try:
            async for update in task:
                yield update
        finally:
            feeding.cancel()
            await asyncio.wait({feeding})


def found_key(given: str | None) -> str:
    """The key that was given, or the first one that the environment has."""
    if given is not None:
        return given
    return next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), "")
