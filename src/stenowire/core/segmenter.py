"""Cuts the stream into utterances by rules that are data.

In: one speech probability and one level per 32 ms frame. Out: boundaries in samples.
Knows nothing of audio samples, engines, text or wall time.

    silence ──onset──▶ speech ──pause──▶ (resume)* ──silence long enough──▶ End
                          └──too long──▶ End at the best pause, speech goes on in the next utterance
"""

import math
from collections import deque
from collections.abc import Sequence

import msgspec
import numpy as np

from stenowire.types import SESSION_RATE_HZ, EndedBy, Place, Segmentation

FRAME = 512
"""Samples per frame: what the speech detector works on."""
FRAME_MS = FRAME * 1000 // SESSION_RATE_HZ


class Rules(msgspec.Struct, frozen=True):
    """Numbers behind the rules. Frames are 32 ms."""

    onset_frames: int = 2
    """Frames above the onset threshold, among the last `onset_window`, that begin an utterance."""
    onset_window: int = 3
    least_frames: int = 4
    """What has fewer speech frames than this is a click or a breath, and no utterance."""
    hysteresis: float = 0.15
    """Speech goes on while the probability is above onset threshold minus this (Silero's own advice)."""
    sure_frames: int = 2
    sure_above: float = 0.45
    """With this many frames this far above the onset threshold it is surely speech. Recorded noises reached one such
    frame at most in 128 shifts, gains and neighbourhoods; speech has its second 64 ms after its onset (median)."""
    quiet_odds: float = 12.0
    """Ahead of an onset the odds of speech are taken so many times as high: talk often begins more quietly than the
    detector believes. Of a frame in silence it says 0.01, and in such a beginning 0.05 to 0.5."""
    quiet_most: float = 8.0
    """Evidence of a quiet beginning, in nats, beyond which there is no more: four frames of silence end it."""
    quiet_ms: int = 1_500
    """The most that an utterance begins ahead of its onset, but for the pre-roll."""
    pad_ms: int = 250
    """Silence kept after the last speech frame, so that soft endings are whole."""
    taper_from_ms: int = 4_000
    taper_least_ms: int = 200
    cut_ahead_ms: int = 500
    """Talk without pause is cut this long before the limit, so that its final is there when the limit is reached."""
    cut_from: float = 0.5
    """A cut by length looks for its pause in the part of the utterance after this share of the limit."""


class Begin(msgspec.Struct, frozen=True):
    """Speech began. `start` includes the pre-roll; `onset` is the first frame of speech, though it be a quiet one. Told
    once it is speech enough."""

    start: int
    onset: int


class Pause(msgspec.Struct, frozen=True):
    """Speech has paused: if nothing follows, the utterance is [start, clip_end)."""

    clip_end: int
    remaining_ms: int
    """Silence still missing before the utterance ends."""


class Resume(msgspec.Struct, frozen=True):
    """Speech goes on after a Pause."""


class End(msgspec.Struct, frozen=True):
    clip_end: int
    speech_end: int
    ended_by: EndedBy
    remaining_ms: int = 0
    """Time left until the final is wanted."""
    sure: bool = True
    """False: it may have been noise; only a confident engine should be believed."""
    after: Place | None = None
    """What is remembered right behind this end."""


Boundary = Begin | Pause | Resume | End


def onset_threshold(threshold: float) -> float:
    """Map -1..1 (0 = the detector's own 0.5) to a probability in 0.05..0.95."""
    return 0.5 + 0.45 * threshold


def raised(probability: float, odds: float) -> float:
    """The probability (0..1) whose odds p / (1 - p) are so many times as high."""
    return probability if odds == 1 else odds * probability / (1 + (odds - 1) * probability)


class Segmenter:
    """`feed` frames in order; `flush` at the end of audio; `cut` where the text says that a sentence ended."""

    def __init__(self, segmentation: Segmentation, rules: Rules | None = None, place: Place | None = None) -> None:
        self.rules = rules or Rules()
        self.segmentation = segmentation
        self._heard = 0
        self._recent: deque[float] = deque(maxlen=self.rules.onset_window)
        self._begin: Begin | None = None
        self._told = False
        self._floor = 0
        self._speech_end = 0
        self._speech_frames = 0
        self._sure_frames = 0
        self._quiet = 0.0
        """Evidence that speech has begun quietly, in nats, 0 or more: a bounded cumulative sum (Page, 1954)."""
        self._quiet_from = 0
        self._paused = False
        self._scores: list[float] = []
        self._scores_from = 0
        if place is not None:
            self._take_up(place)

    def _take_up(self, place: Place) -> None:
        """Go on where another segmenter was. The frames since `scores_from` go to `recall` first."""
        self._heard, self._floor, self._speech_end = place.heard, place.floor, place.speech_end
        self._quiet, self._quiet_from = min(place.quiet, self.rules.quiet_most), place.quiet_from
        if place.start is not None:
            self._begin, self._told = Begin(start=place.start, onset=place.start), True
            self._speech_frames, self._sure_frames = place.speech_frames, place.sure_frames
            self._scores_from = place.scores_from

    @property
    def heard(self) -> int:
        """Samples judged so far."""
        return self._heard

    @property
    def speaking(self) -> bool:
        """An utterance is open and has been told."""
        return self._told

    @property
    def sure(self) -> bool:
        """The open utterance is surely speech."""
        return self._sure_frames >= self.rules.sure_frames

    @property
    def speech_end(self) -> int:
        """End of the last speech frame of the open utterance."""
        return self._speech_end

    @property
    def needed_from(self) -> int:
        """Audio before this position will never be asked for again."""
        if self._begin:
            return self._begin.start
        earliest = self._quiet_start(self._heard - self.rules.onset_window * FRAME)
        return max(self._floor, earliest - self._samples(self.segmentation.prefix_ms))

    def feed(
        self,
        probabilities: Sequence[float],
        levels_db: Sequence[float],
        odds: float = 1.0,
        doubts: Sequence[float] | None = None,
    ) -> list[Boundary]:
        """One probability (0..1) and one level per frame. `odds` says how much likelier speech is than that; what is
        *surely* speech is judged without it, or noise would be taken for sure, and by odds divided by the frame's
        doubt."""
        boundaries: list[Boundary] = []
        doubts = doubts or [1.0] * len(probabilities)
        for probability, level_db, doubt in zip(probabilities, levels_db, doubts, strict=True):
            begin = self._heard
            self._heard += FRAME
            self._sure_frames += raised(float(probability), 1 / doubt) >= self._sure_level()
            likely = raised(float(probability), odds)
            if self._begin is None:
                self._watch_quiet(begin, float(probability))
                boundaries += self._silence(begin, likely, level_db)
            else:
                boundaries += self._speech(likely, level_db)
        return boundaries

    def recall(self, begin: int, probabilities: Sequence[float], levels_db: Sequence[float], odds: float = 1.0) -> None:
        """Frames from `begin` on that were judged before this segmenter took up: only where to cut depends on them."""
        if self._begin is None:
            return
        for index, (probability, level_db) in enumerate(zip(probabilities, levels_db, strict=True)):
            if begin + index * FRAME >= self._scores_from:
                self._scores.append(level_db + 10 * raised(float(probability), odds))

    @property
    def quiet_place(self) -> Place | None:
        """What to take up from here, while nobody speaks and nobody seems to begin; otherwise None."""
        on = onset_threshold(self.segmentation.threshold)
        if self._begin is not None or any(p >= on for p in self._recent):
            return None
        floor = max(self._floor, self.needed_from)
        quiet_from = self._quiet_from if self._quiet else 0
        return Place(heard=self._heard, floor=floor, quiet=self._quiet, quiet_from=quiet_from)

    def flush(self, ended_by: EndedBy = "finish") -> list[Boundary]:
        """No audio follows, or none that belongs to it: an open utterance ends here."""
        if self._begin is None:
            return []
        end = min(self._heard, self._speech_end + self._samples(self._pad_ms()))
        return self._close(end, ended_by)

    def cut(self, at: int) -> list[Boundary]:
        """End the open utterance at this sample by its meaning; speech goes on in the next one."""
        if not self._told or self._begin is None or not self._begin.start < at < self._speech_end:
            return []
        return self._split(at, "meaning")

    def forget(self) -> None:
        """Drop the open utterance; what follows is judged anew."""
        self._shut(self._heard)

    # ---- states -------------------------------------------------------------------------------------------------

    def _silence(self, begin: int, probability: float, level_db: float) -> list[Boundary]:
        self._recent.append(probability)
        on = onset_threshold(self.segmentation.threshold)
        if probability < on:
            self._sure_frames = 0
        if probability < on or sum(p >= on for p in self._recent) < self.rules.onset_frames:
            return []
        loud = next(index for index, p in enumerate(self._recent) if p >= on)
        onset = max(self._floor, self._quiet_start(begin - (len(self._recent) - 1 - loud) * FRAME))
        start = max(self._floor, onset - self._samples(self.segmentation.prefix_ms))
        self._open(start, onset)
        self._speech_end = self._heard
        self._speech_frames = sum(p >= on for p in self._recent)
        self._scores, self._scores_from = [level_db + 10 * probability], begin
        return self._tell()

    def _watch_quiet(self, begin: int, probability: float) -> None:
        bounded = min(max(probability, 1e-6), 1 - 1e-6)
        if self._quiet == 0:
            self._quiet_from = begin
        more = self._quiet + math.log(self.rules.quiet_odds * bounded / (1 - bounded))
        self._quiet = min(max(more, 0.0), self.rules.quiet_most)

    def _quiet_start(self, onset: int) -> int:
        """Where speech with this onset began, which may be earlier."""
        if self._quiet == 0:
            return onset
        return max(min(onset, self._quiet_from), onset - self._samples(self.rules.quiet_ms))

    def _speech(self, probability: float, level_db: float) -> list[Boundary]:
        assert self._begin is not None
        self._scores.append(level_db + 10 * probability)
        if probability >= onset_threshold(self.segmentation.threshold) - self.rules.hysteresis:
            return self._voiced()
        silence_ms = self._ms(self._heard - self._speech_end)
        if silence_ms >= self._silence_ms():
            return self._close(self._speech_end + self._samples(self._pad_ms()), "silence")
        if not self._paused and silence_ms >= self._pad_ms() and self._told:
            self._paused = True
            clip_end = self._speech_end + self._samples(self._pad_ms())
            return [Pause(clip_end=clip_end, remaining_ms=self._silence_ms() - silence_ms)]
        return []

    def _voiced(self) -> list[Boundary]:
        assert self._begin is not None
        resumed: list[Boundary] = [Resume()] if self._paused else []
        self._paused = False
        self._speech_end = self._heard
        self._speech_frames += 1
        ahead_ms = min(self.rules.cut_ahead_ms, self.segmentation.max_ms // 8)
        if self._heard - self._begin.start < self._samples(self.segmentation.max_ms - ahead_ms):
            return resumed + self._tell()
        return resumed + self._split(self._best_pause(), "length", ahead_ms)

    def _tell(self) -> list[Boundary]:
        if self._told or self._begin is None or self._speech_frames < self.rules.least_frames:
            return []
        self._told = True
        return [self._begin]

    # ---- ends ---------------------------------------------------------------------------------------------------

    def _close(self, clip_end: int, ended_by: EndedBy) -> list[Boundary]:
        told, sure = self._told, self.sure
        self._shut(clip_end if told else self._floor)
        if not told:
            return []
        after = Place(heard=self._heard, floor=self._floor)
        return [End(clip_end=clip_end, speech_end=self._speech_end, ended_by=ended_by, sure=sure, after=after)]

    def _shut(self, floor: int) -> None:
        self._begin, self._told, self._floor = None, False, floor
        self._sure_frames, self._quiet = 0, 0.0
        self._recent.clear()

    def _split(self, at: int, ended_by: EndedBy, remaining_ms: int = 0) -> list[Boundary]:
        """Two utterances that share the border: nothing is heard twice, nothing falls between them."""
        sure = self.sure
        self._open(at, at)
        # The counts of speech frames go on: the rest of a long utterance is speech, however short it turns out.
        keep = max(0, (at - self._scores_from) // FRAME)
        self._scores, self._scores_from = self._scores[keep:], self._scores_from + keep * FRAME
        after = Place(
            heard=self._heard,
            floor=at,
            start=at,
            speech_end=self._speech_end,
            speech_frames=self._speech_frames,
            sure_frames=self._sure_frames,
            scores_from=self._scores_from,
        )
        end = End(clip_end=at, speech_end=at, ended_by=ended_by, remaining_ms=remaining_ms, sure=sure, after=after)
        return [end, Begin(start=at, onset=at)]

    def _best_pause(self) -> int:
        """The quietest, least speech-like place of the later part: lowest mean score over three frames."""
        assert self._begin is not None
        earliest = self._begin.start + int(self._samples(self.segmentation.max_ms) * self.rules.cut_from)
        first = max(1, (earliest - self._scores_from) // FRAME)
        scores = np.asarray(self._scores)
        if len(scores) - first < 3:
            return self._heard
        smooth = np.convolve(scores, np.full(3, 1 / 3), "same")[first:-1]
        return self._scores_from + (first + int(smooth.argmin())) * FRAME + FRAME // 2

    # ---- numbers ------------------------------------------------------------------------------------------------

    def _open(self, start: int, onset: int) -> None:
        self._begin = Begin(start=start, onset=onset)
        self._floor = start
        self._paused = False

    def _silence_ms(self) -> int:
        """Silence that ends the open utterance: shorter for longer ones when tapered."""
        assert self._begin is not None
        full = self.segmentation.silence_ms
        if not self.segmentation.tapered:
            return full
        rules, limit = self.rules, self.segmentation.max_ms
        age_ms = self._ms(self._heard - self._begin.start)
        share = (age_ms - rules.taper_from_ms) / max(1, limit - rules.taper_from_ms)
        shrunk = full - (full - rules.taper_least_ms) * min(1.0, max(0.0, share))
        return min(full, int(shrunk))

    def _sure_level(self) -> float:
        return min(0.95, onset_threshold(self.segmentation.threshold) + self.rules.sure_above)

    def _pad_ms(self) -> int:
        return min(self.rules.pad_ms, self.segmentation.silence_ms)

    @staticmethod
    def _samples(ms: int) -> int:
        return ms * SESSION_RATE_HZ // 1000

    @staticmethod
    def _ms(samples: int) -> int:
        return samples * 1000 // SESSION_RATE_HZ
