"""Recognise utterances with lists and without, as the server would, and take the time of each final.

    python -m bench.biasing.work JOB.json

It runs in the server's interpreter. Each utterance goes through a session of its own: speech detector, segmenter,
engine, sentences, in one thread, audio 100 ms at a time. Writes a line of JSON for each utterance and condition:
{condition, id, text, cpu_ms: one per final step, open_ms: one per engine stream, shown: [{at_ms, id, text}], applied,
stages: [{term, before, distance, gain and score where the audio was asked}]}.
Times are processor time of this thread. A job's `means` says which parts may use the list.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from stenowire.audio.vad import SpeechDetector
from stenowire.biasing.candidates import Candidate
from stenowire.biasing.index import Index
from stenowire.biasing.pronounce import open_lexicon
from stenowire.biasing.rewrite import replaced
from stenowire.biasing.verify import Decision
from stenowire.core.session import Session
from stenowire.engines.base import Effort, Engine, Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.registry import LEXICON
from stenowire.events import Audio, CloseStream, Final, Finish, Heard, Listen, Open, OpenStream, Partial, Step, Stepped
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.serving import biased
from stenowire.serving.biased import BiasedEngine
from stenowire.types import SESSION_RATE_HZ, AudioFormat, Hint, HotWord, Hypothesis, Samples, Word

NAME = "biasing"
MODEL = "fun-asr-realtime"
FRAME = SESSION_RATE_HZ // 10


class Deaf:
    """The embedded engine without its own biasing: what is found by sound then stands alone."""

    def __init__(self, engine: MoonshineEngine) -> None:
        self._engine = engine
        self.info, self.step, self.close = engine.info, engine.step, engine.close
        self.warm_up, self.tokens = engine.warm_up, engine.tokens
        self.score, self.score_openings = engine.score, engine.score_openings

    def open(self, hint: Hint) -> Any:
        state = self._engine.open(hint)
        state.terms = None
        return state


class Trusting:
    """The embedded engine's own biasing alone: what its decoder proposes is written without asking further."""

    def __init__(self, engine: MoonshineEngine) -> None:
        self._engine = engine
        self.info, self.open, self.close, self.warm_up = engine.info, engine.open, engine.close, engine.warm_up

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        heard = self._engine.step(jobs)
        return [self._written(job, one) if job.final else one for job, one in zip(jobs, heard, strict=True)]

    def _written(self, job: Job, heard: Hypothesis) -> Hypothesis:
        words = heard.words
        for proposal in sorted(self._engine.proposals(job.state), key=lambda proposal: -proposal.begin):
            new = replaced(words, proposal.begin, proposal.end, proposal.term)
            words = (*words[: proposal.begin], *new, *words[proposal.end :])
        return msgspec.structs.replace(heard, words=words)


def engine_for(means: str, bare: MoonshineEngine) -> Engine:
    """none; tokens: the decoder's own biasing along the terms' tokens; sound: found by sound and verified; both."""
    if means == "none":
        return bare
    if means == "tokens":
        return Trusting(bare)
    return BiasedEngine(Deaf(bare) if means == "sound" else bare, open_lexicon(ensure(LEXICON, default_root())))


class Stages:
    """What each stage of the last finals said of each candidate: where a term was lost, for those who tune."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._rank, self._decide = biased.rank, biased.decide
        biased.rank, biased.decide = self.rank, self.decide  # type: ignore[assignment]

    def rank(self, index: Index, words: Sequence[Word], candidates: Sequence[Candidate], *rest: Any) -> list[Candidate]:
        kept = self._rank(index, words, candidates, *rest)
        self.found, self.words = candidates, [word.text for word in words]
        return kept

    def decide(self, index: Index, *rest: Any) -> list[Decision]:
        decisions = self._decide(index, *rest)
        decided = {decision.candidate: decision for decision in decisions}
        for candidate in self.found:
            row = {
                "term": index.terms[candidate.term].text,
                "before": " ".join(self.words[candidate.begin : candidate.end]),
                "distance": round(candidate.distance, 3),
            }
            if (decision := decided.get(candidate)) is not None:
                row |= {"gain": round(decision.gain, 2), "score": round(decision.score, 2)}
            self.seen.append(row)
        return decisions

    def take(self) -> list[dict[str, Any]]:
        seen, self.seen = self.seen, []
        return seen


class Ear:
    """The speech detector, asked once for each piece of sound: conditions differ only behind it."""

    def __init__(self, detector: SpeechDetector) -> None:
        self._detector = detector
        self._known: dict[tuple[str, int], Samples] = {}

    def listener(self, utterance: str) -> "Listener":
        return Listener(self, utterance)


class Listener:
    def __init__(self, ear: Ear, utterance: str) -> None:
        self._ear, self._utterance, self._calls = ear, utterance, 0
        self._state = ear._detector.open()

    def hear(self, samples: Samples) -> Samples:
        key = self._utterance, self._calls
        self._calls += 1
        if key not in self._ear._known:
            (self._ear._known[key],) = self._ear._detector.hear([(self._state, samples)])
        return self._ear._known[key]


class Hearing:
    """One utterance on its way through a session."""

    def __init__(self, engine: Engine, listener: Listener, hint: Hint, effort: Effort, interims: bool) -> None:
        opening = Open(NAME, model=MODEL, format=AudioFormat("pcm", SESSION_RATE_HZ), hint=hint, interims=interims)
        self.engine, self.listener, self.effort = engine, listener, effort
        self.session = Session(opening, engine.info, 0.0)
        self.now = 0.0
        self.states: dict[int, Any] = {}
        self.stepped_at: dict[int, float] = {}
        self.finals: list[Final] = []
        self.shown: list[dict[str, Any]] = []
        self.cpu_ms: list[float] = []
        self.open_ms: list[float] = []

    def run(self, samples: Samples) -> None:
        data = (np.clip(samples, -1, 1 - 2**-15) * 2**15).astype("<i2").tobytes()
        self._carry(self.session.begin(self.now))
        for at in range(0, len(data), 2 * FRAME):
            self.now += 0.1
            self._carry(self.session.handle(Audio(NAME, data[at : at + 2 * FRAME]), self.now))
        self._carry(self.session.handle(Finish(NAME), self.now))

    def _carry(self, outputs: Iterable[object]) -> None:
        for output in outputs:
            match output:
                case Listen(samples=samples):
                    self._carry(self.session.absorb(Heard(NAME, self.listener.hear(samples)), self.now))
                case OpenStream(stream=stream, hint=hint):
                    began = time.thread_time()
                    self.states[stream] = self.engine.open(hint)
                    self.open_ms.append(1000 * (time.thread_time() - began))
                case CloseStream(stream=stream):
                    self.engine.close(self.states.pop(stream))
                case Step() if not self._too_soon(output):
                    stepped = Stepped(NAME, output.stream, output.ticket, output.kind, self._step(output))
                    self._carry(self.session.absorb(stepped, self.now))
                case Partial(sentence=sentence) | Final(sentence=sentence):
                    self.shown.append({"at_ms": round(self.now * 1000), "id": sentence.id, "text": sentence.text})
                    self.finals += [output] if isinstance(output, Final) else []

    def _too_soon(self, step: Step) -> bool:
        """Keep the spacing of interims as the scheduler does."""
        if step.kind == "final":
            return False
        soon = self.now - self.stepped_at.get(step.stream, float("-inf")) < step.spacing_ms / 1000 - 1e-6
        if not soon:
            self.stepped_at[step.stream] = self.now
        return soon

    def _step(self, step: Step) -> Hypothesis:
        final = step.kind == "final"
        effort: Effort = self.effort if final else "greedy"
        job = Job(state=self.states[step.stream], clip=step.clip, settled=step.settled, final=final, effort=effort)
        began = time.thread_time()
        (hypothesis,) = self.engine.step([job])
        if final:
            self.cpu_ms.append(1000 * (time.thread_time() - began))
        return hypothesis


def main(path: str) -> None:
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    clips = np.load(job["clips"])
    bare = MoonshineEngine(ensure("moonshine-tiny-en", default_root()))
    detector = SpeechDetector(ensure("silero-vad", default_root()))
    detector.warm_up()
    bare.warm_up()
    ear = Ear(detector)
    by_means: dict[str, Engine] = {}
    stages = Stages()
    for condition in job["conditions"]:
        if condition["means"] not in by_means:
            by_means[condition["means"]] = engine_for(condition["means"], bare)
        engine = by_means[condition["means"]]
        for group in condition["groups"]:
            hint = Hint(hotwords=_hotwords(group.get("terms", ())), context=group.get("context", ""))
            for name in group["ids"]:
                one = Hearing(engine, ear.listener(name), hint, job["effort"], condition.get("interims", False))
                one.run(clips[name])
                told = {**_told(one), "stages": stages.take()}
                print(json.dumps({"condition": condition["name"], "id": name, **told}), flush=True)


def _hotwords(terms: Sequence[str]) -> tuple[HotWord, ...]:
    return tuple(HotWord(term) for term in terms)


def _told(one: Hearing) -> dict[str, Any]:
    return {
        "text": " ".join(final.sentence.text for final in one.finals),
        "cpu_ms": [round(ms, 2) for ms in one.cpu_ms],
        "open_ms": [round(ms, 2) for ms in one.open_ms],
        "shown": one.shown,
        "applied": [msgspec.to_builtins(entry) for final in one.finals for entry in final.sentence.applied],
    }


if __name__ == "__main__":
    main(sys.argv[1])
