"""The tape keeps exactly what has not been forgotten, at positions that never shift."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.core.tape import Tape

pytestmark = pytest.mark.unit


@given(st.lists(st.tuples(st.integers(0, 40_000), st.floats(0, 1)), max_size=20))
def test_what_was_appended_can_be_viewed_until_forgotten(moves: list[tuple[int, float]]) -> None:
    tape, said = Tape(), np.zeros(0, np.float32)
    for count, share in moves:
        samples = np.arange(len(said), len(said) + count, dtype=np.float32)
        tape.append(samples)
        said = np.concatenate([said, samples])
        keep = tape.begin + int((tape.end - tape.begin) * share)
        tape.forget(keep)
        assert tape.end == len(said)
        assert np.array_equal(tape.view(keep, tape.end), said[keep:])


def test_a_view_outlives_the_growth_of_the_tape() -> None:
    tape = Tape()
    tape.append(np.ones(100, np.float32))
    view = tape.view(0, 100)
    tape.append(np.zeros(10_000_000, np.float32))
    tape.forget(5_000_000)
    assert view.sum() == 100


def test_forgotten_audio_gives_its_memory_back() -> None:
    tape = Tape()
    tape.append(np.zeros(16_000 * 600, np.float32))
    tape.forget(16_000 * 599)
    assert tape._buffer.nbytes < 1_000_000


def test_a_view_of_forgotten_audio_is_refused() -> None:
    tape = Tape()
    tape.append(np.zeros(100_000, np.float32))
    tape.forget(90_000)
    with pytest.raises(ValueError, match="outside"):
        tape.view(0, 10)
