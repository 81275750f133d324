"""Any engine, with hot words and context: what it heard is looked through for terms, and the audio decides.

Input: jobs, as for any engine; the hint of each state. Output: hypotheses in which terms are written as given, and why.
An engine that takes terms itself is left alone. One that cannot score texts gets its spelling mended only. A state
whose hint names no term passes through untouched. Must not know sessions, sockets or clocks.

The engine inside sees its own words: those that a session has settled are counted back to what they came from.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from stenowire.biasing.ahead import Ahead
from stenowire.biasing.candidates import Candidate, find, holds_no_word, merged, proposed, recalled, respellings
from stenowire.biasing.contexts import Contexts
from stenowire.biasing.index import Index
from stenowire.biasing.pronounce import Lexicon
from stenowire.biasing.rewrite import replaced, text_of
from stenowire.biasing.verify import chosen, decide, rank
from stenowire.engines.base import Engine, Job, Proposer, Scorer
from stenowire.types import Applied, EngineInfo, Hint, Hypothesis, Word

NEAR = 0.25
"""Phone distance up to which an interim is rewritten without asking the audio, among few terms. The final decides."""
NEARER = 0.13
"""Among some terms. Where one of the words that would go is in no dictionary, NEAR holds for them too."""
FEW = 30
SOME = 300
LONG = 4
"""Phones of the terms that this is done for: shorter ones sound like much else."""


class Change(msgspec.Struct, frozen=True):
    """A term in the place of words."""

    begin: int
    end: int
    """The words before: `[begin:end]`."""
    words: tuple[Word, ...]
    """The words after."""
    applied: Applied


class Biased(msgspec.Struct):
    """One utterance's state."""

    inner: Any
    index: Index | None
    words: tuple[Word, ...] = ()
    """What the last interim showed."""
    spans: tuple[tuple[int, int], ...] = ()
    """For each inner word or change of the last interim, how many inner and how many shown words end with it."""
    ahead: Ahead = msgspec.field(default_factory=Ahead)


class BiasedEngine:
    def __init__(self, engine: Engine, lexicon: Lexicon) -> None:
        self._engine = engine
        self._scorer = engine if isinstance(engine, Scorer) else None
        self._contexts = Contexts(lexicon, self._pieces)

    @property
    def info(self) -> EngineInfo:
        inner = self._engine.info
        return msgspec.structs.replace(inner, biasing="text") if self._scorer else inner

    def open(self, hint: Hint) -> Biased:
        native = self._engine.info.biasing != "none" and not self._scorer
        index = None if native else self._contexts.index(hint)
        return Biased(self._engine.open(hint if index is None else _told(hint, index)), index)

    def close(self, state: Biased) -> None:
        self._engine.close(state.inner)
        state.index, state.words, state.spans, state.ahead = None, (), (), Ahead()

    def warm_up(self) -> None:
        self._engine.warm_up()

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        settled = [_settled(job) for job in jobs]
        inner = [
            msgspec.structs.replace(job, state=job.state.inner, settled=words)
            for job, (words, _) in zip(jobs, settled, strict=True)
        ]
        heard = self._engine.step(inner)
        return [
            self._biased(job, hypothesis, before) for job, hypothesis, before in zip(jobs, heard, settled, strict=True)
        ]

    def _biased(self, job: Job, heard: Hypothesis, settled: tuple[int, int]) -> Hypothesis:
        index = job.state.index
        if index is None:
            return heard
        if job.final:
            return _changed(heard, heard.words, self._final(index, job.state, heard.words))
        if self._scorer is not None:
            score = partial(self._scorer.score_openings, job.state.inner)
            job.state.ahead.ask(index, heard.words, settled[0], heard.heard_ms, score, self._pieces)
        return _interim(index, job, heard, settled)

    def _final(self, index: Index, state: Biased, words: tuple[Word, ...]) -> list[Change]:
        spelled = respellings(index, [word.text for word in words])
        changes = [_respelled(index, words, candidate) for candidate in spelled]
        if self._scorer is not None:
            taken = frozenset(i for change in changes for i in range(change.begin, change.end))
            changes += self._by_sound(self._scorer, index, state, words, taken)
        return sorted(changes, key=lambda change: change.begin)

    def _by_sound(
        self, scorer: Scorer, index: Index, state: Biased, words: tuple[Word, ...], taken: frozenset[int]
    ) -> list[Change]:
        texts = [word.text for word in words]
        offered = proposed(index, texts, self._proposals(state), taken)
        near = merged(rank(index, words, find(index, texts, taken)), offered)
        try:
            decisions = decide(index, words, near, partial(scorer.score_openings, state.inner), self._pieces)
        except LookupError:
            return []
        proven = chosen(decisions)
        for decision in proven:
            candidate = decision.candidate
            if not candidate.owner:
                index.prove([word.text for word in words[candidate.begin : candidate.end]], candidate.term)
        return [
            _change(
                index,
                words,
                d.candidate,
                means="tokens" if d.candidate.proposed else "sound",
                gain=round(d.gain, 2),
                score=round(d.score, 2),
            )
            for d in proven
        ]

    def _proposals(self, state: Biased) -> list[tuple[int, int, str]]:
        if not isinstance(self._engine, Proposer):
            return []
        return [(one.begin, one.end, one.term) for one in self._engine.proposals(state.inner)]

    def _pieces(self, text: str) -> int:
        return len(self._scorer.tokens(text)) if self._scorer else len(text) // 3


def _told(hint: Hint, index: Index) -> Hint:
    """The hint with all its terms as hot words, for an engine whose search can lean towards them."""
    return msgspec.structs.replace(hint, hotwords=index.hotwords)


def _settled(job: Job) -> tuple[int, int]:
    """How many inner and shown words an interim must begin with; a change that has begun to settle is settled whole."""
    state: Biased = job.state
    if state.index is None:
        return job.settled, job.settled
    ends = ((0, 0), *state.spans)
    return next((span for span in ends if span[1] >= job.settled), ends[-1])


def _interim(index: Index, job: Job, heard: Hypothesis, settled: tuple[int, int]) -> Hypothesis:
    """The settled words as they were shown; the rest where a term is spelled otherwise, or sounds just like it."""
    state: Biased = job.state
    inner, shown = settled
    before, words = state.words[:shown], heard.words[inner:]
    found = _interim_candidates(index, state.ahead.proven, [word.text for word in words])
    changes = [_change(index, words, c, means="sound" if c.phones else "spelling") for c in found]
    changes.sort(key=lambda change: change.begin)
    changed = _changed(heard, words, changes)
    state.spans = (*(span for span in state.spans if span[1] <= shown), *_spans(changes, len(words), inner, shown))
    state.words = before + changed.words
    return msgspec.structs.replace(changed, words=state.words, stable=min(job.settled, len(state.words)), applied=())


def _interim_candidates(index: Index, proven: dict[str, int], texts: Sequence[str]) -> list[Candidate]:
    found = respellings(index, texts)
    taken = {i for candidate in found for i in range(candidate.begin, candidate.end)}
    more = recalled(index.proven | proven, texts, frozenset(taken))
    if len(index.terms) <= SOME:
        sure = NEAR if len(index.terms) <= FEW else NEARER
        near = [c for c in find(index, texts, frozenset(taken), NEAR) if c.phones >= LONG]
        more += [c for c in near if c.distance <= sure or holds_no_word(index, texts[c.begin : c.end])]
    for candidate in more:
        if taken.isdisjoint(span := range(candidate.begin, candidate.end)):
            taken.update(span)
            found.append(candidate)
    return found


def _spans(changes: Sequence[Change], words: int, inner: int, shown: int) -> list[tuple[int, int]]:
    by_begin = {change.begin: change for change in changes}
    spans, at = [], 0
    while at < words:
        change = by_begin.get(at)
        at = change.end if change else at + 1
        shown += len(change.words) if change else 1
        spans.append((inner + at, shown))
    return spans


def _respelled(index: Index, words: Sequence[Word], candidate: Candidate) -> Change:
    return _change(index, words, candidate, means="spelling")


def _change(index: Index, words: Sequence[Word], candidate: Candidate, **evidence: Any) -> Change:
    begin, end, term = candidate.begin, candidate.end, index.terms[candidate.term]
    new = replaced(words, begin, end, term.text + candidate.owner)
    applied = Applied(
        term=term.text,
        before=" ".join(word.text for word in words[begin:end]),
        begin=begin,
        words=len(new),
        source=term.source,
        weight=term.weight,
        distance=round(candidate.distance, 3),
        **evidence,
    )
    return Change(begin, end, new, applied)


def _changed(heard: Hypothesis, words: Sequence[Word], changes: Sequence[Change]) -> Hypothesis:
    """`words` with the changes made, told in the order of the words, beside what the engine itself applied. Changes
    that change nothing are not told."""
    new: list[Word] = []
    applied: list[Applied] = []
    moved: dict[int, int] = {}
    at = 0
    for change in changes:
        _keep(words, range(at, change.begin), new, moved)
        if text_of(change.words) == text_of(words[change.begin : change.end]):
            _keep(words, range(change.begin, change.end), new, moved)
        else:
            applied.append(msgspec.structs.replace(change.applied, begin=len(new)))
            new += change.words
        at = change.end
    _keep(words, range(at, len(words)), new, moved)
    kept = [one for one in heard.applied if all(i in moved for i in range(one.begin, one.begin + one.words))]
    applied += [msgspec.structs.replace(one, begin=moved[one.begin]) for one in kept]
    applied.sort(key=lambda one: one.begin)
    return msgspec.structs.replace(heard, words=tuple(new), applied=tuple(applied))


def _keep(words: Sequence[Word], places: range, new: list[Word], moved: dict[int, int]) -> None:
    for place in places:
        moved[place] = len(new)
        new.append(words[place])
