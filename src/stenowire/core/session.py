"""One recognition session as a silent machine: commands and results in, updates and work out.

It owns the audio until it has been answered, asks for speech probabilities, cuts utterances, asks for hypotheses and
tells sentences in order. No I/O, no clock (time is an argument, in seconds of any monotonic clock), no tasks: a bad
caption is reproduced by feeding it a recorded list of inputs.
"""

from collections import deque

import msgspec
import numpy as np

from stenowire.audio.frontend import FrontEnd
from stenowire.core import segmenter as cuts
from stenowire.core.meaning import sentence_border
from stenowire.core.segmenter import FRAME, Segmenter
from stenowire.core.tape import Tape
from stenowire.core.utterance import OpenUtterance, ms
from stenowire.errors import InvalidParameter, NoAudio, NoValidAudio, ResponseTimeout, StenowireError
from stenowire.events import (
    Alive,
    Audio,
    Broken,
    Clear,
    CloseStream,
    Command,
    Commit,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Heard,
    Listen,
    Open,
    Opened,
    OpenStream,
    Partial,
    Reconfigure,
    Reconfigured,
    Result,
    SpeechStarted,
    SpeechStopped,
    Step,
    Stepped,
    Update,
    Work,
)
from stenowire.text import filters
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Hypothesis, Samples, Sentence, Word

LISTEN_FRAMES = 64
"""Frames per request to the speech detector: bounds one call to about 2 s of audio."""
ALIVE_EVERY_S = 10.0
FIRST_STEP_MS = 320
"""The first interim waits for this much speech: with less a model guesses."""

Output = Update | Work


def levels_db(samples: Samples) -> list[float]:
    """Level of each frame in dB below full scale; samples: float32[frames * FRAME]."""
    power = np.square(samples.reshape(-1, FRAME)).mean(axis=1)
    levels: list[float] = (10 * np.log10(power + 1e-10)).tolist()
    return levels


class Session:
    def __init__(self, opening: Open, engine: EngineInfo, now: float) -> None:
        limit = min(opening.segmentation.max_ms, engine.max_ms)
        self.name = opening.session
        self.opening = opening
        self.engine = engine
        self.done = False
        self._hint = opening.hint
        self._front = FrontEnd(opening.format)
        self._tape = Tape()
        self._segmenter = Segmenter(msgspec.structs.replace(opening.segmentation, max_ms=limit))
        self._utterances: deque[OpenUtterance] = deque()
        self._utterance_ids = 0
        self._sentence_ids = 1
        self._listened = 0
        self._needed = 0
        self._listening = False
        self._finishing = False
        self._began_at = now
        self._last_audio_at: float | None = None
        self._last_speech = 0
        self._last_alive = 0
        self._out: list[Output] = []

    # ---- what the gateway asks ----------------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        self._began_at = now
        return [Opened(self.name)]

    @property
    def audio_s(self) -> float:
        """Audio received, in seconds."""
        return self._tape.end / SESSION_RATE_HZ

    @property
    def backlog_s(self) -> float:
        """Audio that is kept because it is not answered yet, in seconds. The gateway bounds it by back-pressure."""
        return (self._tape.end - self._needed) / SESSION_RATE_HZ

    @property
    def next_tick(self) -> float | None:
        """When `tick` should be called at the latest, None when no timer runs."""
        limits = self.opening.limits
        if self.done or self._finishing:
            return None
        if self._last_audio_at is None:
            return None if limits.first_audio_s is None else self._began_at + limits.first_audio_s
        return None if limits.stall_s is None else self._last_audio_at + limits.stall_s

    def handle(self, command: Command, now: float) -> list[Output]:
        """Obey one command. After Finished or Failed nothing comes any more."""
        if self.done:
            return []
        try:
            match command:
                case Audio(data=data):
                    self._receive(data, now)
                case Finish():
                    self._finish()
                case Commit():
                    self._commit()
                case Clear():
                    self._clear()
                case Reconfigure():
                    self._reconfigure(command)
                case Hangup():
                    self._close_streams()
                    self.done = True
                case Open():
                    raise InvalidParameter("the session is open already")
            self._settle(now)
        except StenowireError as error:
            self._fail(error)
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
        if self._last_audio_at is None:
            waited = round(self.opening.limits.first_audio_s or 0)
            self._fail(NoAudio(f"request timeout after {waited} seconds."))
        else:
            self._fail(ResponseTimeout("Response timeout!"))
        return self._take()

    # ---- commands -----------------------------------------------------------------------------------------------

    def _receive(self, data: bytes, now: float) -> None:
        if self._finishing or not data:
            return
        self._last_audio_at = now
        self._tape.append(self._front.feed(data))

    def _finish(self) -> None:
        if self._finishing:
            return
        self._finishing = True
        if self._last_audio_at is None:
            raise NoValidAudio("no audio was sent before the task was finished")
        self._tape.append(self._front.flush())
        # Frames are whole: silence fills up the last one, and two more let the detector close on the last word.
        fill = -self._tape.end % FRAME + 2 * FRAME
        self._tape.append(np.zeros(fill, np.float32))

    def _commit(self) -> None:
        raise InvalidParameter("commit is not available: the server detects the end of speech in this session")

    def _clear(self) -> None:
        raise InvalidParameter("clear is not available: the server detects the end of speech in this session")

    def _reconfigure(self, command: Reconfigure) -> None:
        if command.hint is not None:
            self._hint = command.hint
        if command.segmentation is not None:
            self._segmenter.segmentation = command.segmentation
        self._out.append(Reconfigured(self.name))

    # ---- hearing ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Ask for the probabilities of what has not been judged yet; one request is in flight at a time."""
        frames = min(LISTEN_FRAMES, (self._tape.end - self._listened) // FRAME)
        if self._listening or frames == 0:
            return
        end = self._listened + frames * FRAME
        self._out.append(Listen(self.name, self._tape.view(self._listened, end)))
        self._listening, self._listened = True, end

    def _heard(self, heard: Heard, now: float) -> None:
        self._listening = False
        samples = self._tape.view(self._segmenter.heard, self._listened)
        for boundary in self._segmenter.feed(heard.probabilities.tolist(), levels_db(samples)):
            self._bound(boundary, now)
        self._ask_partial(now)
        self._watch_silence()

    def _bound(self, boundary: cuts.Boundary, now: float) -> None:
        match boundary:
            case cuts.Begin(start=start, onset=onset):
                self._utterance_ids += 1
                self._utterances.append(OpenUtterance(self._utterance_ids, start, onset))
                self._out.append(SpeechStarted(self.name, self._utterance_ids, ms(onset)))
            case cuts.Pause(clip_end=clip_end, remaining_ms=remaining_ms):
                # The final is decoded while the silence is still being waited for.
                self._ask_final(self._utterances[-1], clip_end, self._due(clip_end, now, remaining_ms))
            case cuts.Resume():
                self._utterances[-1].forget_final()
            case cuts.End(clip_end=clip_end, speech_end=speech_end, ended_by=ended_by):
                utterance = self._utterances[-1]
                utterance.end, utterance.speech_end, utterance.ended_by = clip_end, speech_end, ended_by
                self._out.append(SpeechStopped(self.name, utterance.id, ms(speech_end)))
                if not utterance.has_final_for(clip_end):
                    self._ask_final(utterance, clip_end, self._due(clip_end, now, 0))
            case cuts.Drop():
                self._close_stream(self._utterances.pop())

    def _due(self, clip_end: int, now: float, remaining_ms: int) -> float:
        """When a final is wanted. Audio sent faster than it was spoken may wait for those who speak now."""
        spoken_at = self._began_at + clip_end / SESSION_RATE_HZ
        return max(now, spoken_at) + remaining_ms / 1000

    def _watch_silence(self) -> None:
        if self._segmenter.speaking or self._utterances:
            self._last_speech = self._last_alive = self._segmenter.heard
            return
        limit_s = self.opening.limits.silence_s
        if self.opening.heartbeat:
            if self._segmenter.heard - self._last_alive >= ALIVE_EVERY_S * SESSION_RATE_HZ:
                self._last_alive = self._segmenter.heard
                self._out.append(Alive(self.name))
        elif limit_s is not None and self._segmenter.heard - self._last_speech >= limit_s * SESSION_RATE_HZ:
            self._fail(ResponseTimeout(f"no speech for {limit_s:.0f} seconds; set heartbeat to stay connected"))

    # ---- recognising --------------------------------------------------------------------------------------------

    def _ask_partial(self, now: float) -> None:
        if not self.opening.interims or not self._segmenter.speaking:
            return
        utterance = self._utterances[-1]
        until = self._segmenter.speech_end
        first = utterance.asked_until == utterance.start
        fresh_ms = ms(until - (utterance.onset if first else utterance.asked_until))
        if utterance.wanted is not None or fresh_ms < (FIRST_STEP_MS if first else self.engine.step_ms):
            return
        utterance.asked_until = until
        self._step(utterance, self._segmenter.heard, "partial", now)

    def _ask_final(self, utterance: OpenUtterance, clip_end: int, due: float) -> None:
        utterance.want_final(clip_end)
        self._step(utterance, clip_end, "final", due)

    def _step(self, utterance: OpenUtterance, end: int, kind: str, due: float) -> None:
        if not utterance.opened_stream:
            utterance.opened_stream = True
            self._out.append(OpenStream(self.name, utterance.id, self._hint))
        clip = self._tape.view(utterance.start, end)
        final = kind == "final"
        self._out.append(
            Step(
                self.name,
                stream=utterance.id,
                clip=clip,
                settled=utterance.shown.stable,
                kind="final" if final else "partial",
                due=due,
                ticket=utterance.ticket if final else 0,
            )
        )

    def _stepped(self, result: Stepped, now: float) -> None:
        utterance = next((known for known in self._utterances if known.id == result.stream), None)
        if utterance is None:
            return
        if result.kind == "final":
            if result.ticket != utterance.wanted:
                return
            utterance.answer = result.hypothesis
        if utterance.ended or not self.opening.interims:
            return
        before = utterance.shown
        hypothesis = result.hypothesis
        if hypothesis.final:
            # Decoded ahead: only one more opinion until the silence is over.
            hypothesis = msgspec.structs.replace(hypothesis, stable=0)
        shown = utterance.stabilizer.feed(hypothesis)
        if shown != before and utterance is self._utterances[0] and shown.words:
            self._out.append(Partial(self.name, self._open_sentence(utterance)))
        if self._segmenter.segmentation.mode == "semantic" and (border := sentence_border(shown)) is not None:
            at = utterance.start + border * SESSION_RATE_HZ // 1000
            for boundary in self._segmenter.cut(at):
                self._bound(boundary, now)

    def _broken(self, broken: Broken, now: float) -> None:
        utterance = next((known for known in self._utterances if known.id == broken.stream), None)
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
        self._listen()
        all_heard = self._finishing and not self._listening
        if all_heard:
            for boundary in self._segmenter.flush():
                self._bound(boundary, now)
        while self._utterances and self._utterances[0].answered:
            self._tell_final(self._utterances.popleft())
            if self._utterances and not self._utterances[0].ended and self._utterances[0].shown.words:
                self._out.append(Partial(self.name, self._open_sentence(self._utterances[0])))
        if all_heard and not self._utterances:
            self._out.append(Finished(self.name, self.audio_s))
            self.done = True
        self._forget()

    def _tell_final(self, utterance: OpenUtterance) -> None:
        assert utterance.answer is not None
        self._close_stream(utterance)
        words, _ = filters.apply(utterance.answer.words, 0, self.opening.text)
        if not words:
            return
        last_word_ms = ms(utterance.start) + words[-1].end_ms
        end_ms = min(max(ms(utterance.speech_end), last_word_ms), ms(utterance.end or 0))
        placed = utterance.placed(words, end_ms)
        sentence = self._sentence(utterance, placed, len(words), end_ms, utterance.answer)
        self._out.append(Final(self.name, sentence, self.audio_s))
        self._sentence_ids += 1

    def _open_sentence(self, utterance: OpenUtterance) -> Sentence:
        words, stable = filters.apply(utterance.shown.words, utterance.shown.stable, self.opening.text)
        placed = utterance.placed(words, ms(self._segmenter.heard))
        return self._sentence(utterance, placed, stable, None, None)

    def _sentence(
        self,
        utterance: OpenUtterance,
        words: tuple[Word, ...],
        stable: int,
        end_ms: int | None,
        answer: Hypothesis | None,
    ) -> Sentence:
        return Sentence(
            id=self._sentence_ids,
            begin_ms=utterance.begin_ms,
            end_ms=end_ms,
            words=words,
            stable=stable,
            final=end_ms is not None,
            language=answer.language if answer else self._hint.language,
            emotion=answer.emotion if answer else None,
        )

    def _forget(self) -> None:
        self._needed = min(self._segmenter.needed_from, self._segmenter.heard)
        if self._utterances:
            self._needed = min(self._needed, self._utterances[0].start)
        self._tape.forget(self._needed)

    def _close_stream(self, utterance: OpenUtterance) -> None:
        if utterance.opened_stream:
            self._out.append(CloseStream(self.name, utterance.id))

    def _close_streams(self) -> None:
        while self._utterances:
            self._close_stream(self._utterances.popleft())

    def _fail(self, error: StenowireError) -> None:
        self._close_streams()
        self._out.append(Failed(self.name, error))
        self.done = True

    def _take(self) -> list[Output]:
        out, self._out = self._out, []
        return out
