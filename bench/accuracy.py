"""Word error rate of the finals, words invented where nobody speaks, and what a stream of finals costs.

Our finals come from a real server over the WebSocket: one task per recording, interims off, sent `PACE` times faster
than spoken. Scored with whisper-normalizer and jiwer, over all words of a set together. The headline is English with
exact references, digit strings left out. CPU is the server process's own time per second of audio, everything
included (socket, detector, engine). Non-speech is sent a second time with interims on: no word may show there either.

Peers hear the same recordings: the library's offline call on whole recordings, sherpa-onnx on the segments that our
server cut. The library's streaming Transcriber hears a part of them at the pace of speech (see `paced.py`), so its
column is set against ours on that same part.
"""

import asyncio
import json
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import corpus, paced, peers, report, score
from bench.client import Take, take
from bench.corpus import Recording
from bench.report import Table
from bench.server import Server

HEADLINE_WER, FINALS_CPU = 7.5, 0.07
PACE = 8.0
FINALS_ONLY = "qwen-audio-3.1-asr-flash-message"
"""A model name whose interims are off unless asked for."""
MARGIN_MS = 200
"""Audio given to the peer around each of our sentences."""


@dataclass(frozen=True)
class Outcome:
    """What one system wrote, and its processor seconds per second of audio."""

    texts: dict[str, str]
    cpu: float

    def counts(self, recordings: list[Recording]) -> list[tuple[int, int]]:
        known = [recording for recording in recordings if recording.id in self.texts]
        return [_errors(recording, self.texts[recording.id]) for recording in known]


def _errors(recording: Recording, text: str) -> tuple[int, int]:
    compare = score.digit_errors if recording.set == corpus.DIGITS else score.errors
    return compare(recording.reference, text)


def measure(quick: bool) -> Table:
    table = Table("accuracy")
    recordings = corpus.load(quick)
    english = [r for r in recordings if r.language == "en" and r.exact]
    headline = [r for r in english if r.headline]
    silent = [r for r in recordings if r.language == "none"]
    takes, ours, shown = asyncio.run(_ours(headline, [r for r in recordings if r not in headline], silent))
    offline, sherpa = _offline(english), _sherpa(english, takes)
    others = {f"{peers.MOONSHINE} offline": offline, peers.SHERPA: sherpa}

    _headline(table, headline, ours, others)
    for name in dict.fromkeys(r.set for r in english):
        some = [r for r in english if r.set == name]
        cells = {system: _wer(outcome, some) for system, outcome in others.items()}
        table.add(f"WER {name} ({len(some)})", _wer(ours, some), peers=cells)
    cells = {system: _wer(outcome, english) for system, outcome in others.items()}
    table.add(f"WER all English with exact references ({len(english)})", _wer(ours, english), peers=cells)
    cells = {system: _cpu(outcome) for system, outcome in others.items()}
    table.add("CPU per second of audio, finals only", _cpu(ours), f"≤ {FINALS_CPU}", ours.cpu <= FINALS_CPU, cells)
    invented = sum(len(score.plain(ours.texts[r.id])) for r in silent)
    table.add(f"words invented on non-speech ({len(silent)} files)", str(invented), "0", invented == 0)
    table.add("… words shown there in interims or finals", str(shown), "0", shown == 0)
    _streaming(table, ours, quick)
    table.notes.append(f"one task at a time, sent {PACE:.0f} × faster than spoken; per-set figures in (files)")
    return table


def _headline(table: Table, headline: list[Recording], ours: Outcome, others: dict[str, "Outcome | str"]) -> None:
    counts = ours.counts(headline)
    rate, (low, high) = score.rate(counts), score.interval(counts)
    table.add(
        f"**WER, digits left out** ({len(headline)} files, {sum(words for _, words in counts)} words)",
        f"**{rate:.2f} %** [{low:.1f}–{high:.1f}]",
        f"≤ {HEADLINE_WER} %",
        rate <= HEADLINE_WER,
        {system: _wer(outcome, headline) for system, outcome in others.items()},
    )


def _wer(outcome: "Outcome | str", recordings: list[Recording]) -> str:
    return outcome if isinstance(outcome, str) else f"{score.rate(outcome.counts(recordings)):.2f} %"


def _cpu(outcome: "Outcome | str") -> str:
    return outcome if isinstance(outcome, str) else f"{outcome.cpu:.3f}"


async def _ours(
    headline: list[Recording], rest: list[Recording], silent: list[Recording]
) -> tuple[dict[str, Take], Outcome, int]:
    """(takes by recording, what they say, words shown on non-speech). CPU is measured over the headline alone."""
    with Server() as server:

        async def run(recording: Recording, **how: Any) -> Take:
            done = await take(server.url, server.key, recording.id, recording.samples, pace=PACE, **how)
            if done.failure:
                raise RuntimeError(f"{recording.id}: {done.failure}")
            return done

        await run(headline[0], model=FINALS_ONLY)
        before = server.cpu_s()
        takes = {recording.id: await run(recording, model=FINALS_ONLY) for recording in headline}
        cpu = (server.cpu_s() - before) / sum(recording.seconds for recording in headline)
        takes |= {recording.id: await run(recording, model=FINALS_ONLY) for recording in rest}
        loud = [await run(recording) for recording in silent]
    report.keep("accuracy", ({"id": name, "text": one.text} for name, one in takes.items()))
    shown = sum(len(score.plain(answer.text)) for one in loud for answer in one.answers)
    return takes, Outcome({name: one.text for name, one in takes.items()}, cpu), shown


def _offline(recordings: list[Recording]) -> "Outcome | str":
    try:
        return _collected(peers.run("moonshine", "offline", *(r.id for r in recordings), limit_s=240))
    except peers.NotRun as reason:
        return reason.cell


def _sherpa(recordings: list[Recording], takes: dict[str, Take]) -> "Outcome | str":
    segments = {recording.id: _segments(recording, takes[recording.id]) for recording in recordings}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "segments.json"
        path.write_text(json.dumps(segments))
        try:
            return _collected(peers.run("sherpa", str(path), limit_s=240))
        except peers.NotRun as reason:
            return reason.cell


def _segments(recording: Recording, one: Take) -> list[tuple[int, int]]:
    """Where our server cut, with a margin that never reaches into the neighbour."""
    bounds = [(answer.sentence["begin_time"], answer.sentence["end_time"]) for answer in one.finals]
    borders = [0, *((end + begin) // 2 for (_, end), (begin, _) in pairwise(bounds))]
    borders.append(round(recording.seconds * 1000))
    return [
        (max(begin - MARGIN_MS, borders[index]), min(end + MARGIN_MS, borders[index + 1]))
        for index, (begin, end) in enumerate(bounds)
    ]


def _collected(lines: list[dict[str, Any]]) -> Outcome:
    cpu = sum(line["cpu_s"] for line in lines) / sum(line["seconds"] for line in lines)
    return Outcome({line["id"]: line["text"] for line in lines}, cpu)


def _streaming(table: Table, ours: Outcome, quick: bool) -> None:
    """The library's streaming call, on the part of the recordings that it hears at the pace of speech."""
    name = f"{peers.MOONSHINE} streaming"
    try:
        played, cpu = paced.moonshine(quick)
    except peers.NotRun as reason:
        table.add("WER on the part that the streaming peer hears", "", peers={name: reason.cell})
        return
    streamed = Outcome({one.recording.id: one.take.text for one in played}, cpu)
    part = [one.recording for one in played if one.recording.id in ours.texts]
    cells = {name: _wer(streamed, part)}
    table.add(f"WER on the part that the streaming peer hears ({len(part)})", _wer(ours, part), peers=cells)
    table.add("CPU per second of audio, interims too", "see load", peers={name: _cpu(streamed)})
