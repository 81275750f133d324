"""One recognition session as a silent machine: commands and results in, updates and work out.

It obeys the client, owns the audio until it has been answered, and has it heard and transcribed in order. No I/O, no
clock (time is an argument, in seconds of any monotonic clock), no tasks: a bad caption is reproduced by feeding it a
recorded list of inputs.
"""

from typing import Literal

import msgspec

from stenowire.core import segmenter as cuts
from stenowire.core.hearing import Hearing
from stenowire.core.line_in import LineIn
from stenowire.core.marks import Mark, Marks
from stenowire.core.resuming import Answers
from stenowire.core.segmenter import Segmenter
from stenowire.core.steps import Steps
from stenowire.core.tape import Tape
from stenowire.core.transcriber import Output as Output
from stenowire.core.transcriber import Transcriber
from stenowire.core.watch import Watch
from stenowire.errors import (
    EmptyBuffer,
    InvalidParameter,
    NoValidAudio,
    StenowireError,
    UnsupportedLanguage,
)
from stenowire.events import (
    Alive,
    Audio,
    Broken,
    Clear,
    Cleared,
    Command,
    Commit,
    Failed,
    Finish,
    Finished,
    Hangup,
    Heard,
    Open,
    Opened,
    Reconfigure,
    Reconfigured,
    Refused,
    Result,
    Stepped,
)
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Segmentation


class Session:
    def __init__(self, opening: Open, engine: EngineInfo, now: float) -> None:
        self.name = opening.session
        self.opening = opening
        self.engine = engine
        self.done = False
        point = opening.resume
        self._tape = Tape(point.begin if point else 0)
        self._line = LineIn(opening, self._tape)
        self._marks = Marks()
        self._answers = Answers(opening)
        self._hearing = Hearing(opening, self._tape, self._line, self._answers)
        self._segmenter = Segmenter(self._within_engine(opening.segmentation), place=point.place if point else None)
        self._steps = Steps(opening, engine, self._tape, self._line)
        self._needed = self._tape.begin
        """From where audio is kept."""
        self._finishing = False
        self._watch = Watch(opening.limits, opening.heartbeat, now, self._segmenter.heard)
        self._transcriber = Transcriber(
            opening, engine, self._segmenter, self._steps, self._marks, self._answers, self._watch
        )
        self._out: list[Output] = []
        if point and point.place.start is not None:
            begin = cuts.Begin(start=point.place.start, onset=point.place.start)
            self._out += self._transcriber.begin_utterance(begin)

    # ---- what the gateway asks ----------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        self._watch.began_at = now
        return [Opened(self.name)]

    @property
    def audio_s(self) -> float:
        """Audio received, in seconds."""
        return self._line.audio_s

    @property
    def backlog_s(self) -> float:
        """Audio that is kept because it is not answered yet, in seconds. The gateway bounds it by back-pressure."""
        return (self._tape.end - self._needed) / SESSION_RATE_HZ

    @property
    def laborious(self) -> bool:
        """Whether taking in audio costs milliseconds, so that no event loop should do it."""
        return self._line.laborious

    @property
    def next_tick(self) -> float | None:
        """When `tick` should be called at the latest, None when no timer runs."""
        return None if self.done or self._finishing else self._watch.next_tick

    def handle(self, command: Command, now: float) -> list[Output]:
        """Obey one command. After Finished or Failed nothing comes any more."""
        if self.done:
            return []
        try:
            self._obey(command, now)
            self._settle(now)
        except StenowireError as error:
            if error.fatal or not isinstance(command, Commit | Clear | Reconfigure):
                self._fail(error)
            else:
                self._out.append(Refused(self.name, error))
        return self._take()

    def absorb(self, result: Result, now: float) -> list[Output]:
        """Take in the answer to one piece of work."""
        if self.done:
            return []
        match result:
            case Heard():
                self._heard(result, now)
            case Stepped():
                self._out += self._transcriber.stepped(result, now)
            case Broken():
                self._broken(result, now)
        if not self.done:
            self._settle(now)
        return self._take()

    def tick(self, now: float) -> list[Output]:
        due = self.next_tick
        if due is None or now < due:
            return []
        self._fail(self._watch.overdue())
        return self._take()

    # ---- commands -----------------------------------------------------------------------------------------------

    def _obey(self, command: Command, now: float) -> None:
        match command:
            case Audio(data=data):
                self._receive(data, now)
            case Finish():
                self._finish()
            case Commit():
                self._commit()
            case Clear():
                self._mark("clear")
                self._out.append(Cleared(self.name))
            case Reconfigure():
                self._reconfigure(command)
            case Hangup():
                self._out += self._transcriber.close()
                self.done = True
            case Open():
                raise InvalidParameter("the session is open already")

    def _receive(self, data: bytes, now: float) -> None:
        if self._finishing or not data:
            return
        self._watch.audio(now)
        self._line.feed(data)

    def _finish(self) -> None:
        if self._finishing:
            return
        self._finishing = True
        if not self._watch.has_audio:
            raise NoValidAudio("no audio was sent before the task was finished")
        self._line.flush()
        if self._tape.end < self._segmenter.heard and self.opening.resume:
            raise InvalidParameter("less audio came than there was before the resume point")
        self._transcriber.sound_end = self._tape.end
        # Frames are whole: silence fills up the last one, and two more let the detector close on the last word.
        self._line.fill(2)

    def _commit(self) -> None:
        if self._tape.end == self._marks.last_at:
            raise EmptyBuffer("nothing to commit: the audio buffer is empty")
        self._mark("commit")

    def _mark(self, kind: Literal["commit", "clear", "mode"], segmentation: Segmentation | None = None) -> None:
        """Note a border on the tape; it takes effect once all before it is heard. Silence fills up the last frame."""
        filled = self._line.fill()
        self._marks.add(Mark(self._tape.end, filled, kind, segmentation))

    def _reconfigure(self, command: Reconfigure) -> None:
        if command.hint is not None:
            self._check_language(command.hint.language)
        self._line.change(command)
        if command.hint is not None:
            self._steps.hint = command.hint
        if command.segmentation is not None:
            self._resegment(self._within_engine(command.segmentation))
        self._out.append(Reconfigured(self.name))

    def _resegment(self, segmentation: Segmentation) -> None:
        """A new mode waits until all audio before it is heard; other numbers hold at once."""
        waits = self._marks or self._tape.end > self._segmenter.heard or self._segmenter.speaking
        mode = self._marks.behind(self._segmenter.segmentation).mode
        if segmentation.mode != mode and waits:
            # Leaving manual mode commits what has not been: no audio is lost, and none changes its item.
            left = mode == "manual" and self._tape.end > self._marks.last_at
            self._mark("commit" if left else "mode", segmentation)
        elif not self._marks:
            self._segmenter.segmentation = segmentation
        else:
            self._marks.amend(segmentation)

    def _check_language(self, language: str | None) -> None:
        known = (*self.engine.languages, "auto")
        if language and language.split("-")[0].lower() not in known:
            raise UnsupportedLanguage(
                f"language {language!r} is not covered; {self.engine.name} knows {', '.join(self.engine.languages)}",
                "language",
            )

    def _within_engine(self, segmentation: Segmentation) -> Segmentation:
        limit = min(segmentation.max_ms, self.engine.max_ms)
        return msgspec.structs.replace(segmentation, max_ms=limit)

    # ---- hearing ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        until = self._marks.next_at if self._marks.next_at is not None else self._tape.end
        self._out += self._hearing.ask(until, self._segmenter.heard)

    def _heard(self, heard: Heard, now: float) -> None:
        judged = self._hearing.take(heard)
        if judged.begin < self._segmenter.heard:
            return self._segmenter.recall(judged.begin, judged.probabilities, judged.levels_db, judged.odds)
        self._out += self._transcriber.hear(judged, now)
        self._watch_silence()

    def _broken(self, broken: Broken, now: float) -> None:
        again = self._transcriber.retry(broken.stream, now)
        if again is None:
            return self._fail(broken.error)
        self._out += again

    def _pass_mark(self, now: float) -> None:
        """All audio before a mark has been heard: carry it out."""
        mark = self._marks.pass_next()
        match mark.kind:
            case "commit":
                self._out += self._transcriber.commit(now)
            case "clear":
                self._out += self._transcriber.clear()
            case "mode":
                self._out += self._transcriber.end("commit", now)
        if mark.segmentation is not None:
            self._segmenter.segmentation = mark.segmentation

    def _watch_silence(self) -> None:
        speech = self._segmenter.speaking or not self._transcriber.all_told
        match self._watch.silence(self._segmenter.heard, speech):
            case StenowireError() as error:
                self._fail(error)
            case True:
                self._out.append(Alive(self.name))

    # ---- settling -----------------------------------------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """After every input: ask to hear what is new, tell what is ready in its order, forget what is answered."""
        while not self._hearing.waits and self._segmenter.heard == self._marks.next_at:
            self._pass_mark(now)
        self._listen()
        all_heard = self._finishing and not self._hearing.waits
        if all_heard:
            self._out += self._transcriber.end("finish", now)
        self._out += self._transcriber.tell(self.audio_s)
        if self._transcriber.all_told and not self._finishing:
            self._out += self._transcriber.tell_quiet()
        if all_heard and self._transcriber.all_told:
            self._out.append(Finished(self.name, self.audio_s))
            self.done = True
        self._forget()

    def _forget(self) -> None:
        self._needed = min(self._transcriber.needed_from, self._hearing.judging)
        self._tape.forget(self._needed)
        self._answers.forget(self._needed)

    def _fail(self, error: StenowireError) -> None:
        self._out += self._transcriber.close()
        self._out.append(Failed(self.name, error))
        self.done = True

    def _take(self) -> list[Output]:
        out, self._out = self._out, []
        return out
