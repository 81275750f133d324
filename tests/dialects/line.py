"""A client, a dialect, a real session and a scripted engine in one thread, for sessions told in JSON events."""

import base64
import json
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from core.drive import Drive, pcm
from stenowire.dialects.base import Close, Dialect, Output, Text
from stenowire.events import Listen, Open, Work

COMPLETED = "conversation.item.input_audio_transcription.completed"


class Reader(Protocol):
    """Objects to what breaks the rules of its protocol."""

    def take(self, outputs: list[Output]) -> None: ...


class SlowDrive(Drive):
    """Hears as late as a test wants. Work is done after all that was said with it has been told, as by a pool."""

    unheard: list[object] | None = None

    def __init__(self, opening: Open) -> None:
        self.work: deque[object] = deque()
        self.working = False
        super().__init__(opening)

    def _carry(self, outputs: Iterable[object]) -> None:
        for output in outputs:
            if isinstance(output, Work):
                self.work.append(output)
            else:
                self.updates.append(output)
        if self.working:
            return
        self.working = True
        while self.work:
            work = self.work.popleft()
            if self.unheard is not None and isinstance(work, Listen):
                self.unheard.append(work)
            else:
                super()._carry([work])
        self.working = False

    def hear(self) -> None:
        unheard, self.unheard = self.unheard, None
        self._carry(unheard or [])


class Line:
    """Every frame that is written is read by `reader`."""

    def __init__(self, dialect: Dialect, reader: Reader) -> None:
        self.dialect = dialect
        self.reader = reader
        self.events: list[dict[str, Any]] = []
        self.drive: SlowDrive | None = None
        self.told = 0
        self.carry(self.dialect.begin(0.0))

    @property
    def now(self) -> float:
        return self.drive.now if self.drive else 0.0

    def write(self, type: str, **fields: Any) -> None:
        self.carry(self.dialect.receive(json.dumps({"type": type, **fields}), self.now))

    def speak(self, samples: np.ndarray) -> None:
        """Real time goes on with the audio, 100 ms at a time."""
        self.send_bytes(pcm(samples), 3200)

    def send_bytes(self, data: bytes, step: int) -> None:
        """In the format that was agreed on; `step` bytes last 100 ms."""
        for at in range(0, len(data), step):
            if self.drive:
                self.drive.now += 0.1
            self.write("input_audio_buffer.append", audio=base64.b64encode(data[at : at + step]).decode())

    def answer_held(self) -> None:
        assert self.drive and self.drive.held is not None
        held, self.drive.held = self.drive.held, None
        for step in held:
            if step.stream in self.drive.states:
                self.drive.answer(step)
                self.listen()

    def hear(self) -> None:
        assert self.drive
        self.drive.hear()
        self.listen()

    def carry(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Text(data=data):
                    self.reader.take([output])
                    self.events.append(json.loads(data))
                case Close():
                    self.reader.take([output])
                case Open():
                    self.drive = SlowDrive(output)
                    self.listen()
                case _:
                    assert self.drive
                    self.drive.send(output)
                    self.listen()

    def listen(self) -> None:
        assert self.drive
        while self.told < len(self.drive.updates):
            self.told += 1
            self.carry(self.dialect.send(self.drive.updates[self.told - 1], self.now))  # type: ignore[arg-type]

    def of(self, type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == type]

    @property
    def transcripts(self) -> list[str]:
        return [event["transcript"] for event in self.of(COMPLETED)]
