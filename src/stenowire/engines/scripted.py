"""A stand-in engine and detector whose words are written into the audio: for tests of everything but recognition.

`say("w3 w7")` makes audio in which word N is a 400 ms block of level N/100 followed by 100 ms of near silence. The
engine reads the levels back, so its words depend on the audio alone, as a real engine's do; the detector calls
anything above a whisper speech. Never offered to users.

Asked to, it takes terms as engines with a prompt do. A hot word "Bulge Bracket" that sounds like "w7 w9" is written
where these words were said, and so is a line "Bulge Bracket = w7 w9" of the context.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from stenowire.engines.base import Job
from stenowire.errors import InvalidParameter
from stenowire.types import SESSION_RATE_HZ, Applied, EngineInfo, Hint, Hypothesis, Samples, Word

WORD_MS = 400
GAP_MS = 100
SLOT = (WORD_MS + GAP_MS) * SESSION_RATE_HZ // 1000
BLOCK = WORD_MS * SESSION_RATE_HZ // 1000
FLOOR = 0.005


def say(text: str) -> Samples:
    """Audio for words "w1".."w90", float32 at 16 kHz."""
    slots = [np.concatenate([_block(word), np.zeros(SLOT - BLOCK, np.float32)]) for word in text.split()]
    return np.concatenate(slots) if slots else np.zeros(0, np.float32)


def _block(word: str) -> Samples:
    level = int(word.removeprefix("w")) / 100
    return np.where(np.arange(BLOCK) % 2 == 0, level, -level).astype(np.float32)


def pause(ms: int) -> Samples:
    return np.zeros(ms * SESSION_RATE_HZ // 1000, np.float32)


class ScriptedDetector:
    """Speech is whatever is louder than a whisper, and the short gap behind it."""

    def open(self) -> list[float]:
        return [0.0]

    def hear(self, jobs: Sequence[tuple[Any, Samples]]) -> list[Samples]:
        return [self._judge(state, samples) for state, samples in jobs]

    def _judge(self, state: list[float], samples: Samples) -> Samples:
        loud = np.abs(samples.reshape(-1, 512)).max(axis=1) > FLOOR
        probabilities = np.zeros(len(loud), np.float32)
        for index, is_loud in enumerate(loud):
            # Four frames bridge the gap between two words.
            state[0] = 4.0 if is_loud else state[0] - 1
            probabilities[index] = 0.97 if state[0] > 0 else 0.02
        return probabilities

    def dump(self, state: list[float]) -> bytes:
        return struct.pack("<f", state[0])

    def restore(self, data: bytes) -> list[float]:
        try:
            return list(struct.unpack("<f", data))
        except struct.error:
            raise InvalidParameter("resume.point.ear: not what this detector remembers") from None

    def close(self, state: list[float]) -> None: ...

    def warm_up(self) -> None: ...


class ScriptedEngine:
    """`before_step` may raise or sleep: that is how tests make an engine slow or faulty."""

    def __init__(
        self,
        before_step: Callable[[Sequence[Job]], None] | None = None,
        biasing: Literal["none", "phrases", "text"] = "none",
    ) -> None:
        """With "phrases" it takes hot words, with "text" the context too."""
        self.before_step = before_step
        self._biasing = biasing
        self.open_states = 0

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            name="scripted",
            languages=("en",),
            batch=4,
            word_times=True,
            biasing=self._biasing,
            description="Reads words that tests wrote into the audio; recognises nothing.",
        )

    def open(self, hint: Hint) -> dict[str, Any]:
        self.open_states += 1
        return {"open": True, "terms": _terms(hint, self._biasing), "shown": ()}

    def close(self, state: dict[str, Any]) -> None:
        if state["open"]:
            state["open"] = False
            self.open_states -= 1

    def warm_up(self) -> None: ...

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        if self.before_step:
            self.before_step(jobs)
        return [_biased(job, self._read(job)) for job in jobs]

    def _read(self, job: Job) -> Hypothesis:
        words: list[Word] = []
        loud = np.abs(job.clip) > FLOOR
        at = int(loud.argmax()) if loud.any() else len(loud)
        while at < len(loud):
            run = loud[at : at + BLOCK]
            length = len(run) if run.all() else int((~run).argmax())
            level = float(np.median(np.abs(job.clip[at : at + length])))
            words.append(Word(f"w{round(level * 100)}", _ms(at), _ms(at + length)))
            rest = loud[at + length :]
            at = at + length + int(rest.argmax()) if rest.any() else len(loud)
        return Hypothesis(words=tuple(words), heard_ms=_ms(len(job.clip)), final=job.final, language="en")


Terms = list[tuple[list[str], Applied]]
"""What is said, and what is then to be told."""


def _terms(hint: Hint, biasing: str) -> Terms:
    terms = [
        (said.lower().split(), _applied(word.text, said, "hotword", word.weight))
        for word in hint.hotwords
        for said in word.sounds_like or (word.text,)
        if biasing != "none"
    ]
    for line in hint.context.splitlines() if biasing == "text" else ():
        text, _, said = line.partition(" = ")
        terms.append(((said or text).lower().split(), _applied(text, said or text, "context", 4)))
    return sorted(terms, key=lambda term: -len(term[0]))


def _applied(text: str, said: str, source: Literal["hotword", "context"], weight: int) -> Applied:
    size = len(text.split())
    return Applied(term=text, before=said, begin=0, words=size, means="native", source=source, weight=weight)


def _biased(job: Job, heard: Hypothesis) -> Hypothesis:
    """Terms in the place of what sounds like them; in interims only after the settled words."""
    state: dict[str, Any] = job.state
    terms: Terms = (state or {}).get("terms", [])
    if not terms:
        return heard
    words: list[Word] = [] if job.final else list(state["shown"][: job.settled])
    settled_ms = words[-1].end_ms if words else 0
    applied: list[Applied] = []
    rest = [word for word in heard.words if word.begin_ms >= settled_ms]
    while rest:
        said = [word.text for word in rest]
        found = next((term for sounds, term in terms if sounds and said[: len(sounds)] == sounds), None)
        size = len(found.before.split()) if found else 1
        if found:
            applied.append(msgspec.structs.replace(found, begin=len(words)))
        words += _spread(found.term.split(), rest[:size]) if found else rest[:1]
        rest = rest[size:]
    if not job.final:
        state["shown"] = tuple(words)
    return msgspec.structs.replace(heard, words=tuple(words), applied=tuple(applied) if job.final else ())


def _spread(texts: Sequence[str], old: Sequence[Word]) -> list[Word]:
    """New words in the time of the old ones."""
    edges = np.linspace(old[0].begin_ms, old[-1].end_ms, len(texts) + 1).astype(int).tolist()
    return [Word(text, begin, end) for text, begin, end in zip(texts, edges, edges[1:], strict=False)]


def _ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ
