"""One recognition session as a silent machine: commands and results in, updates and work out.

It owns the audio until it has been answered, asks for speech probabilities, cuts utterances, asks for hypotheses and
tells sentences in order. No I/O, no clock (time is an argument, in seconds of any monotonic clock), no tasks: a bad
caption is reproduced by feeding it a recorded list of inputs.
"""

from collections import deque
from typing import Literal

import msgspec
import numpy as np

from stenowire.audio.denoise import noise_stages
from stenowire.audio.frontend import FrontEnd
from stenowire.audio.level import amplified
from stenowire.core import segmenter as cuts
from stenowire.core.meaning import sentence_border
from stenowire.core.resuming import Answers
from stenowire.core.segmenter import FRAME, Segmenter
from stenowire.core.sentences import Sentences
from stenowire.core.tape import Tape
from stenowire.core.utterance import OpenUtterance, ms
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
    CloseStream,
    Command,
    Commit,
    Committed,
    Failed,
    Finish,
    Finished,
    Hangup,
    Heard,
    Listen,
    Open,
    Opened,
    OpenStream,
    Reconfigure,
    Reconfigured,
    Refused,
    Result,
    SpeechStarted,
    SpeechStopped,
    Step,
    StepKind,
    Stepped,
    Update,
    Work,
)
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Samples, Segmentation

LISTEN_FRAMES = 64
"""Frames per request to the speech detector: bounds one call to about 2 s of audio."""
FIRST_STEP_MS = 320
"""The first interim waits for this much speech: with less a model guesses."""
YOUNG_MS = 1_200
"""While an utterance is this young its interims are asked for more often: they are cheap, the first guess is often
wrong, and people wait for the first word."""
YOUNG_STEP_MS = 200
REPEAT_MS = 150
"""While speech goes on, an interim is told again after this much audio even if no word is new: a client sees that it is
still being heard, and the end of the last word moves on."""

Output = Update | Work


class Mark(msgspec.Struct, frozen=True):
    """A commit, a clear or a change of mode, at its place on the tape: it holds for the audio before it alone."""

    at: int
    filled: int
    """Samples of silence filled in right before it."""
    kind: Literal["commit", "clear", "mode"]
    segmentation: Segmentation | None = None
    """What is in force behind a change of mode."""


def levels_db(samples: Samples) -> list[float]:
    """Level of each frame in dB below full scale; samples: float32[frames * FRAME]."""
    power = np.square(samples.reshape(-1, FRAME)).mean(axis=1)
    levels: list[float] = (10 * np.log10(power + 1e-10)).tolist()
    return levels


class Session:
    def __init__(self, opening: Open, engine: EngineInfo, now: float) -> None:
        self.name = opening.session
        self.opening = opening
        self.engine = engine
        self.done = False
        self._hint = opening.hint
        self._noise_reduction = opening.noise_reduction
        self._front = FrontEnd(opening.format, noise_stages(opening.noise_reduction))
        point = opening.resume
        self._tape = Tape(point.begin if point else 0)
        self._received = self._tape.begin
        self._segmenter = Segmenter(self._within_engine(opening.segmentation), place=point.place if point else None)
        self._answers = Answers(opening)
        self._sentences = Sentences(opening)
        self._utterance_ids = 0
        self._marks: deque[Mark] = deque()
        self._last_mark = 0
        self._filled = 0
        self._listened = point.ear_at if point else 0
        """How far the detector has been asked."""
        self._judging = self._listened
        """From where, in the request that is on its way."""
        self._needed = self._tape.begin
        self._listening = False
        self._finishing = False
        self._sound_end: int | None = None
        """Where the audio itself ends on the tape, once all of it has come."""
        self._watch = Watch(opening.limits, opening.heartbeat, now, self._segmenter.heard)
        self._out: list[Output] = []
        if point and point.place.start is not None:
            self._begin_utterance(cuts.Begin(start=point.place.start, onset=point.place.start))

    # ---- what the gateway asks ----------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        self._watch.began_at = now
        return [Opened(self.name)]

    @property
    def audio_s(self) -> float:
        """Audio received, in seconds."""
        return self._received / SESSION_RATE_HZ

    @property
    def backlog_s(self) -> float:
        """Audio that is kept because it is not answered yet, in seconds. The gateway bounds it by back-pressure."""
        return (self._tape.end - self._needed) / SESSION_RATE_HZ

    @property
    def laborious(self) -> bool:
        """Whether taking in audio costs milliseconds, so that no event loop should do it."""
        return self._noise_reduction not in (None, "off")

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
                self._stepped(result, now)
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
                self._close_streams()
                self.done = True
            case Open():
                raise InvalidParameter("the session is open already")

    def _receive(self, data: bytes, now: float) -> None:
        if self._finishing or not data:
            return
        self._watch.audio(now)
        self._append(self._front.feed(data))

    def _append(self, samples: Samples) -> None:
        self._received += len(samples)
        self._tape.append(samples)

    def _finish(self) -> None:
        if self._finishing:
            return
        self._finishing = True
        if not self._watch.has_audio:
            raise NoValidAudio("no audio was sent before the task was finished")
        self._append(self._front.flush())
        if self._tape.end < self._segmenter.heard and self.opening.resume:
            raise InvalidParameter("less audio came than there was before the resume point")
        self._sound_end = self._tape.end
        # Frames are whole: silence fills up the last one, and two more let the detector close on the last word.
        self._tape.append(np.zeros(-self._tape.end % FRAME + 2 * FRAME, np.float32))

    def _commit(self) -> None:
        if self._tape.end == self._last_mark:
            raise EmptyBuffer("nothing to commit: the audio buffer is empty")
        self._mark("commit")

    def _mark(self, kind: Literal["commit", "clear", "mode"], segmentation: Segmentation | None = None) -> None:
        """Note a border on the tape; it takes effect once all before it is heard. Silence fills up the last frame."""
        fill = -self._tape.end % FRAME
        self._tape.append(np.zeros(fill, np.float32))
        self._last_mark = self._tape.end
        self._marks.append(Mark(self._tape.end, fill, kind, segmentation))

    def _reconfigure(self, command: Reconfigure) -> None:
        if command.hint is not None:
            self._check_language(command.hint.language)
        noise_reduction = command.noise_reduction or self._noise_reduction
        if command.format is not None:
            front = FrontEnd(command.format, noise_stages(noise_reduction))
            self._append(self._front.flush())
            self._front = front
        elif noise_reduction != self._noise_reduction:
            self._append(self._front.exchange(noise_stages(noise_reduction)))
        self._noise_reduction = noise_reduction
        if command.hint is not None:
            self._hint = command.hint
        if command.segmentation is not None:
            self._resegment(self._within_engine(command.segmentation))
        self._out.append(Reconfigured(self.name))

    def _resegment(self, segmentation: Segmentation) -> None:
        """A new mode waits until all audio before it is heard; other numbers hold at once."""
        waits = self._marks or self._tape.end > self._segmenter.heard or self._segmenter.speaking
        if segmentation.mode != self._mode_to_be and waits:
            # Leaving manual mode commits what has not been: no audio is lost, and none changes its item.
            left = self._mode_to_be == "manual" and self._tape.end > self._last_mark
            self._mark("commit" if left else "mode", segmentation)
        elif not self._marks:
            self._segmenter.segmentation = segmentation
        else:
            self._marks[-1] = msgspec.structs.replace(self._marks[-1], segmentation=segmentation)

    @property
    def _mode_to_be(self) -> str:
        """The mode in force for audio that comes now."""
        marked = [mark.segmentation for mark in self._marks if mark.segmentation]
        return (marked[-1] if marked else self._segmenter.segmentation).mode

    def _check_language(self, language: str | None) -> None:
        known = (*self.engine.languages, "auto")
        if language and language.split("-")[0].lower() not in known:
            raise UnsupportedLanguage(
                f"language {language!r} is not covered; {self.engine.name} knows {', '.join(self.engine.languages)}",
                "language",
            )

    @property
    def _language(self) -> str | None:
        """What is told where the engine has not said: the hint, or the only language there is."""
        only = self.engine.languages[0] if len(self.engine.languages) == 1 else None
        return self._hint.language or only

    def _within_engine(self, segmentation: Segmentation) -> Segmentation:
        limit = min(segmentation.max_ms, self.engine.max_ms)
        return msgspec.structs.replace(segmentation, max_ms=limit)

    @property
    def _manual(self) -> bool:
        return self._segmenter.segmentation.mode == "manual"

    # ---- hearing ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Ask for the probabilities of what has not been judged yet; one request is in flight at a time."""
        until = self._marks[0].at if self._marks else self._tape.end
        again = self._listened < self._segmenter.heard
        until = min(until, self._segmenter.heard) if again else until
        frames = min(LISTEN_FRAMES, (until - self._listened) // FRAME)
        if self._listening or frames <= 0:
            return
        end = self._listened + frames * FRAME
        ear = self._answers.ear_at(self._listened)
        samples = amplified(self._tape.view(self._listened, end), self._front.ear_gain)
        self._out.append(Listen(self.name, samples, ear=ear, keep_ear=self._answers.wanted, at=self._listened))
        self._judging, self._listening, self._listened = self._listened, True, end

    def _heard(self, heard: Heard, now: float) -> None:
        self._listening = False
        begin, self._judging = self._judging, self._listened
        probabilities, levels = heard.probabilities.tolist(), levels_db(self._tape.view(begin, self._listened))
        self._answers.heard(self._listened, heard.ear)
        if begin < self._segmenter.heard:
            return self._segmenter.recall(begin, probabilities, levels)
        for boundary in self._segmenter.feed(probabilities, levels):
            self._bound(boundary, now)
        self._ask_partial(now)
        self._watch_silence()

    def _bound(self, boundary: cuts.Boundary, now: float) -> None:
        match boundary:
            case cuts.Begin():
                self._begin_utterance(boundary)
            case cuts.Pause(clip_end=clip_end, remaining_ms=remaining_ms):
                # The final is decoded while the silence is still being waited for.
                self._ask_final(self._sentences.newest, clip_end, self._due(clip_end, now, remaining_ms))
            case cuts.Resume():
                self._sentences.newest.forget_final()
            case cuts.End():
                self._end_utterance(boundary, now)

    def _begin_utterance(self, begin: cuts.Begin) -> None:
        self._utterance_ids += 1
        utterance = OpenUtterance(self._utterance_ids, begin.start, begin.onset, self._filled)
        item = self._sentences.open_item()
        item.utterances.append(utterance)
        if not self._manual:
            self._out.append(SpeechStarted(self.name, item.number, utterance.ms(begin.onset)))

    def _end_utterance(self, end: cuts.End, now: float) -> None:
        utterance = self._sentences.newest
        utterance.end, utterance.speech_end, utterance.sure = end.clip_end, end.speech_end, end.sure
        self._sentences.open_item().resume = self._answers.point(end.after, self._filled)
        utterance.told_end = end.clip_end if self._sound_end is None else min(end.clip_end, self._sound_end)
        if not utterance.has_final_for(end.clip_end):
            self._ask_final(utterance, end.clip_end, self._due(end.clip_end, now, end.remaining_ms))
        if not self._manual:
            number = self._sentences.open_item().number
            self._out.append(SpeechStopped(self.name, number, utterance.ms(end.speech_end)))
            self._sentences.close()

    def _pass_mark(self, now: float) -> None:
        """All audio before a mark has been heard: carry it out."""
        mark = self._marks.popleft()
        self._filled += mark.filled
        if mark.kind == "clear":
            self._segmenter.forget()
            for utterance in self._sentences.drop_open():
                self._close_stream(utterance)
        else:
            # A commit while nobody speaks is an item too, where every item is to be answered.
            answered = self._manual or (self.opening.answer_empty and not self._segmenter.speaking)
            if answered and mark.kind == "commit":
                item = self._sentences.open_item()
                item.committed = True
                self._out.append(Committed(self.name, item.number))
            for boundary in self._segmenter.flush("commit"):
                self._bound(boundary, now)
            self._sentences.close()
        if mark.segmentation is not None:
            self._segmenter.segmentation = mark.segmentation

    def _due(self, clip_end: int, now: float, remaining_ms: int) -> float:
        """When a final is wanted. Audio sent faster than it was spoken may wait for those who speak now."""
        spoken_at = self._watch.began_at + clip_end / SESSION_RATE_HZ
        return max(now, spoken_at) + remaining_ms / 1000

    def _watch_silence(self) -> None:
        speech = self._segmenter.speaking or bool(self._sentences)
        match self._watch.silence(self._segmenter.heard, speech):
            case StenowireError() as error:
                self._fail(error)
            case True:
                self._out.append(Alive(self.name))

    # ---- recognising --------------------------------------------------------------------------------------------

    def _ask_partial(self, now: float) -> None:
        """Ask whenever more has been heard: what waits is replaced, so the interim that runs is never stale.

        The first moments of a silence count: a word that has just ended is known better by what follows it.
        """
        if not (self.opening.interims and self._segmenter.speaking and self._segmenter.sure):
            return
        utterance = self._sentences.newest
        until = self._segmenter.heard
        first = utterance.asked_until == utterance.start
        age_ms = ms(self._segmenter.speech_end - utterance.onset)
        if utterance.wanted is not None or until <= utterance.asked_until or (first and age_ms < FIRST_STEP_MS):
            return
        utterance.asked_until = until
        young = age_ms < YOUNG_MS
        spacing_ms = min(YOUNG_STEP_MS, self.engine.step_ms) if young else self.engine.step_ms
        self._step(utterance, until, "partial", now, spacing_ms)

    def _ask_final(self, utterance: OpenUtterance, clip_end: int, due: float) -> None:
        utterance.want_final(clip_end)
        self._step(utterance, clip_end, "final", due)

    def _step(self, utterance: OpenUtterance, end: int, kind: StepKind, due: float, spacing_ms: int = 0) -> None:
        if not utterance.opened_stream:
            utterance.opened_stream = True
            self._out.append(OpenStream(self.name, utterance.id, self._hint))
        self._out.append(
            Step(
                self.name,
                stream=utterance.id,
                clip=self._tape.view(utterance.start, end),
                settled=utterance.shown.stable,
                kind=kind,
                due=due,
                spacing_ms=spacing_ms,
                ticket=utterance.ticket,
            )
        )

    def _stepped(self, result: Stepped, now: float) -> None:
        utterance = self._sentences.find(result.stream)
        if utterance is None:
            return
        if result.kind == "final":
            if result.ticket != utterance.wanted:
                return
            utterance.answer = result.hypothesis
        if utterance.ended or not self.opening.interims or not self._segmenter.sure:
            return
        before = utterance.shown
        shown = utterance.hear(result.hypothesis)
        heard = self._segmenter.heard
        is_news = before.told != shown.told or ms(heard - utterance.told_at) >= REPEAT_MS
        cleared = any(mark.kind == "clear" for mark in self._marks)
        if is_news and not cleared and self._sentences.is_first(utterance):
            utterance.told_at = heard
            self._out += self._sentences.partial(self._language, heard)
        if self._segmenter.segmentation.mode == "semantic" and (border_ms := sentence_border(shown)) is not None:
            for boundary in self._segmenter.cut(utterance.start + border_ms * SESSION_RATE_HZ // 1000):
                self._bound(boundary, now)

    def _broken(self, broken: Broken, now: float) -> None:
        """A final that broke is tried once more; an interim that broke is made up for by the next one."""
        utterance = self._sentences.find(broken.stream)
        if broken.stream is not None and utterance is None:
            return
        if utterance is None or utterance.retried:
            self._fail(broken.error)
            return
        utterance.retried = True
        if utterance.wanted is not None:
            self._ask_final(utterance, utterance.wanted_end, now)

    # ---- telling ------------------------------------------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """After every input: ask to hear what is new, tell what is ready in its order, forget what is answered."""
        while self._marks and not self._listening and self._segmenter.heard == self._marks[0].at:
            self._pass_mark(now)
        self._listen()
        all_heard = self._finishing and not self._listening
        if all_heard:
            for boundary in self._segmenter.flush():
                self._bound(boundary, now)
            self._sentences.close()
        self._tell_answers()
        if not self._sentences and not self._finishing:
            self._out += self._answers.quiet(self._segmenter.quiet_place, self._sentences.told, self._filled)
        if all_heard and not self._sentences:
            self._out.append(Finished(self.name, self.audio_s))
            self.done = True
        self._forget()

    def _tell_answers(self) -> None:
        while True:
            for utterance in self._sentences.take_answers():
                self._close_stream(utterance)
            item = self._sentences.take_done()
            if item is None:
                return
            final = self._sentences.final(item, self._language, self.audio_s)
            self._out += self._answers.tell(item.resume, final, self._sentences.told)
            # What was held back behind this final may be shown now.
            self._out += self._sentences.partial(self._language, self._segmenter.heard)

    def _forget(self) -> None:
        starts = [utterance.start for utterance in self._sentences.utterances()]
        self._needed = min([self._segmenter.needed_from, self._segmenter.heard, self._judging, *starts])
        self._tape.forget(self._needed)
        self._answers.forget(self._needed)

    def _close_stream(self, utterance: OpenUtterance) -> None:
        if utterance.opened_stream:
            self._out.append(CloseStream(self.name, utterance.id))

    def _close_streams(self) -> None:
        for utterance in self._sentences.utterances():
            self._close_stream(utterance)

    def _fail(self, error: StenowireError) -> None:
        self._close_streams()
        self._out.append(Failed(self.name, error))
        self.done = True

    def _take(self) -> list[Output]:
        out, self._out = self._out, []
        return out
