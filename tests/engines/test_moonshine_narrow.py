"""Of what a clip may say with and without its hum, that is taken which is likeliest in both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from stenowire.audio.narrowband import NarrowBand, is_narrow, without_hum
from stenowire.engines.base import Effort, Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.decode import beam
from stenowire.engines.moonshine.guards import token_cap
from stenowire.engines.moonshine.narrow import heard_twice
from stenowire.engines.moonshine.network import Network
from stenowire.engines.moonshine.score import score
from stenowire.types import Hint, Samples

pytestmark = pytest.mark.engine

Speech = Callable[[str], tuple[Samples, dict[str, Any]]]

CLIPS = ["ls-mlx", "ls-84-121550-0000", "ls-7902-96591-0000", "lj-LJ001-0003"]


def telephone(clip: Samples) -> Samples:
    stage = NarrowBand()
    narrow = soxr.resample(soxr.resample(clip, 16_000, 8_000), 8_000, 16_000).astype(np.float32)
    return np.concatenate((stage.feed(narrow), stage.flush()))


@pytest.fixture(scope="module")
def network(moonshine_folder: Path) -> Network:
    return Network(build_graphs(moonshine_folder))


@pytest.mark.parametrize("name", CLIPS)
def test_no_text_of_one_hearing_is_likelier_in_both(network: Network, speech: Speech, name: str) -> None:
    clip = telephone(speech(f"{name}.flac")[0])
    cap = token_cap(len(clip))
    heard, again = (network.encode(network.listen(sound)) for sound in (clip, without_hum(clip)))
    taken = heard_twice(network, clip, heard, cap)
    texts = [taken.tokens, beam(network, heard, cap).tokens, beam(network, again, cap).tokens]
    sums = np.add(score(network, heard, texts), score(network, again, texts))
    # Eight-bit rounding: the same text in other company (see `score`).
    assert sums[0] >= sums.max() - 1.0
    assert taken.attention.shape == (len(taken.tokens), heard.frames)


@pytest.mark.parametrize(("narrow", "effort", "hearings"), [(True, "beam", 2), (True, "greedy", 1), (False, "beam", 1)])
def test_only_a_careful_final_without_an_upper_band_is_heard_twice(
    moonshine_folder: Path, speech: Speech, monkeypatch: pytest.MonkeyPatch, narrow: bool, effort: Effort, hearings: int
) -> None:
    engine = MoonshineEngine(moonshine_folder)
    clip = speech("ls-84-121550-0000.flac")[0]
    clip = telephone(clip) if narrow else clip
    assert is_narrow(clip) is narrow
    listened = []
    whole = Network.encode
    monkeypatch.setattr(Network, "encode", lambda self, sound: listened.append(1) or whole(self, sound))
    (hypothesis,) = engine.step([Job(state=engine.open(Hint()), clip=clip, final=True, effort=effort)])
    assert len(hypothesis.words) > 15
    assert len(listened) == hearings
