"""The engine makers' own library: its offline call, and its streaming Transcriber at the pace of speech.

    python -m bench.peers.moonshine offline ID...
    python -m bench.peers.moonshine stream JOBS.json

offline writes {id, text, cpu_s, seconds}. stream plays each job {name, audio: [.npy file per turn]} in a thread of its
own, 100 ms at a time on an absolute schedule, and writes one {name, sent, late, answers} in the shape that
`bench.client.Take` has, and at last {cpu_s}. A completed line counts as a final, other changes of text as interims.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from moonshine_voice import ModelArch, Transcriber, get_model_path
from moonshine_voice.transcriber import TranscriptEvent

from bench import corpus
from bench.corpus import RATE_HZ

FRAME_S = 0.1
UPDATE_S = 0.5
"""The library's own default."""


def transcriber() -> Transcriber:
    return Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY, update_interval=UPDATE_S)


def offline(names: list[str]) -> None:
    engine = transcriber()
    wanted = set(names)
    for recording in corpus.load():
        if recording.id not in wanted:
            continue
        samples = recording.samples.tolist()
        begun = time.process_time()
        lines = engine.transcribe_without_streaming(samples, RATE_HZ).lines
        cpu_s = time.process_time() - begun
        text = " ".join(line.text for line in lines)
        print(json.dumps({"id": recording.id, "text": text, "cpu_s": cpu_s, "seconds": recording.seconds}), flush=True)


def stream(jobs: list[dict[str, Any]]) -> None:
    engine = transcriber()
    engine.transcribe_without_streaming([0.0] * RATE_HZ, RATE_HZ)
    audio = [[np.load(path) for path in job["audio"]] for job in jobs]
    begun = time.process_time()
    start = time.monotonic() + 0.5
    voices = [
        threading.Thread(target=_voice, args=(engine, job["name"], turns, start + 0.37 * index))
        for index, (job, turns) in enumerate(zip(jobs, audio, strict=True))
    ]
    for voice in voices:
        voice.start()
    for voice in voices:
        voice.join()
    print(json.dumps({"cpu_s": time.process_time() - begun}), flush=True)


def _voice(engine: Transcriber, name: str, turns: list[corpus.Samples], start: float) -> None:
    for turn, samples in enumerate(turns):
        start = _turn(engine, f"{name}/{turn}", samples, start)


def _turn(engine: Transcriber, name: str, samples: corpus.Samples, start: float) -> float:
    """Play one recording; the time at which the next may begin."""
    answers: list[dict[str, Any]] = []
    stream = engine.create_stream()
    stream.add_listener(lambda event: _note(answers, event))
    stream.start()
    step = int(FRAME_S * RATE_HZ)
    sent: list[float] = []
    late: list[float] = []
    for index, offset in enumerate(range(0, len(samples), step)):
        due = start + index * FRAME_S
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        sent.append(time.monotonic())
        stream.add_audio(samples[offset : offset + step].tolist(), RATE_HZ)
    stream.stop()
    stream.close()
    print(json.dumps({"name": name, "sent": sent, "late": late, "answers": answers}), flush=True)
    return max(start + len(sent) * FRAME_S, time.monotonic())


def _note(answers: list[dict[str, Any]], event: TranscriptEvent) -> None:
    line = getattr(event, "line", None)
    kind = type(event).__name__
    if line is None or kind not in ("LineTextChanged", "LineCompleted"):
        return
    begin_ms, end_ms = round(line.start_time * 1000), round((line.start_time + line.duration) * 1000)
    sentence = {
        "sentence_id": line.line_id,
        "begin_time": begin_ms,
        "end_time": end_ms if kind == "LineCompleted" else None,
        "text": line.text,
        "words": [],
    }
    answers.append({"at": time.monotonic(), "sentence": sentence})


if __name__ == "__main__":
    if sys.argv[1] == "offline":
        offline(sys.argv[2:])
    else:
        stream(json.loads(Path(sys.argv[2]).read_text()))
