"""On the telephone speech is taken to be likelier than the detector says, but not surer."""

import numpy as np
import pytest

from core.drive import Drive, opening
from stenowire.audio.narrowband import EAR_ODDS
from stenowire.core.segmenter import End, Segmenter, raised
from stenowire.events import SpeechStarted
from stenowire.types import AudioFormat, Samples, Segmentation

pytestmark = pytest.mark.unit

DOUBTFUL = 0.3


class Doubtful:
    """To this detector all sound of 2 s is speech with the same low probability, but for two frames that are sure."""

    def open(self) -> list[int]:
        return [0]

    def hear(self, jobs: list[tuple[list[int], Samples]]) -> list[Samples]:
        answers = []
        for ear, samples in jobs:
            frames = ear[0] + np.arange(len(samples) // 512)
            ear[0] += len(frames)
            answers.append(np.where(frames > 60, 0.0, np.where(frames // 2 == 10, 0.96, DOUBTFUL)).astype(np.float32))
        return answers

    def dump(self, ear: list[int]) -> bytes:
        return b""


def ends(odds: float, *probabilities: float) -> list[End]:
    segmenter = Segmenter(Segmentation(silence_ms=320))
    boundaries = segmenter.feed([*probabilities, *[0.0] * 40], [-30.0] * (len(probabilities) + 40), odds)
    return [boundary for boundary in boundaries if isinstance(boundary, End)]


def test_odds_are_multiplied_and_certainty_stays() -> None:
    assert [raised(p, 9.0) for p in (0.0, 0.1, 0.5, 1.0)] == pytest.approx([0.0, 0.5, 0.9, 1.0])
    assert raised(0.3, 1.0) == 0.3


def test_what_is_likelier_is_heard_but_is_no_surer() -> None:
    assert ends(1.0, *[DOUBTFUL] * 20) == []
    (end,) = ends(EAR_ODDS, *[DOUBTFUL] * 20)
    assert not end.sure
    (end,) = ends(EAR_ODDS, *[DOUBTFUL] * 9, 0.96, 0.96, *[DOUBTFUL] * 9)
    assert end.sure


def test_cuts_of_long_talk_do_not_depend_on_pieces_by_telephone() -> None:
    probabilities, levels = [0.9] * 60 + [0.02] + [0.9] * 400, [-30.0] * 461
    whole = Segmenter(Segmentation(silence_ms=320, max_ms=6_000))
    again = Segmenter(Segmentation(silence_ms=320, max_ms=6_000))
    expected = whole.feed(probabilities, levels, EAR_ODDS)
    assert [b for b in expected if isinstance(b, End)]
    assert (
        again.feed(probabilities[:200], levels[:200], EAR_ODDS)
        + again.feed(probabilities[200:], levels[200:], EAR_ODDS)
        == expected
    )


@pytest.mark.parametrize(("rate_hz", "starts"), [(8_000, 1), (16_000, 0)])
def test_a_doubtful_voice_begins_an_utterance_on_the_telephone_only(rate_hz: int, starts: int) -> None:
    assert raised(DOUBTFUL, 1.0) < 0.5 < raised(DOUBTFUL, EAR_ODDS)
    drive = Drive(opening(format=AudioFormat("pcm", rate_hz)))
    drive.detector = Doubtful()  # type: ignore[assignment]
    drive.ear = drive.detector.open()
    drive.audio(0.1 * np.sin(np.arange(3 * rate_hz, dtype=np.float32)), rate_hz // 10)
    assert len([update for update in drive.updates if isinstance(update, SpeechStarted)]) == starts
