"""Echo cancellation on real speech: what the machine plays vanishes from what its microphone hears."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Speech
from stenowire.client.echo import EchoCanceller
from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.types import Hint, Samples

pytestmark = pytest.mark.engine

RATE_HZ = 16_000
NEAR, FAR = "lj-LJ001-0008.flac", "az-test-audio.flac"


def echo_of(far: Samples, delay_ms: int, gain: float) -> Samples:
    """Through a room that rings for 120 ms, `delay_ms` after it was played."""
    random = np.random.default_rng(5)
    length = RATE_HZ * 120 // 1000
    room = random.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    room[0] = 3.0
    room *= gain / np.sqrt(np.square(room).sum())
    late = delay_ms * RATE_HZ // 1000
    return np.concatenate((np.zeros(late), np.convolve(far, room)[: len(far) - late])).astype(np.float32)


def cancelled(near: Samples, far: Samples, step: int) -> Samples:
    canceller = EchoCanceller(RATE_HZ)
    parts = []
    for at in range(0, len(near), step):
        canceller.far_end(far[at : at + step])
        parts.append(canceller.near_end(near[at : at + step]))
    return np.concatenate([*parts, canceller.flush()])


def words(folder: Path, clip: Samples) -> str:
    engine = MoonshineEngine(folder)
    state = engine.open(Hint())
    (hypothesis,) = engine.step([Job(state=state, clip=clip, final=True)])
    return " ".join(word.text + word.mark for word in hypothesis.words)


@pytest.mark.parametrize("delay_ms", [20, 80, 200])
def test_an_echo_is_30_db_weaker_once_its_way_is_known(speech: Speech, delay_ms: int) -> None:
    """Echo return loss enhancement after 4 s; more than 55 dB were measured (dev/LOG.md, "Echo")."""
    far = speech(FAR)[0][: 10 * RATE_HZ]
    heard = echo_of(far, delay_ms, 0.5)
    left = cancelled(heard, far, 480)[4 * RATE_HZ :]
    assert 10 * np.log10(np.square(heard[4 * RATE_HZ :]).mean() / np.square(left).mean()) > 30


def test_the_far_words_vanish_and_the_near_words_stay(speech: Speech, moonshine_folder: Path) -> None:
    """The machine talks for 8 s and falls silent; then the person answers."""
    near, row = speech(NEAR)
    far = np.concatenate((speech(FAR)[0][: 8 * RATE_HZ], np.zeros(len(near) + RATE_HZ, np.float32)))
    heard = echo_of(far, 80, 0.5)
    heard[9 * RATE_HZ :][: len(near)] += near
    clean = cancelled(heard, far, 480)
    assert len(words(moonshine_folder, heard[: 8 * RATE_HZ]).split()) > 10
    assert words(moonshine_folder, clean[2 * RATE_HZ : 8 * RATE_HZ]) == ""
    told = words(moonshine_folder, clean[9 * RATE_HZ :])
    assert told.lower().strip(" .,") == row["text"].lower().strip(" .,")


def test_any_cutting_gives_the_same_sound_as_long_as_it_was_recorded(speech: Speech) -> None:
    far = speech(FAR)[0][: 2 * RATE_HZ + 77]
    heard = echo_of(far, 40, 0.5)
    whole = cancelled(heard, far, 160)
    assert len(whole) == len(heard)
    assert np.array_equal(cancelled(heard, far, 480), whole)


def test_without_a_far_end_speech_is_only_8_ms_late(speech: Speech, moonshine_folder: Path) -> None:
    near, row = speech(NEAR)
    clean = EchoCanceller(RATE_HZ).near_end(near)
    shifts = range(-200, 400)
    late = max(shifts, key=lambda shift: float(np.dot(np.roll(clean, -shift)[400:-400], near[: len(clean)][400:-400])))
    assert 0 <= late <= RATE_HZ * 9 // 1000
    assert words(moonshine_folder, clean).lower().strip(" .,") == row["text"].lower().strip(" .,")


def test_a_rate_that_cannot_be_worked_at_is_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        EchoCanceller(44_100)
