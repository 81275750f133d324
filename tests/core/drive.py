"""Runs a session with the scripted detector and engine, in one thread and in order: same input, same output."""

from collections.abc import Iterable, Sequence

import numpy as np

from stenowire.core.session import Session
from stenowire.engines.base import Job
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.errors import InternalError
from stenowire.events import (
    Audio,
    Broken,
    CloseStream,
    Final,
    Finish,
    Heard,
    Listen,
    Open,
    OpenStream,
    Partial,
    Result,
    Step,
    Stepped,
)
from stenowire.types import AudioFormat, Samples, Segmentation

NAME = "T"


def opening(**changes: object) -> Open:
    fields: dict[str, object] = {
        "session": NAME,
        "model": "fun-asr-realtime",
        "format": AudioFormat("pcm", 16_000),
        "segmentation": Segmentation(silence_ms=640),
    }
    return Open(**(fields | changes))  # type: ignore[arg-type]


def pcm(samples: Samples) -> bytes:
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


class Drive:
    """`now` follows the audio unless a test sets it."""

    def __init__(self, opening: Open, engine: ScriptedEngine | None = None) -> None:
        self.engine = engine or ScriptedEngine()
        self.detector = ScriptedDetector()
        self.ear = self.detector.open()
        self.now = 0.0
        self.session = Session(opening, self.engine.info, self.now)
        self.states: dict[int, object] = {}
        self.updates: list[object] = []
        self.steps: list[Step] = []
        self.stepped_at: dict[int, float] = {}
        self.held: list[Step] | None = None
        """Set to a list to hold steps back instead of answering them."""
        self.deaf = False
        """Set to hold requests to the detector back until `listen`."""
        self._unheard: list[Listen] = []
        self._carry(self.session.begin(self.now))

    def audio(self, samples: Samples, frame: int = 1600) -> list[object]:
        """Send in frames of this many samples; returns what came of it."""
        return self.data(pcm(samples), frame * 2)

    def data(self, data: bytes, size: int) -> list[object]:
        seen = len(self.updates)
        for at in range(0, len(data), size):
            self.now += len(data[at : at + size]) / 32_000
            self._carry(self.session.handle(Audio(NAME, data[at : at + size]), self.now))
        return self.updates[seen:]

    def send(self, command: object) -> list[object]:
        seen = len(self.updates)
        self._carry(self.session.handle(command, self.now))  # type: ignore[arg-type]
        return self.updates[seen:]

    def finish(self) -> list[object]:
        return self.send(Finish(NAME))

    def tick(self, now: float) -> list[object]:
        self.now = now
        seen = len(self.updates)
        self._carry(self.session.tick(now))
        return self.updates[seen:]

    def listen(self) -> None:
        self.deaf = False
        unheard, self._unheard = self._unheard, []
        self._carry(unheard)

    def answer(self, step: Step) -> None:
        self._carry(self.session.absorb(self._compute(step), self.now))

    def _carry(self, outputs: Iterable[object]) -> None:
        for output in outputs:
            match output:
                case Listen() if self.deaf:
                    self._unheard.append(output)
                case Listen(samples=samples, ear=ear):
                    self.ear = self.ear if ear is None else self.detector.restore(ear)
                    (probabilities,) = self.detector.hear([(self.ear, samples)])
                    self._carry(self.session.absorb(Heard(NAME, probabilities, self.detector.dump(self.ear)), self.now))
                case OpenStream(stream=stream, hint=hint):
                    self.states[stream] = self.engine.open(hint)
                case CloseStream(stream=stream):
                    self.engine.close(self.states.pop(stream))  # type: ignore[arg-type]
                case Step() if self._too_soon(output):
                    pass
                case Step():
                    self.steps.append(output)
                    if self.held is None:
                        self.answer(output)
                    else:
                        self.held.append(output)
                case _:
                    self.updates.append(output)

    def _too_soon(self, step: Step) -> bool:
        """Keep the spacing of interims as the scheduler does."""
        if step.kind == "final":
            return False
        soon = self.now - self.stepped_at.get(step.stream, float("-inf")) < step.spacing_ms / 1000 - 1e-6
        if not soon:
            self.stepped_at[step.stream] = self.now
        return soon

    def _compute(self, step: Step) -> Result:
        final = step.kind == "final"
        job = Job(state=self.states.get(step.stream), clip=step.clip, settled=step.settled, final=final)
        try:
            (hypothesis,) = self.engine.step([job])
        except Exception as error:
            return Broken(NAME, step.stream, InternalError(str(error)))
        return Stepped(NAME, step.stream, step.ticket, step.kind, hypothesis)


def finals(updates: Sequence[object]) -> list[str]:
    return [update.sentence.text for update in updates if isinstance(update, Final)]


def partials(updates: Sequence[object]) -> list[str]:
    return [update.sentence.text for update in updates if isinstance(update, Partial)]


def recognise(samples: np.ndarray, frame: int = 1600, **changes: object) -> Drive:
    drive = Drive(opening(**changes))
    drive.audio(samples, frame)
    drive.finish()
    return drive
