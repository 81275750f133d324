"""`stenowire transcribe` of many recordings: several at once, each result in a file of its own.

In: a `Job`. Out: results that appear whole, a summary on standard error, the exit status. A result that is there
already is not made again, so a batch that was interrupted is resumed by calling it once more.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

from rich.console import Console

from stenowire.cli import pace, results
from stenowire.cli.exits import Status, Stop
from stenowire.cli.inputs import Input, gather
from stenowire.cli.inputs import results as paths_of_results
from stenowire.cli.interrupts import Interrupts
from stenowire.cli.saving import save
from stenowire.cli.sources import Recogniser, check_decoder, recogniser
from stenowire.cli.tally import Tally
from stenowire.cli.transcribe import Job, opened
from stenowire.cli.transcript import Transcript
from stenowire.cli.wishes import wishes
from stenowire.client.errors import CannotConnect, ConnectionLost, TaskFailed
from stenowire.client.recording import Recording, Unreadable
from stenowire.events import Final, Partial
from stenowire.settings import cores

MOST_JOBS = 4
"""Unless more are asked for: a tenant's share of a server may be small."""
TRIES = 4
FIRST_WAIT_S = 1.0
HOPELESS = (Status.UNREACHABLE, Status.REFUSED_KEY)
"""What one recording fails of, all others would fail of too."""

Work = tuple[Input, Path]


def transcribe_all(job: Job) -> int:
    if job.realtime:
        raise Stop(Status.USAGE, "--realtime plays one recording")
    if job.output is not None and job.output.exists() and not job.output.is_dir():
        raise Stop(Status.USAGE, f"{job.output} is a file; several recordings need a folder")
    inputs = gather(job.given, job.suffixes, job.allow_urls)
    return asyncio.run(Batch(job, inputs).run())


class Batch:
    def __init__(self, job: Job, inputs: list[Input]) -> None:
        self._job = job
        self._wishes = wishes(job.asked, job.url)
        self._all = list(zip(inputs, paths_of_results(inputs, job.output, job.format), strict=True))
        self._todo = [work for work in self._all if job.overwrite or not work[1].exists()]
        self._tally = Tally(Console(stderr=True, highlight=False), len(self._all), len(self._all) - len(self._todo))
        self._fatal: Stop | None = None

    async def run(self) -> int:
        # Nothing is to be finished: what is not done is left for the next call.
        interrupts = Interrupts(lambda: None, 0.0)
        try:
            if self._todo:
                async with recogniser(self._job.url, self._job.key) as recognition:
                    with self._tally:
                        await self._transcribe_all(recognition)
        except asyncio.CancelledError:
            if not interrupts.came:
                raise
        self._tally.sum_up(interrupts.came)
        if interrupts.came:
            return Status.INTERRUPTED
        if self._fatal is not None:
            raise self._fatal
        return Status.FAILED if self._tally.failures else Status.OK

    async def _transcribe_all(self, recognition: Recogniser) -> None:
        work = iter(self._todo)
        jobs = min(self._job.jobs or min(cores(), MOST_JOBS), len(self._todo))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(jobs):
                    tasks.create_task(self._work(recognition, work))
        except* Stop as stops:
            self._fatal = cast(Stop, stops.exceptions[0])

    async def _work(self, recognition: Recogniser, work: Iterator[Work]) -> None:
        for found, path in work:
            try:
                await self._patiently(recognition, found, path)
            except Stop as stop:
                self._tally.fail(found.place, stop.line)
                if stop.status in HOPELESS:
                    raise
            except Unreadable as error:
                self._tally.fail(found.place, str(error))
            except OSError as error:
                self._tally.fail(found.place, f"{path}: {error.strerror or error}")

    async def _patiently(self, recognition: Recogniser, found: Input, path: Path) -> None:
        """A server that is full or away for a moment is asked again."""
        for attempt in range(TRIES):
            try:
                return await self._one(recognition, found, path)
            except Stop as stop:
                if attempt + 1 == TRIES or not _passing(stop):
                    raise
            await asyncio.sleep(FIRST_WAIT_S * 2**attempt * random.uniform(0.5, 1.0))

    async def _one(self, recognition: Recogniser, found: Input, path: Path) -> None:
        self._tally.begin(found.place)
        try:
            async with opened(found.place, self._job) as recording:
                if self._job.url is None:
                    check_decoder(recording.format)
                finals, audio_s = await self._recognise(recognition, recording, found.place)
            text = results.written(finals, self._job.format, self._job.asked.model)
            await asyncio.to_thread(save, path, text)
            self._tally.finish(found.place, audio_s, path)
        finally:
            self._tally.leave(found.place)

    async def _recognise(self, recognition: Recogniser, recording: Recording, place: str) -> tuple[list[Final], float]:
        """The finals, and how long the audio was."""
        transcript, reader = Transcript(), pace.pieces(recording, asyncio.Event())
        async with aclosing(reader) as audio:  # type: ignore[type-var]
            async for update in recognition.recognise(recording.format, audio, self._wishes, interims=False):
                transcript.take(update)
                self._tally.heard(place, _heard_s(update), recording.length_s)
        transcript.close()
        last_s = _heard_s(transcript.finals[-1]) if transcript.finals else 0.0
        return transcript.finals, recording.length_s or last_s


def _heard_s(update: Partial | Final) -> float:
    words = update.sentence.words
    return words[-1].end_ms / 1000 if words else 0.0


def _passing(stop: Stop) -> bool:
    cause = stop.__cause__
    if isinstance(cause, TaskFailed):
        return cause.error.retryable
    return isinstance(cause, CannotConnect | ConnectionLost)
