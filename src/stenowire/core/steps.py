"""What the engine is asked for: interims while somebody speaks, finals, the streams that they need.

In: utterances, how far they are heard. Out: work for the pool. It must not know sentences, dialects or a clock.
"""

from stenowire.core.line_in import LineIn
from stenowire.core.tape import Tape
from stenowire.core.utterance import OpenUtterance, ms
from stenowire.events import CloseStream, Open, OpenStream, Step, StepKind, Work
from stenowire.types import EngineInfo

FIRST_STEP_MS = 320
"""The first interim waits for this much speech: with less a model guesses."""
YOUNG_MS = 1_200
"""While an utterance is this young its interims are asked for more often: they are cheap, the first guess is often
wrong, and people wait for the first word."""
YOUNG_STEP_MS = 200


class Steps:
    def __init__(self, opening: Open, engine: EngineInfo, tape: Tape, line: LineIn) -> None:
        self._session = opening.session
        self._engine = engine
        self._tape = tape
        self._line = line
        self.hint = opening.hint
        """For streams that open from now on."""

    def partial(self, utterance: OpenUtterance, heard: int, speech_end: int, now: float) -> list[Work]:
        """Ask whenever more has been heard: what waits is replaced, so the interim that runs is never stale.

        The first moments of a silence count: a word that has just ended is known better by what follows it.
        """
        first = utterance.asked_until == utterance.start
        age_ms = ms(speech_end - utterance.onset)
        if utterance.wanted is not None or heard <= utterance.asked_until or (first and age_ms < FIRST_STEP_MS):
            return []
        utterance.asked_until = heard
        young = age_ms < YOUNG_MS
        spacing_ms = min(YOUNG_STEP_MS, self._engine.step_ms) if young else self._engine.step_ms
        return self._step(utterance, heard, "partial", now, spacing_ms)

    def final(self, utterance: OpenUtterance, clip_end: int, due: float) -> list[Work]:
        utterance.want_final(clip_end)
        return self._step(utterance, clip_end, "final", due)

    def close(self, utterance: OpenUtterance) -> list[Work]:
        """Nothing more will be asked for of this utterance."""
        return [CloseStream(self._session, utterance.id)] if utterance.opened_stream else []

    def _step(self, utterance: OpenUtterance, end: int, kind: StepKind, due: float, spacing_ms: int = 0) -> list[Work]:
        step = Step(
            self._session,
            stream=utterance.id,
            clip=self._tape.view(utterance.start, end),
            again=self._line.again(utterance.start, end) if kind == "final" else None,
            settled=utterance.shown.stable,
            kind=kind,
            due=due,
            spacing_ms=spacing_ms,
            ticket=utterance.ticket,
        )
        if utterance.opened_stream:
            return [step]
        utterance.opened_stream = True
        return [OpenStream(self._session, utterance.id, self.hint), step]
