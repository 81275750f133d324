"""In noise a careful final is heard three times, and its text is what all hearings together hold for likely."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Speech
from stenowire.audio.denoise import Denoiser
from stenowire.engines.base import Effort, Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.decode import beam
from stenowire.engines.moonshine.guards import token_cap
from stenowire.engines.moonshine.hearings import LATE, Together, heard_together, mean
from stenowire.engines.moonshine.network import Heard, Network, Step
from stenowire.engines.moonshine.shape import END, START
from stenowire.types import Hint, Samples

CLIPS = ["ls-mlx", "ls-84-121550-0000", "lj-LJ001-0003"]


def found(chances: list[list[float]], ids: list[list[int]]) -> Step:
    """One new token a row, with its candidates."""
    scores = np.log(np.array(chances, np.float32))[:, None]
    nothing = np.zeros((len(ids), 1, 0), np.float32)
    return Step(scores, np.array(ids)[:, None], nothing, nothing, [])


@pytest.mark.unit
def test_what_all_hold_for_likely_goes_before_what_one_is_sure_of() -> None:
    one = found([[0.6, 0.3, 0.03], [0.6, 0.3, 0.1]], [[7, 8, 9], [1, 2, 3]])
    two = found([[0.6, 0.3, 0.06], [0.6, 0.3, 0.1]], [[8, 4, 7], [1, 3, 5]])
    three = found([[0.9, 0.06, 0.03], [0.9, 0.06, 0.03]], [[8, 7, 4], [4, 1, 3]])
    scores, ids = mean([one, two, three])
    assert ids[:, 0].tolist() == [[8, 7, 4], [1, 4, 3]]
    assert np.exp(scores[0, 0]) == pytest.approx([0.6, 0.24, 0.11], rel=1e-5)
    assert np.exp(scores[1, 0]) == pytest.approx([0.42, 0.3, 0.43 / 3], rel=1e-5)
    assert scores.dtype == np.float32 and scores.shape == one.scores.shape


@pytest.fixture(scope="module")
def network(moonshine_folder: Path) -> Network:
    return Network(build_graphs(moonshine_folder))


def in_noise(clip: Samples) -> tuple[Samples, Samples]:
    """As recognised, and as the detector hears it."""
    hiss = np.random.default_rng(3).normal(0, 0.5 * np.sqrt(np.square(clip).mean()), len(clip)).astype(np.float32)
    stage = Denoiser(0.5, always=True)
    sounds = stage.feed(clip + hiss), stage.flush()
    return np.concatenate([s.samples for s in sounds]), np.concatenate([s.ear for s in sounds])


@pytest.mark.engine
@pytest.mark.parametrize("name", CLIPS)
def test_one_hearing_three_times_is_that_hearing(network: Network, speech: Speech, name: str) -> None:
    clip = speech(f"{name}.flac")[0]
    heard, cap = network.encode(network.listen(clip)), token_cap(len(clip))
    alone, all_three = beam(network, heard, cap), beam(Together(network, [heard] * 3), heard, cap)
    assert all_three.tokens == alone.tokens
    assert all_three.scores == pytest.approx(alone.scores, abs=1e-4)
    assert all_three.attention.shape == (len(alone.tokens), heard.frames)


@pytest.mark.engine
@pytest.mark.parametrize("name", CLIPS)
def test_the_text_of_all_is_at_least_as_likely_in_the_mean_as_that_of_each(
    network: Network, speech: Speech, name: str
) -> None:
    clip, again = in_noise(speech(f"{name}.flac")[0])
    cap = token_cap(len(clip))
    hearings = []
    for late, sound in ((0, clip), (LATE, again), (2 * LATE, 2 * clip - again)):
        later = np.concatenate((np.zeros(late, np.float32), sound))[: len(clip)]
        hearings.append(network.encode(network.listen(later)))
    taken = heard_together(network, clip, again, hearings[0], cap)
    texts = [taken.tokens, *(beam(network, heard, cap).tokens for heard in hearings)]
    means = [mean_score(network, hearings, tokens) for tokens in texts]
    assert means[0] >= max(means) - 1.0, "but for eight-bit rounding: the same text in other company"


def mean_score(network: Network, hearings: list[Heard], tokens: list[int]) -> float:
    """The sum over a text of the logarithms of each token's mean probability."""
    line = np.array([[START, *tokens]])
    wanted = np.array([[[token] for token in (*tokens, END)]])
    scores = [network.decode(heard, line, None, 1, wanted).wanted[0, :, 0] for heard in hearings]
    return float(np.log(np.mean(np.exp(scores), axis=0)).sum())


@pytest.mark.engine
@pytest.mark.parametrize(
    ("effort", "in_two_ways", "hearings"), [("beam", True, 3), ("beam", False, 1), ("greedy", True, 1)]
)
def test_only_a_careful_final_in_noise_is_heard_three_times(
    moonshine_folder: Path,
    speech: Speech,
    monkeypatch: pytest.MonkeyPatch,
    effort: Effort,
    in_two_ways: bool,
    hearings: int,
) -> None:
    engine = MoonshineEngine(moonshine_folder)
    clip, again = in_noise(speech("ls-84-121550-0000.flac")[0])
    listened = []
    whole = Network.encode
    monkeypatch.setattr(Network, "encode", lambda self, sound: listened.append(1) or whole(self, sound))
    job = Job(state=engine.open(Hint()), clip=clip, again=again if in_two_ways else None, final=True, effort=effort)
    (hypothesis,) = engine.step([job])
    assert len(hypothesis.words) > 15
    assert len(listened) == hearings
