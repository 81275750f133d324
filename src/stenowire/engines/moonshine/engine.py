"""Moonshine tiny as an engine: English, on any CPU, without a network.

Input: jobs with growing clips. Output: hypotheses. Must not know sessions, sockets or clocks.

An interim listens to the last seconds only, from an anchor that sits before a settled word; words before the anchor
are carried, settled words after it are forced, and the rest of the last hypothesis is offered as a draft. A final
listens to the whole clip anew and knows nothing of interims.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from stenowire.engines.base import Job
from stenowire.engines.moonshine import decode
from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.guards import token_cap
from stenowire.engines.moonshine.network import Network
from stenowire.engines.moonshine.tokenizer import Tokenizer
from stenowire.engines.moonshine.words import Piece, to_pieces
from stenowire.types import SESSION_RATE_HZ, EngineInfo, Hint, Hypothesis, Samples, Word

INFO = EngineInfo(
    name="moonshine-tiny-en",
    languages=("en",),
    step_ms=300,
    max_ms=15_000,
    batch=1,
    word_times=True,
    punctuates=True,
    description="Moonshine tiny (27M parameters, MIT licence), English only, runs on one CPU core.",
)

MIN_MS = 200
"""A shorter clip has no word in it."""
SILENCE = 1e-3
"""Peak amplitude (-60 dB of full scale) below which there is nothing to hear."""
WINDOW = 6 * SESSION_RATE_HZ
"""Samples that an interim listens to, once there is a settled word to begin at."""
MAX_WINDOW = INFO.max_ms * SESSION_RATE_HZ // 1000


class Stream:
    """One utterance: what its last hypothesis said, and where its interims begin to listen."""

    def __init__(self) -> None:
        self.carried: list[Word] = []
        """Words before the anchor."""
        self.anchor = 0
        """First sample that interims listen to."""
        self.pieces: list[Piece] = []
        """Words after the anchor, with their tokens."""
        self.tokens: list[int] = []

    @property
    def words(self) -> list[Word]:
        return [*self.carried, *(piece.word for piece in self.pieces)]

    def move_anchor(self, count: int, anchor: int) -> None:
        """Carry all words before word number `count`, and listen from sample `anchor` on."""
        moved = count - len(self.carried)
        self.carried = self.words[:count]
        first = self.pieces[moved].begin if moved < len(self.pieces) else len(self.tokens)
        self.tokens = self.tokens[first:]
        self.pieces = [Piece(word, begin - first, end - first) for word, begin, end in self.pieces[moved:]]
        self.anchor = anchor


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
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._folder / "tokenizer.bin")

    def warm_up(self) -> None:
        """Load the graphs and decode a second of quiet noise."""
        noise = np.random.default_rng(0).normal(0.0, 0.01, SESSION_RATE_HZ).astype(np.float32)
        self.step([Job(state=self.open(Hint()), clip=noise, final=True, effort="beam")])
        assert self._tokenizer

    def open(self, hint: Hint) -> Stream:
        return Stream()

    def close(self, state: Stream) -> None:
        state.__init__()  # type: ignore[misc]

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        """Each job by itself: the encoder gains nothing from a batch, and it takes most of the time."""
        return [self._final(job) if job.final else self._interim(job) for job in jobs]

    def _final(self, job: Job) -> Hypothesis:
        """The whole clip anew. The state is neither asked nor changed: speech may yet go on after this pause."""
        if not _audible(job.clip):
            return _hypothesis((), job)
        heard, cap = self._network.encode(job.clip), token_cap(len(job.clip))
        search = decode.beam if job.effort == "beam" else decode.greedy
        pieces = to_pieces(self._tokenizer, search(self._network, heard, cap), job.clip)
        return _hypothesis([piece.word for piece in pieces], job)

    def _interim(self, job: Job) -> Hypothesis:
        stream: Stream = job.state
        settled = min(job.settled, len(stream.words))
        if not _audible(job.clip):
            return _hypothesis(stream.words[:settled], job)
        _advance(stream, settled, len(job.clip))
        kept = settled - len(stream.carried)
        cut = stream.pieces[kept - 1].end if kept > 0 else 0
        window = job.clip[stream.anchor :]
        heard = self._network.encode(window)
        cap = token_cap(len(window))
        decoded = decode.greedy(self._network, heard, cap, forced=stream.tokens[:cut], draft=stream.tokens[cut:cap])
        pieces = to_pieces(self._tokenizer, decoded, window, _ms(stream.anchor))
        stream.pieces = _stitched(stream.pieces[: max(kept, 0)], pieces, cut)
        stream.tokens = decoded.tokens
        return _hypothesis(stream.words, job)


def _advance(stream: Stream, settled: int, samples: int) -> None:
    """Move the anchor to the last settled word that leaves a full window, when the clip has outgrown it."""
    if samples - stream.anchor <= WINDOW:
        return
    words = stream.words
    limit = _ms(samples - WINDOW)
    fits = [i for i in range(len(stream.carried) + 1, settled + 1) if i < len(words) and words[i].begin_ms <= limit]
    if not fits and samples - stream.anchor > MAX_WINDOW:
        fits = [i for i in range(len(stream.carried) + 1, len(words)) if words[i].begin_ms <= limit]
        if not fits:
            stream.move_anchor(len(words), samples - WINDOW)
            return
    if fits:
        last = fits[-1]
        gap_ms = (words[last - 1].end_ms + words[last].begin_ms) // 2
        stream.move_anchor(last, gap_ms * SESSION_RATE_HZ // 1000)


def _stitched(settled: list[Piece], pieces: list[Piece], cut: int) -> list[Piece]:
    """Settled words as they were, then the new words whose tokens begin after them."""
    floor = settled[-1].word.end_ms if settled else 0
    fresh = [piece for piece in pieces if piece.begin >= cut]
    return [*settled, *(Piece(_not_before(piece.word, floor), piece.begin, piece.end) for piece in fresh)]


def _not_before(word: Word, floor_ms: int) -> Word:
    if word.begin_ms >= floor_ms:
        return word
    return Word(word.text, floor_ms, max(word.end_ms, floor_ms + 1), word.mark, word.confidence)


def _audible(clip: Samples) -> bool:
    return _ms(len(clip)) >= MIN_MS and float(np.abs(clip).max()) >= SILENCE


def _ms(samples: int) -> int:
    return samples * 1000 // SESSION_RATE_HZ


def _hypothesis(words: Sequence[Word], job: Job) -> Hypothesis:
    settled = 0 if job.final else min(job.settled, len(words))
    return Hypothesis(tuple(words), stable=settled, heard_ms=_ms(len(job.clip)), final=job.final, language="en")
