"""Keeps what sessions hear and say, where the operator has switched the history on.

Input: pieces of sound at their places, and final sentences, from the event loop, where nothing waits for a disk.
Output: the history, written by one thread. What cannot be written in time is left out and counted, and recognition
goes on.
"""

import asyncio
import hashlib
import queue
import threading
import time
import uuid

import msgspec
import numpy as np
import structlog

from stenowire.events import Final, Listen, Open
from stenowire.settings import Settings
from stenowire.store.history import BYTES_PER_MS, SAMPLE_BYTES, History
from stenowire.types import Samples, Sentence

log = structlog.get_logger(__name__)

GATHER_S = 0.5
"""Sentences wait this long for others, to be written in one transaction."""
MOST_WAITING = 4096
"""Pieces that may wait for the disk: with pieces of 100 ms, some 13 MB."""
TIDY_S = 3600.0
DAY_S = 86_400.0
FULL_SCALE = 32767


class Began(msgspec.Struct, frozen=True):
    id: str
    tenant: str
    model: str


class Sound(msgspec.Struct, frozen=True):
    id: str
    at: int
    """A sample since the recording began."""
    samples: Samples


class Said(msgspec.Struct, frozen=True):
    id: str
    sentence: Sentence


Note = Began | Sound | Said


class Recorder:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.history = History(settings)
        self._notes: queue.Queue[Note | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self.left_out = 0

    @property
    def on(self) -> bool:
        return self._settings.history

    def open(self, opening: Open, tenant: str) -> "Track | None":
        """Where a session's sound and sentences go; None while the history is off."""
        if not self.on:
            return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="history", daemon=True)
            self._thread.start()
        id = recording_id(opening, tenant)
        self.put(Began(id, tenant, opening.model))
        return Track(self, id, self._settings.history_audio)

    def put(self, note: Note) -> None:
        try:
            self._notes.put_nowait(note)
        except queue.Full:
            self.left_out += 1
            if self.left_out == 1:
                log.warning("history cannot keep up; some of it is left out")

    async def stop(self) -> None:
        """Write all that waits."""
        if self._thread is not None:
            await asyncio.to_thread(self._notes.put, None)
            await asyncio.to_thread(self._thread.join)
        self.history.close()

    # ---- the thread ---------------------------------------------------------------------------------------------

    def _write(self) -> None:
        tidy_at = 0.0
        while True:
            notes, ended = self._gather()
            try:
                self._keep(notes)
                if time.monotonic() >= tidy_at:
                    self._tidy()
                    tidy_at = time.monotonic() + TIDY_S
            except (
                Exception
            ) as error:  # whatever it is: without this thread the queue would fill, and a stop would wait
                self.left_out += len(notes)
                log.error("history not written", reason=type(error).__name__, notes=len(notes))
            if ended:
                return

    def _gather(self) -> tuple[list[Note], bool]:
        """What came within a while, and whether that was the end."""
        notes: list[Note] = []
        until = time.monotonic() + GATHER_S
        while len(notes) < MOST_WAITING:
            wait_s = until - time.monotonic() if notes else None
            try:
                note = self._notes.get(timeout=None if wait_s is None else max(0.0, wait_s))
            except queue.Empty:
                return notes, False
            if note is None:
                return notes, True
            notes.append(note)
        return notes, False

    def _keep(self, notes: list[Note]) -> None:
        now = time.time()
        heard: dict[str, int] = {}
        with self.history.writing() as pen:
            for note in notes:
                match note:
                    case Began(id=id, tenant=tenant, model=model):
                        pen.begin(id, tenant, model, now)
                    case Said(id=id, sentence=sentence):
                        pen.add(id, sentence)
                        heard[id] = max(heard.get(id, 0), sentence.end_ms or 0)
                    case Sound(id=id, at=at, samples=samples):
                        self._lay_down(note)
                        end_ms = (at + len(samples)) * SAMPLE_BYTES // BYTES_PER_MS
                        heard[id] = max(heard.get(id, 0), end_ms)
            for id, audio_ms in heard.items():
                pen.note(id, audio_ms, now)

    def _lay_down(self, sound: Sound) -> None:
        path = self.history.sound(sound.id)
        if not path.exists():
            path.touch(0o600)
        with path.open("r+b") as file:
            file.seek(sound.at * SAMPLE_BYTES)
            file.write((np.clip(sound.samples, -1, 1) * FULL_SCALE).astype("<i2").tobytes())

    def _tidy(self) -> None:
        if days := self._settings.history_days:
            self.history.delete_before(time.time() - days * DAY_S)
        self.history.shrink(self._settings.history_bytes)


class Track:
    """One session's way into the history."""

    def __init__(self, recorder: Recorder, id: str, audio: bool) -> None:
        self._recorder = recorder
        self._audio = audio
        self.id = id

    def heard(self, work: Listen) -> None:
        if self._audio:
            self._recorder.put(Sound(self.id, work.at, work.samples.copy()))

    def said(self, final: Final) -> None:
        self._recorder.put(Said(self.id, final.sentence))


def recording_id(opening: Open, tenant: str) -> str:
    """Of a session that is taken up again the same each time, so that its parts become one recording."""
    if opening.claim is None:
        return uuid.uuid4().hex
    return hashlib.sha256(f"{tenant}\0{opening.claim.session}".encode()).hexdigest()[:32]
