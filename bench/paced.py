"""Recordings played as they were spoken, through our server and through the streaming peer: raw material for
`latency`, `stability` and `timestamps`, which share one run.

Every recording gets half a second of silence before it and two seconds after it, so that its last sentence ends by
silence. Two voices speak at once. The peer plays a third of the recordings in the same way. A sixth of them is played
once more through each protocol of our server, side by side.
"""

import asyncio
import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench import alignment, corpus, peers, realtime_client, report
from bench.alignment import Spoken
from bench.client import Answer, Take, take
from bench.corpus import RATE_HZ, Recording, Samples
from bench.server import Server

LEAD_S, TAIL_S = 0.5, 2.0
SILENCE_MS = 1300
"""Silence that ends a sentence: the protocol's own default, asked for by name."""
VOICES, DIALECT_VOICES = 2, 3
TASKS = "tasks"
LONGEST_S = 15.0
QUICK = 6
"""Recordings in a quick run."""


@dataclass(frozen=True)
class Played:
    """One recording and what came of it. Times of `spoken` count from the first sample sent."""

    recording: Recording
    spoken: tuple[Spoken, ...]
    take: Take


def _chosen(quick: bool) -> tuple[list[Recording], dict[str, list[Spoken]]]:
    recordings = [r for r in corpus.load() if r.headline and r.seconds < LONGEST_S]
    aligned = alignment.align(recordings)
    recordings = [r for r in recordings if r.id in aligned]
    if quick:
        recordings = recordings[:: max(1, len(recordings) // QUICK)][:QUICK]
    return recordings, aligned


def padded(samples: Samples, tail_s: float = TAIL_S) -> Samples:
    silence = np.zeros(int(LEAD_S * RATE_HZ), np.float32), np.zeros(int(tail_s * RATE_HZ), np.float32)
    return np.concatenate([silence[0], samples, silence[1]])


def _played(recording: Recording, spoken: list[Spoken], result: Take) -> Played:
    lead_ms = round(LEAD_S * 1000)
    moved = tuple(Spoken(word.word, word.begin_ms + lead_ms, word.end_ms + lead_ms) for word in spoken)
    return Played(recording, moved, result)


@cache
def ours(quick: bool) -> list[Played]:
    """Through a server of our own, over the WebSocket."""
    recordings, aligned = _chosen(quick)
    with Server() as server:
        takes = asyncio.run(_play(server, recordings))
    report.keep("paced-ours", (line(one) for one in takes))
    if failed := [one for one in takes if one.failure]:
        raise RuntimeError(f"{len(failed)} of {len(takes)} tasks failed: {failed[0].failure}")
    return [_played(recording, aligned[recording.id], one) for recording, one in zip(recordings, takes, strict=True)]


async def _play(server: Server, recordings: list[Recording]) -> list[Take]:
    await take(server.url, server.key, "warm-up", recordings[0].samples[: 3 * RATE_HZ], pace=None)
    gate = asyncio.Semaphore(VOICES)

    async def play(recording: Recording) -> Take:
        async with gate:
            audio = padded(recording.samples)
            return await take(server.url, server.key, recording.id, audio, max_sentence_silence=SILENCE_MS)

    return list(await asyncio.gather(*(play(recording) for recording in recordings)))


@cache
def by_dialect(quick: bool) -> dict[str, list[Played]]:
    """Name of the protocol -> the same few recordings, played through it. Each is played through all protocols before
    the next one, so that they share the machine's moods; voices start apart, so that they do not speak in step."""
    recordings, aligned = _chosen(quick)
    recordings = recordings[::3] if quick else recordings[::6]
    with Server() as server:
        takes = asyncio.run(_play_dialects(server, recordings))
    report.keep("paced-dialects", (line(one) for one in takes.values()))
    if failed := [f"{name}: {one.failure}" for (name, _), one in takes.items() if one.failure]:
        raise RuntimeError(f"{len(failed)} of {len(takes)} sessions failed: {failed[0]}")
    found: dict[str, list[Played]] = {}
    for (name, index), one in takes.items():
        found.setdefault(name, []).append(_played(recordings[index], aligned[recordings[index].id], one))
    return found


async def _play_dialects(server: Server, recordings: list[Recording]) -> dict[tuple[str, int], Take]:
    """(protocol, index of the recording) -> take."""
    await take(server.url, server.key, "warm-up", recordings[0].samples[: 3 * RATE_HZ], pace=None)
    protocols = realtime_client.protocols(SILENCE_MS)
    jobs = [(name, index) for index in range(len(recordings)) for name in (TASKS, *protocols)]
    waiting = list(jobs)
    found: dict[tuple[str, int], Take] = {}

    async def play(name: str, index: int) -> Take:
        label, samples = f"{name} {recordings[index].id}", recordings[index].samples
        if name == TASKS:
            return await take(server.url, server.key, label, padded(samples), max_sentence_silence=SILENCE_MS)
        protocol = protocols[name]
        # Where the client ends the sentence it does so right behind the recording.
        audio = padded(samples, 0.0) if protocol.commits else padded(samples)
        return await realtime_client.take(server.base, server.key, protocol, label, audio)

    async def speak(voice: int) -> None:
        await asyncio.sleep(1.37 * voice)
        while waiting:
            job = waiting.pop(0)
            found[job] = await play(*job)

    await asyncio.gather(*(speak(voice) for voice in range(DIALECT_VOICES)))
    return {job: found[job] for job in jobs}


@cache
def moonshine(quick: bool) -> tuple[list[Played], float]:
    """Through the library's streaming Transcriber; and its processor seconds per second of audio. May raise NotRun."""
    recordings, aligned = _chosen(quick)
    recordings = recordings[::3]
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{recording.id}.npy") for recording in recordings]
        for path, recording in zip(paths, recordings, strict=True):
            np.save(path, padded(recording.samples))
        jobs = [{"name": str(voice), "audio": paths[voice::VOICES]} for voice in range(VOICES)]
        listed = Path(folder) / "jobs.json"
        listed.write_text(json.dumps(jobs))
        lines = peers.run("moonshine", "stream", str(listed), limit_s=400)
    takes = {line["name"]: restored(line) for line in lines if "name" in line}
    found = [
        _played(recording, aligned[recording.id], takes[f"{index % VOICES}/{index // VOICES}"])
        for index, recording in enumerate(recordings)
    ]
    report.keep("paced-moonshine", (line(one.take) for one in found))
    seconds = sum(recording.seconds + LEAD_S + TAIL_S for recording in recordings)
    return found, lines[-1]["cpu_s"] / seconds


def restored(line: dict[str, Any]) -> Take:
    """A take from the line that a peer wrote."""
    answers = [Answer(answer["at"], answer["sentence"]) for answer in line["answers"]]
    return Take(line["name"], sent=line["sent"], late=line["late"], answers=answers)


def line(one: Take) -> dict[str, Any]:
    answers = [{"at": answer.at, "sentence": answer.sentence} for answer in one.answers]
    return {"name": one.name, "sent": one.sent, "answers": answers, "failure": one.failure, "finished": one.finished}
