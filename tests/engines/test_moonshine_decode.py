"""The lean graphs against the shipped ones, and the searches against each other, on real recordings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from stenowire.biasing.automaton import Automaton, Phrase
from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.decode import beam, greedy, likeliest
from stenowire.engines.moonshine.guards import token_cap
from stenowire.engines.moonshine.leaning import beams
from stenowire.engines.moonshine.network import Heard, Layers, Network, Step
from stenowire.engines.moonshine.reference import Reference
from stenowire.engines.moonshine.shape import END, FRAME_SAMPLES, ROW_SAMPLES, START
from stenowire.engines.moonshine.tokenizer import Tokenizer
from stenowire.types import SESSION_RATE_HZ, Samples

pytestmark = pytest.mark.engine

Speech = Callable[[str], tuple[Samples, dict[str, Any]]]

CLIPS = [f"lj-LJ001-{number}.flac" for number in ("0001", "0003", "0005", "0006", "0011", "0013", "0016", "0020")]
CLIPS += ["ls-quilter.flac", "ls-84-121550-0000.flac"]


@pytest.fixture(scope="session")
def network(moonshine_folder: Path) -> Network:
    return Network(build_graphs(moonshine_folder))


@pytest.fixture(scope="session")
def tokenizer(moonshine_folder: Path) -> Tokenizer:
    return Tokenizer(moonshine_folder / "tokenizer.bin")


@pytest.fixture(scope="session")
def heard(network: Network, two_cities: Samples) -> Heard:
    return network.encode(network.listen(two_cities[: 8 * SESSION_RATE_HZ]))


def distance(one: list[str], other: list[str]) -> int:
    """Words to change, add or remove."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, yours in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (mine != yours))
    return row[-1]


def test_the_lean_graphs_say_what_the_shipped_ones_say(
    network: Network, tokenizer: Tokenizer, moonshine_folder: Path, speech: Speech
) -> None:
    reference = Reference(moonshine_folder)
    differ = same = words = 0
    for name in CLIPS:
        clip, _ = speech(name)
        cap = token_cap(len(clip))
        shipped = tokenizer.decode(reference.greedy(clip, cap)).lower().split()
        lean = tokenizer.decode(greedy(network, network.encode(network.listen(clip)), cap).tokens).lower().split()
        differ += distance(shipped, lean)
        same += shipped == lean
        words += len(shipped)
    # Over all recordings 58 of 64 texts are identical and 0.5 % of the words differ: near ties, in both directions.
    assert same >= 8
    assert differ <= 0.015 * words


def test_the_encoder_has_one_frame_per_24_ms(network: Network) -> None:
    for seconds in (0.2, 1.0, 7.3, 15.0):
        clip = np.random.default_rng(0).normal(0, 0.1, int(seconds * SESSION_RATE_HZ)).astype(np.float32)
        assert abs(network.encode(network.listen(clip)).frames - len(clip) / FRAME_SAMPLES) <= 4


def test_a_clip_that_grows_is_heard_as_if_at_once(network: Network, two_cities: Samples) -> None:
    clip = two_cities[: 5 * SESSION_RATE_HZ + 17]
    whole, grown = network.listen(clip), network.listen(clip[:4000])
    for end in (4001, 4400, 9000, 9001, 40_000, len(clip)):
        grown = network.listen(clip[:end], grown)
    # Rows and sums are the same numbers but for the order of additions.
    for mine, yours in zip(whole, grown, strict=True):
        assert mine.shape == yours.shape
        assert np.allclose(mine, yours, rtol=1e-4, atol=1e-4)
    begin = 50 * ROW_SAMPLES
    for mine, yours in zip(whole.without(begin), network.listen(clip[begin:]), strict=True):
        assert np.allclose(mine, yours, rtol=1e-4, atol=1e-4)


def test_tokens_one_by_one_score_as_all_at_once(network: Network, heard: Heard) -> None:
    tokens = [START, *greedy(network, heard, 60).tokens]
    together = network.decode(heard, np.array([tokens]), None)
    kept, agree = None, 0
    for i, token in enumerate(tokens):
        step = network.decode(heard, np.array([[token]]), kept)
        kept = step.kept
        agree += step.candidates[0, 0, 0] == together.candidates[0, i, 0]
        # Sums of another order, rounded to eight bits layer by layer: 0.3 was the largest difference in 490 tokens.
        assert abs(step.scores[0, 0, 0] - together.scores[0, i, 0]) < 0.6
    assert agree >= len(tokens) - 1


def test_scores_are_log_probabilities_and_attention_a_distribution(network: Network, heard: Heard) -> None:
    step = network.decode(heard, np.array([[START, 500, 600]]), None, best=64)
    assert (np.diff(step.scores, axis=-1) <= 0).all()
    assert (np.exp(step.scores).sum(axis=-1) <= 1.0001).all()
    assert step.attention.shape == (1, 3, heard.frames)
    assert np.allclose(step.attention.sum(axis=-1), 1.0, atol=1e-4)


def test_rows_listen_to_the_clip_as_if_each_were_alone(network: Network, heard: Heard) -> None:
    rows = np.array([[START, 306, 471], [START, 739, 278], [START, 450, 263]])
    together = network.decode(heard, rows, None, best=4)
    for i in range(len(rows)):
        alone = network.decode(heard, rows[i : i + 1], None, best=4)
        assert np.array_equal(alone.candidates[0, :, 0], together.candidates[i, :, 0])
        assert np.allclose(alone.scores[0, :, 0], together.scores[i, :, 0], atol=0.6)
        assert np.allclose(alone.attention[0], together.attention[i], atol=0.05)


def test_a_right_draft_is_kept_and_a_wrong_one_corrected(network: Network, heard: Heard) -> None:
    plain = greedy(network, heard, 60).tokens
    assert greedy(network, heard, 60, draft=plain).tokens == plain
    wrong = [*plain[:5], 17_000, *plain[6:]]
    assert greedy(network, heard, 60, draft=wrong).tokens == plain


def test_forced_tokens_open_the_text_whatever_was_said(network: Network, tokenizer: Tokenizer, heard: Heard) -> None:
    forced = tokenizer.encode("Colourless green ideas")
    decoded = greedy(network, heard, 60, forced=forced)
    assert decoded.tokens[: len(forced)] == forced
    assert decoded.scores[: len(forced)] == [0.0] * len(forced)
    assert len(decoded.scores) == len(decoded.tokens) == len(decoded.attention)


def test_the_limit_is_kept(network: Network, heard: Heard) -> None:
    assert len(greedy(network, heard, 5).tokens) == 5
    assert len(beam(network, heard, 5).tokens) == 5


def test_a_wider_search_never_finds_a_less_likely_text(network: Network, heard: Heard) -> None:
    def likelihood(tokens: list[int]) -> float:
        kept, total = None, 0.0
        for token, following in zip([START, *tokens], [*tokens, 2], strict=True):
            step = network.decode(heard, np.array([[token]]), kept, best=2000)
            kept = step.kept
            total += float(step.scores[0, 0][list(step.candidates[0, 0]).index(following)])
        return total

    narrow, wide = greedy(network, heard, 60), beam(network, heard, 60)
    assert likelihood(wide.tokens) >= likelihood(narrow.tokens) - 0.5


def test_a_beam_of_one_is_greedy(network: Network, heard: Heard) -> None:
    assert beam(network, heard, 60, width=1).tokens == greedy(network, heard, 60).tokens


class Dictated:
    """A network that says tokens 10, 11, 12, ... at -0.3 each, and an end that costs 8.5 until the last."""

    def __init__(self, length: int) -> None:
        self._last = 10 + length - 1

    def decode(
        self,
        heard: Heard,
        tokens: NDArray[np.int64],
        kept: Layers | None,
        best: int = 1,
        wanted: NDArray[np.int64] | None = None,
    ) -> Step:
        rows = tokens.shape[0]
        candidates, scores = np.zeros((rows, 1, best), np.int64), np.full((rows, 1, best), -50.0, np.float32)
        for row, (token,) in enumerate(tokens):
            following = 10 if token == START else token + 1
            candidates[row, 0] = [following, END, *range(1000, 1000 + best)][:best]
            scores[row, 0, :2] = (-0.3, -8.5)[:best]
            if token == self._last:
                candidates[row, 0, :2] = (END, following)[:best]
        asked = np.full((rows, 1, 0) if wanted is None else wanted.shape, -50.0, np.float32)
        return Step(scores, candidates, asked, np.zeros((rows, 1, heard.frames), np.float32), [tokens])


def test_a_text_far_below_the_best_does_not_win_by_ending_early(heard: Heard) -> None:
    """One word and the end have -9.1, forty words and the end -12.3: the sum alone would choose the one word."""
    said = beam(cast(Network, Dictated(40)), heard, 100)
    assert said.tokens == list(range(10, 50))


class Circling(Dictated):
    """As sure of "50 51" said for ever as that it follows token 13, where it might as well go on."""

    def decode(self, heard: Heard, tokens: NDArray[np.int64], *rest: Any, **named: Any) -> Step:
        step = super().decode(heard, tokens, *rest, **named)
        for row, (token,) in enumerate(tokens):
            step.scores[row, 0, 0] = -0.1
            if token == 13:
                best = min(2, step.scores.shape[2])
                step.candidates[row, 0, :best], step.scores[row, 0, :best] = (50, 14)[:best], (-0.1, -0.9)[:best]
            if token in (50, 51):
                step.candidates[row, 0, 0], step.scores[row, 0, 0] = 101 - token, -0.01
        return step


NO_TERMS = Automaton([Phrase((7,), 1.0, 0)], frozenset())


def test_what_runs_in_circles_does_not_win_over_what_was_said(heard: Heard) -> None:
    network = cast(Network, Circling(20))
    said = list(range(10, 30))
    assert beam(network, heard, 100).tokens == said
    assert [found.tokens for found in likeliest(network, heard, 100, 3)] == [said]
    assert all(found.tokens == said for found in beams(network, heard, 100, NO_TERMS))
    lost = greedy(network, heard, 100)
    assert lost.tokens == [10, 11, 12, 13, 50, 51] and lost.circled
    assert not greedy(cast(Network, Dictated(20)), heard, 100).circled


def test_where_all_run_in_circles_one_turn_is_written(heard: Heard) -> None:
    class Only(Circling):
        def decode(self, heard: Heard, tokens: NDArray[np.int64], *rest: Any, **named: Any) -> Step:
            step = super().decode(heard, tokens, *rest, **named)
            step.scores[:, 0, 1:] = -50.0
            return step

    assert beam(cast(Network, Only(20)), heard, 100).tokens == [10, 11, 12, 13, 50, 51]


def test_an_unlikely_circle_does_not_replace_a_text_that_was_cut_off(heard: Heard) -> None:
    """Nothing ends before the limit; one token is said seven times, and for the eighth time 40 nats below."""
    script = [10, *[50] * 7, *range(11, 100)]

    class Scripted:
        said = 0

        def decode(self, heard: Heard, tokens: NDArray[np.int64], kept: Layers | None, best: int) -> Step:
            rows = len(tokens)
            candidates, scores = np.full((rows, 1, best), 50), np.full((rows, 1, best), -40.0, np.float32)
            candidates[:, 0, 0], scores[:, 0, 0] = script[self.said], -0.1
            self.said += 1
            nothing, attention = np.zeros((rows, 1, 0), np.float32), np.zeros((rows, 1, heard.frames), np.float32)
            return Step(scores, candidates, nothing, attention, [tokens])

    assert beam(cast(Network, Scripted()), heard, 30).tokens == script[:30]
