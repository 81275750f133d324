"""Search for the text of one clip.

Input: a `Network`, what it heard, limits. Output: tokens with their log-probabilities and with where each one listened.
Must not know words, times or sessions.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.guards import loop_start
from stenowire.engines.moonshine.network import Heard, Layers, Network, Step
from stenowire.engines.moonshine.shape import END, START

BEAM_WIDTH = 8
"""More texts than this gain nothing any more (dev/LOG.md, "Beam search")."""
BEAM_MARGIN = 3.0
"""Natural-log units below the best text at which a text is given up: wider costs time and gains nothing."""

Listened = NDArray[np.float32]


class Decoder(Protocol):
    """What a search asks: the network, or several hearings of one clip at once (`hearings.py`)."""

    def decode(self, heard: Heard, tokens: NDArray[np.int64], kept: Layers | None, best: int = 1) -> Step: ...


class Decoded(NamedTuple):
    tokens: list[int]
    """Without the opening and the closing token."""
    scores: list[float]
    """The log-probability of each token, given the ones before it; 0 for forced ones."""
    attention: NDArray[np.float32]
    """[tokens, frames]: where the model listened when it wrote each token."""
    circled: bool = False
    """It ran in circles, so that what follows its first turn is lost."""


def greedy(network: Network, heard: Heard, cap: int, forced: Sequence[int] = (), draft: Sequence[int] = ()) -> Decoded:
    """The likeliest token at each turn, at most `cap` tokens; forced ones are kept in any case.

    The text opens with `forced`. `draft` is a guess at what follows: one call reads all of it, and what the model would
    have written itself is kept. A wrong guess costs time. A right one costs next to none, but its scores come out of
    other sums: where two tokens are as good as equal, the choice may differ from the one without a draft.
    """
    guess = [*forced, *draft]
    step = network.decode(heard, np.array([[START, *guess]]), None)
    chosen, scores = step.candidates[0, :, 0], step.scores[0, :, 0]
    agreed = len(forced)
    while agreed < len(guess) and chosen[agreed] == guess[agreed]:
        agreed += 1
    tokens = guess[:agreed]
    found = [0.0] * len(forced) + [float(score) for score in scores[len(forced) : agreed]]
    attention = [step.attention[0, : agreed + 1]]
    kept: Layers = step.kept
    if agreed < len(guess):
        kept = [np.ascontiguousarray(values[:, :, : agreed + 1]) for values in kept]
    following, score = int(chosen[agreed]), float(scores[agreed])
    loop: int | None = None
    while following != END and len(tokens) < cap:
        tokens.append(following)
        found.append(score)
        if (loop := loop_start(tokens)) is not None:
            tokens, found = tokens[:loop], found[:loop]
            break
        step = network.decode(heard, np.array([[following]]), kept)
        attention.append(step.attention[0])
        kept = step.kept
        following, score = int(step.candidates[0, 0, 0]), float(step.scores[0, 0, 0])
    return Decoded(tokens, found, np.concatenate(attention)[: len(tokens)], loop is not None)


class Text:
    """A text that grows in a beam: one token after the text before it."""

    def __init__(self, before: "Text | None", row: int, token: int, score: float, listened: Listened | None) -> None:
        self.before = before
        self.row = row
        """The row of the call that proposed this token: where the decoder keeps all tokens before it."""
        self.token = token
        self.score = score
        self.listened = listened
        """[frames]: where the model listened when it wrote this token."""
        self.length: int = before.length + 1 if before else 0
        self.total: float = before.total + score if before else 0.0

    def line(self) -> "list[Text]":
        """The texts that this one grew from and itself, first token first, without the opening and the closing one."""
        line: list[Text] = []
        text: Text | None = self
        while text is not None:
            line.append(text)
            text = text.before
        return [text for text in line[-2::-1] if text.token != END]


def beam(network: Decoder, heard: Heard, cap: int, width: int = BEAM_WIDTH, margin: float = BEAM_MARGIN) -> Decoded:
    """The likeliest of the texts that `likeliest` finds."""
    return likeliest(network, heard, cap, 1, width, margin)[0]


def likeliest(
    network: Decoder, heard: Heard, cap: int, count: int, width: int = BEAM_WIDTH, margin: float = BEAM_MARGIN
) -> list[Decoded]:
    """One to `count` texts, the likeliest first, by the sum of scores, among up to `width` that grow side by side.

    Each is at most `cap` tokens. A text more than `margin` below the best one is given up, so that few rows are
    computed where the model is sure. A text that runs in circles is given up too: it is likelier the longer it turns,
    and lacks all that was said behind. Only where no text ends is the first of those taken, up to its second turn.
    """
    growing = [Text(None, 0, START, 0.0, None)]
    kept: Layers | None = None
    ended: list[tuple[float, Text]] = []
    circling: list[Text] = []
    best_total = -np.inf
    while growing and growing[0].length <= cap and growing[0].total > best_total:
        step = network.decode(heard, np.array([[text.token] for text in growing]), kept, best=2 * width)
        grown = _grown(growing, step)[: 2 * width]
        worth = grown[0].total - margin
        grown, circles = apart([text for text in grown if text.total >= worth])
        circling += circles
        growing = []
        for place, text in enumerate(grown):
            if text.token != END and len(growing) < width:
                growing.append(text)
            elif text.token == END and place < width:
                ended.append((text.total, text))
                best_total = max(best_total, text.total)
        kept = [values[[text.row for text in growing]] for values in step.kept]
    ended.sort(key=lambda found: -found[0])
    texts = [text for _, text in ended[:count]] or circling[:1] or growing[:1] or [Text(None, 0, START, 0.0, None)]
    return [decoded(text.line()[:cap], heard.frames) for text in texts]


def _grown(growing: list[Text], step: Step) -> list[Text]:
    """Every text with every candidate after it, best sums first."""
    totals = np.array([text.total for text in growing])[:, None] + step.scores[:, 0]
    grown = []
    for flat in np.argsort(-totals, axis=None, kind="stable"):
        row, column = divmod(int(flat), totals.shape[1])
        token, score = int(step.candidates[row, 0, column]), float(step.scores[row, 0, column])
        grown.append(Text(growing[row], row, token, score, step.attention[row, 0]))
    return grown


Grown = TypeVar("Grown", bound=Text)


def apart(texts: Sequence[Grown]) -> tuple[list[Grown], list[Text]]:
    """(texts that have ended or may grow, what those that run in circles are up to their second turn)."""
    straight: list[Grown] = []
    circling: list[Text] = []
    for text in texts:
        line = text.line()
        loop = None if text.token == END else loop_start([part.token for part in line])
        if loop is None:
            straight.append(text)
        else:
            circling.append(line[loop - 1])
    return straight, circling


def decoded(line: list[Text], frames: int) -> Decoded:
    listened = [text.listened for text in line if text.listened is not None]
    attention = np.stack(listened) if listened else np.zeros((0, frames), np.float32)
    return Decoded([text.token for text in line], [text.score for text in line], attention)
