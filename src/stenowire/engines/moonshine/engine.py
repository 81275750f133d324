"""Moonshine tiny as an engine: English, on any CPU, without a network.

Input: jobs with growing clips. Output: hypotheses. Must not know sessions, sockets or clocks.

An interim listens to the last seconds only: settled words are forced, the rest of the last hypothesis is offered as a
draft. A final listens to the whole clip anew and knows nothing of interims.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from stenowire.audio.level import amplified, clip_gain
from stenowire.audio.narrowband import is_narrow
from stenowire.engines.base import Effort, Job, Proposal
from stenowire.engines.moonshine import decode
from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.decode import Decoded
from stenowire.engines.moonshine.guards import token_cap
from stenowire.engines.moonshine.hearings import heard_together
from stenowire.engines.moonshine.leaning import beams
from stenowire.engines.moonshine.narrow import heard_twice
from stenowire.engines.moonshine.network import Heard, Network
from stenowire.engines.moonshine.parts import parts
from stenowire.engines.moonshine.phrases import Lists
from stenowire.engines.moonshine.proposals import proposals
from stenowire.engines.moonshine.score import score, score_openings
from stenowire.engines.moonshine.stream import MAX_WINDOW, Stream
from stenowire.engines.moonshine.tokenizer import Tokenizer
from stenowire.engines.moonshine.words import to_pieces
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Hint, Hypothesis, Samples, Word

INFO = EngineInfo(
    name="moonshine-tiny-en",
    languages=("en",),
    step_ms=250,
    max_ms=MAX_WINDOW * 1000 // SESSION_RATE_HZ,
    batch=1,
    word_times=True,
    punctuates=True,
    description=(
        "Moonshine tiny (27M parameters, MIT licence), English only. Word error rate 5.5 % on 48 mixed recordings with "
        "beam search, 6.9 % greedy; noise, accents and several talkers cost more."
    ),
)

MIN_SAMPLES = SESSION_RATE_HZ // 5
"""200 ms: a shorter clip has no word in it."""
SILENCE = 1e-3
"""Peak amplitude (-60 dB of full scale) below which there is nothing to hear."""


class MoonshineEngine:
    def __init__(self, folder: Path) -> None:
        """`folder` holds the shipped weights and `tokenizer.bin`; graphs are built into it on first use."""
        self._folder = folder

    @property
    def info(self) -> EngineInfo:
        return INFO

    @cached_property
    def _network(self) -> Network:
        return Network(build_graphs(self._folder))

    @cached_property
    def _lists(self) -> Lists:
        return Lists(self._tokenizer)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._folder / "tokenizer.bin")

    def warm_up(self) -> None:
        """Load the graphs and decode a second of noise."""
        noise = np.random.default_rng(0).normal(0.0, 0.01, SESSION_RATE_HZ).astype(np.float32)
        self._recognise(noise, "beam", Stream())

    def open(self, hint: Hint) -> Stream:
        return Stream(hint, self._lists.automaton(hint.hotwords) if hint.hotwords else None)

    def close(self, state: Stream) -> None:
        state.clear()

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        """Each job by itself: the encoder gains nothing from a batch, and it takes most of the time."""
        return [self._final(job) if job.final else self._interim(job) for job in jobs]

    def score(self, state: Stream, texts: Sequence[str]) -> list[float]:
        if state.heard is None:
            raise LookupError("this state keeps nothing to score texts on")
        return score(self._network, state.heard, self._heard(state, texts))

    def score_openings(self, state: Stream, texts: Sequence[str]) -> list[float]:
        if state.heard is None:
            raise LookupError("this state keeps nothing to score texts on")
        return score_openings(self._network, state.heard, self._heard(state, texts))

    def _heard(self, state: Stream, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of what follows the words that an interim no longer listens to."""
        return [self.tokens(text.removeprefix(state.unheard).lstrip()) for text in texts]

    def proposals(self, state: Stream) -> list[Proposal]:
        return state.proposals

    def tokens(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)

    def _final(self, job: Job) -> Hypothesis:
        """Nothing is asked of the state, and nothing that interims rest on changed: speech may yet go on."""
        stream: Stream = job.state
        stream.heard, stream.unheard, stream.proposals = None, "", []
        words: list[Word] = []
        gain = clip_gain(job.clip)
        clip = amplified(job.clip, gain)
        again = None if job.again is None else amplified(job.again, gain)
        spans = parts(clip, MAX_WINDOW)
        for begin, end in spans:
            other = None if again is None else again[begin:end]
            heard, found = self._recognise(clip[begin:end], job.effort, stream, other)
            words += _shifted(found, begin)
        if len(spans) > 1:
            stream.proposals = []
        elif stream.is_scored:
            stream.heard = heard
        return _hypothesis(words, job)

    def _recognise(
        self, clip: Samples, effort: Effort, stream: Stream, again: Samples | None = None
    ) -> tuple[Heard | None, list[Word]]:
        if not _audible(clip):
            return None, []
        heard, cap = self._network.encode(self._network.listen(clip)), token_cap(len(clip))
        if stream.terms is not None and effort == "beam":
            decoded, leaning = beams(self._network, heard, cap, stream.terms)
        elif effort == "beam" and is_narrow(clip):
            decoded = leaning = heard_twice(self._network, clip, heard, cap)
        elif effort == "beam" and again is not None:
            decoded = leaning = heard_together(self._network, clip, again, heard, cap)
        else:
            decoded = leaning = self._search(heard, cap, effort)
        words = [piece.word for piece in to_pieces(self._tokenizer, decoded, clip)]
        if stream.terms is not None and leaning.tokens != decoded.tokens:
            pieces = to_pieces(self._tokenizer, leaning, clip)
            stream.proposals = proposals(stream.terms, stream.hotwords, leaning.tokens, pieces, words)
        return heard, words

    def _search(self, heard: Heard, cap: int, effort: Effort) -> Decoded:
        """A beam finds its way out of most circles."""
        found = decode.greedy(self._network, heard, cap) if effort == "greedy" else None
        return decode.beam(self._network, heard, cap) if found is None or found.circled else found

    def _interim(self, job: Job) -> Hypothesis:
        stream: Stream = job.state
        stream.heard, stream.proposals = None, []
        settled = min(job.settled, len(stream.words))
        stream.advance(settled, len(job.clip))
        stream.level(clip_gain(job.clip))
        window = amplified(job.clip[stream.anchor :], stream.gain)
        if not _audible(window):
            return _hypothesis(stream.words[:settled], job)
        stream.sound = self._network.listen(window, stream.sound)
        heard, cap = self._network.encode(stream.sound), token_cap(len(window))
        if stream.is_scored:
            stream.heard, stream.unheard = heard, _text(stream.carried)
        cut = stream.settled_tokens(settled)
        decoded = decode.greedy(self._network, heard, cap, forced=stream.tokens[:cut], draft=stream.tokens[cut:cap])
        stream.take(settled, decoded.tokens, to_pieces(self._tokenizer, decoded, window, _ms(stream.anchor)))
        return _hypothesis(stream.words, job)


def _audible(clip: Samples) -> bool:
    return len(clip) >= MIN_SAMPLES and float(np.abs(clip).max()) >= SILENCE


def _shifted(words: Iterable[Word], samples: int) -> list[Word]:
    ms = _ms(samples)
    return [Word(word.text, word.begin_ms + ms, word.end_ms + ms, word.mark, word.confidence) for word in words]


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text + word.mark for word in words)


def _ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ


def _hypothesis(words: Sequence[Word], job: Job) -> Hypothesis:
    """A final states no settled words: it may have been decoded ahead, and speech go on."""
    stable = 0 if job.final else min(job.settled, len(words))
    return Hypothesis(tuple(words), stable=stable, heard_ms=_ms(len(job.clip)), final=job.final, language="en")
