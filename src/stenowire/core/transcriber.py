"""From audio in which speech is found to sentences: utterances, the engine's opinions on them, what is told of them.

In: judged audio, commits and clears in their turn, hypotheses. Out: updates, each sentence in its order, and work for
the engine. It must not know how audio comes, what a client may ask for, or a clock.
"""

from collections.abc import Iterable

from stenowire.core import segmenter as cuts
from stenowire.core.hearing import Judged
from stenowire.core.marks import Marks
from stenowire.core.meaning import sentence_border
from stenowire.core.resuming import Answers
from stenowire.core.segmenter import Segmenter
from stenowire.core.sentences import Sentences
from stenowire.core.steps import Steps
from stenowire.core.utterance import OpenUtterance, ms
from stenowire.core.watch import Watch
from stenowire.events import Answered, Committed, Open, SpeechStarted, SpeechStopped, Stepped, Update, Work
from stenowire.types import SESSION_RATE_HZ, EndedBy, EngineInfo

REPEAT_MS = 150
"""While speech goes on, an interim is told again after this much audio even if no word is new: a client sees that it is
still being heard, and the end of the last word moves on."""

Output = Update | Work


class Transcriber:
    def __init__(
        self,
        opening: Open,
        engine: EngineInfo,
        segmenter: Segmenter,
        steps: Steps,
        marks: Marks,
        answers: Answers,
        watch: Watch,
    ) -> None:
        self._opening = opening
        self._engine = engine
        self._segmenter = segmenter
        self._steps = steps
        self._marks = marks
        self._answers = answers
        self._watch = watch
        self._sentences = Sentences(opening)
        self._utterance_ids = 0
        self.sound_end: int | None = None
        """Where the audio itself ends on the tape, once all of it has come."""

    @property
    def all_told(self) -> bool:
        """Whether every item there was has been answered."""
        return not self._sentences

    @property
    def needed_from(self) -> int:
        """Audio before this sample will be asked for by nobody."""
        starts = [utterance.start for utterance in self._sentences.utterances()]
        return min([self._segmenter.needed_from, self._segmenter.heard, *starts])

    # ---- audio, in its turn -------------------------------------------------------------------------------------

    def hear(self, judged: Judged, now: float) -> list[Output]:
        boundaries = self._segmenter.feed(judged.probabilities, judged.levels_db, judged.odds, judged.doubts)
        out = self._bound(boundaries, now)
        if self._opening.interims and self._segmenter.speaking and self._segmenter.sure:
            heard, speech_end = self._segmenter.heard, self._segmenter.speech_end
            out += self._steps.partial(self._sentences.newest, heard, speech_end, now)
        return out

    def commit(self, now: float) -> list[Output]:
        """All audio before a commit is heard. One while nobody speaks is an item too, where each is to be answered."""
        out: list[Output] = []
        if self._manual or (self._opening.answer_empty and not self._segmenter.speaking):
            item = self._sentences.open_item()
            item.committed = True
            out.append(Committed(self._opening.session, item.number))
        return out + self.end("commit", now)

    def clear(self) -> list[Work]:
        """All audio before a clear is heard: forget what is not ended."""
        self._segmenter.forget()
        return [work for utterance in self._sentences.drop_open() for work in self._steps.close(utterance)]

    def end(self, ended_by: EndedBy, now: float) -> list[Output]:
        """Nothing that is heard from now on belongs to what was heard before."""
        out = self._bound(self._segmenter.flush(ended_by), now)
        self._sentences.close()
        return out

    def begin_utterance(self, begin: cuts.Begin) -> list[Output]:
        self._utterance_ids += 1
        utterance = OpenUtterance(self._utterance_ids, begin.start, begin.onset, self._marks.filled)
        item = self._sentences.open_item()
        item.utterances.append(utterance)
        if self._manual:
            return []
        return [SpeechStarted(self._opening.session, item.number, utterance.ms(begin.onset))]

    def _bound(self, boundaries: Iterable[cuts.Boundary], now: float) -> list[Output]:
        out: list[Output] = []
        for boundary in boundaries:
            match boundary:
                case cuts.Begin():
                    out += self.begin_utterance(boundary)
                case cuts.Pause(clip_end=clip_end, remaining_ms=remaining_ms):
                    # The final is decoded while the silence is still being waited for.
                    due = self._watch.due(clip_end, now, remaining_ms)
                    out += self._steps.final(self._sentences.newest, clip_end, due)
                case cuts.Resume():
                    self._sentences.newest.forget_final()
                case cuts.End():
                    out += self._end_utterance(boundary, now)
        return out

    def _end_utterance(self, end: cuts.End, now: float) -> list[Output]:
        out: list[Output] = []
        utterance, item = self._sentences.newest, self._sentences.open_item()
        utterance.end, utterance.speech_end, utterance.sure = end.clip_end, end.speech_end, end.sure
        item.resume = self._answers.point(end.after, self._marks.filled)
        utterance.told_end = end.clip_end if self.sound_end is None else min(end.clip_end, self.sound_end)
        if not utterance.has_final_for(end.clip_end):
            out += self._steps.final(utterance, end.clip_end, self._watch.due(end.clip_end, now, end.remaining_ms))
        if not self._manual:
            out.append(SpeechStopped(self._opening.session, item.number, utterance.ms(end.speech_end)))
            self._sentences.close()
        return out

    @property
    def _manual(self) -> bool:
        return self._segmenter.segmentation.mode == "manual"

    # ---- the engine's opinions ----------------------------------------------------------------------------------

    def stepped(self, result: Stepped, now: float) -> list[Output]:
        utterance = self._sentences.find(result.stream)
        if utterance is None:
            return []
        if result.kind == "final":
            if result.ticket != utterance.wanted:
                return []
            utterance.answer = result.hypothesis
        if utterance.ended or not self._opening.interims or not self._segmenter.sure:
            return []
        before = utterance.shown
        shown = utterance.hear(result.hypothesis)
        heard = self._segmenter.heard
        is_news = before.told != shown.told or ms(heard - utterance.told_at) >= REPEAT_MS
        out: list[Output] = []
        if is_news and not self._marks.clear_ahead and self._sentences.is_first(utterance):
            utterance.told_at = heard
            out += self._sentences.partial(self._language, heard)
        if self._segmenter.segmentation.mode == "semantic" and (border_ms := sentence_border(shown)) is not None:
            out += self._bound(self._segmenter.cut(utterance.start + border_ms * SESSION_RATE_HZ // 1000), now)
        return out

    def retry(self, stream: int | None, now: float) -> list[Work] | None:
        """A final that broke is tried once more; an interim that broke is made up for by the next one.

        None where that is not enough: it broke again, or it was the detector, which is no stream.
        """
        utterance = self._sentences.find(stream)
        if stream is not None and utterance is None:
            return []
        if utterance is None or utterance.retried:
            return None
        utterance.retried = True
        return [] if utterance.wanted is None else self._steps.final(utterance, utterance.wanted_end, now)

    # ---- telling ------------------------------------------------------------------------------------------------

    def tell(self, audio_s: float) -> list[Output]:
        """What is ready, in its order; `audio_s` of audio came so far."""
        out: list[Output] = []
        while True:
            for utterance in self._sentences.take_answers():
                out += self._steps.close(utterance)
            item = self._sentences.take_done()
            if item is None:
                return out
            final = self._sentences.final(item, self._language, audio_s)
            out += self._answers.tell(item.resume, final, self._sentences.told)
            # What was held back behind this final may be shown now.
            out += self._sentences.partial(self._language, self._segmenter.heard)

    def tell_quiet(self) -> list[Answered]:
        """How far all is answered, while nothing is to be told."""
        return self._answers.quiet(self._segmenter.quiet_place, self._sentences.told, self._marks.filled)

    def close(self) -> list[Work]:
        """Nothing more will be asked for."""
        return [work for utterance in self._sentences.utterances() for work in self._steps.close(utterance)]

    @property
    def _language(self) -> str | None:
        """What is told where the engine has not said: the hint, or the only language there is."""
        only = self._engine.languages[0] if len(self._engine.languages) == 1 else None
        return self._steps.hint.language or only
