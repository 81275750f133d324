"""The cutting of utterances: drawings as data, and properties that hold for any sound."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stenowire.core.segmenter import FRAME, Begin, End, Pause, Resume, Segmenter
from stenowire.types import Segmentation

pytestmark = pytest.mark.unit

LANES = Path(__file__).parent.parent / "data" / "lanes"
PROBABILITY = {"#": 0.95, ".": 0.02, "?": 0.42}


def drawings() -> list[tuple[str, str, str, list[str]]]:
    found = []
    for path in sorted(LANES.glob("*.lane")):
        for block in path.read_text().strip().split("\n\n"):
            claim, *rows = block.splitlines()
            lanes = [[*row.split(maxsplit=1), ""] for row in rows]
            rules = next(row[1] for row in lanes if row[0] == "rules")
            speech = next(row[1] for row in lanes if row[0] == "speech")
            found.append((claim.removeprefix("- "), rules, speech, [row[1] for row in lanes if row[0] == "cut"]))
    return found


def segmentation(rules: str) -> Segmentation:
    pairs = dict(rule.split("=") for rule in rules.split())
    numbers = {name: float(text) if name == "threshold" else int(text) for name, text in pairs.items()}
    return Segmentation(**numbers)  # type: ignore[arg-type]


def run(segmenter: Segmenter, probabilities: list[float], levels: list[float] | None = None) -> list[object]:
    return segmenter.feed(probabilities, levels or [-30.0] * len(probabilities)) + segmenter.flush()


def clips(boundaries: list[object]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    for boundary in boundaries:
        if isinstance(boundary, Begin):
            start = boundary.start
        elif isinstance(boundary, End):
            found.append((start, boundary.clip_end))
    return found


@pytest.mark.parametrize(("claim", "rules", "speech", "cuts"), drawings(), ids=lambda value: str(value)[:60])
def test_drawing(claim: str, rules: str, speech: str, cuts: list[str]) -> None:
    boundaries = run(Segmenter(segmentation(rules)), [PROBABILITY[mark] for mark in speech])
    drawn = [(cut.index("["), cut.index("]")) for cut in cuts if cut.strip()]
    assert [(begin // FRAME, -(-end // FRAME) - 1) for begin, end in clips(boundaries)] == drawn, claim


def test_the_final_may_begin_while_the_silence_is_still_waited_for() -> None:
    segmenter = Segmenter(Segmentation(silence_ms=960))
    boundaries = segmenter.feed([0.9] * 10 + [0.0] * 9, [-30.0] * 19)
    pause = boundaries[-1]
    assert isinstance(pause, Pause)
    assert pause.clip_end == 10 * FRAME + 250 * 16
    later = segmenter.feed([0.0] * 30, [-60.0] * 30)
    assert [type(boundary) for boundary in later] == [End]
    assert later[0].clip_end == pause.clip_end


def test_speech_that_goes_on_after_a_pause_takes_the_pause_back() -> None:
    segmenter = Segmenter(Segmentation(silence_ms=960))
    boundaries = segmenter.feed([0.9] * 10 + [0.0] * 12 + [0.9] * 3, [-30.0] * 25)
    assert [type(boundary) for boundary in boundaries] == [Begin, Pause, Resume]


def test_talk_without_pause_is_cut_at_its_quietest_place() -> None:
    frames = 500
    levels = [-20.0] * frames
    levels[300:304] = [-50.0] * 4
    boundaries = run(Segmenter(Segmentation(max_ms=12_000)), [0.9] * frames, levels)
    (first, second) = clips(boundaries)
    assert 300 * FRAME <= first[1] <= 304 * FRAME
    assert second == (first[1], frames * FRAME)


def test_tapered_silence_ends_long_utterances_sooner() -> None:
    speech = [0.9] * 280 + [0.0] * 20 + [0.9] * 20
    plain = run(Segmenter(Segmentation(silence_ms=1300, tapered=False)), speech)
    tapered = run(Segmenter(Segmentation(silence_ms=1300, tapered=True)), speech)
    assert len(clips(plain)) == 1
    assert len(clips(tapered)) == 2


def test_a_cut_by_meaning_splits_the_open_utterance() -> None:
    segmenter = Segmenter(Segmentation(mode="semantic"))
    segmenter.feed([0.9] * 100, [-30.0] * 100)
    end, begin = segmenter.cut(50 * FRAME)
    assert isinstance(end, End)
    assert (end.clip_end, end.ended_by) == (50 * FRAME, "meaning")
    assert begin == Begin(start=50 * FRAME, onset=50 * FRAME)
    assert segmenter.cut(20 * FRAME) == []


@given(st.lists(st.floats(0, 1), max_size=900), st.booleans())
def test_utterances_never_overlap_and_never_exceed_the_limit(probabilities: list[float], tapered: bool) -> None:
    segmenter = Segmenter(Segmentation(silence_ms=400, tapered=tapered, max_ms=4_000))
    boundaries = run(segmenter, probabilities)
    at = 0
    for begin, end in clips(boundaries):
        assert at <= begin < end <= len(probabilities) * FRAME
        assert end - begin <= (4_000 + 300) * 16
        at = end
    opened = sum(isinstance(boundary, Begin) for boundary in boundaries)
    assert opened == sum(isinstance(boundary, End) for boundary in boundaries)


@given(st.lists(st.sampled_from([0.02, 0.42, 0.95]), max_size=400), st.integers(1, 50))
def test_pieces_give_the_same_boundaries_as_the_whole(probabilities: list[float], size: int) -> None:
    whole = run(Segmenter(Segmentation(silence_ms=320)), probabilities)
    segmenter = Segmenter(Segmentation(silence_ms=320))
    pieces: list[object] = []
    for at in range(0, len(probabilities), size):
        piece = probabilities[at : at + size]
        pieces += segmenter.feed(piece, [-30.0] * len(piece))
    assert pieces + segmenter.flush() == whole


def test_a_quiet_beginning_is_taken_in_up_to_a_second_and_a_half() -> None:
    quiet = clips(run(Segmenter(Segmentation(prefix_ms=320)), [0.01] * 50 + [0.2] * 30 + [0.9] * 20))
    noisy = clips(run(Segmenter(Segmentation(prefix_ms=320)), [0.3] * 200 + [0.9] * 20))
    assert quiet == [((50 - 10) * FRAME, 100 * FRAME)]
    assert noisy == [(200 * FRAME - (1_500 + 320) * 16, 220 * FRAME)]


@given(st.lists(st.sampled_from([0.01, 0.02, 0.1, 0.42, 0.95]), max_size=300))
def test_no_utterance_begins_in_audio_that_was_no_longer_needed(probabilities: list[float]) -> None:
    segmenter = Segmenter(Segmentation(silence_ms=320))
    for probability in probabilities:
        needed = segmenter.needed_from
        for boundary in segmenter.feed([probability], [-30.0]):
            assert not isinstance(boundary, Begin) or boundary.start >= needed


@given(st.lists(st.sampled_from([0.01, 0.02, 0.1, 0.42, 0.95]), max_size=300), st.integers(0, 300))
def test_who_takes_up_at_a_quiet_place_cuts_as_before(probabilities: list[float], at: int) -> None:
    first = Segmenter(Segmentation(silence_ms=320))
    first.feed(probabilities[:at], [-30.0] * len(probabilities[:at]))
    if (place := first.quiet_place) is not None:
        rest = probabilities[at:]
        second = Segmenter(Segmentation(silence_ms=320), place=place)
        assert run(second, rest) == run(first, rest)


def test_what_a_doubted_detector_finds_is_speech_but_seldom_surely() -> None:
    def end(probability: float, doubt: float) -> End:
        segmenter = Segmenter(Segmentation(silence_ms=320))
        boundaries = segmenter.feed([probability] * 10 + [0.0] * 20, [-30.0] * 30, doubts=[doubt] * 30)
        return next(boundary for boundary in boundaries if isinstance(boundary, End))

    assert end(0.97, 1).sure and not end(0.97, 6).sure and end(0.995, 6).sure
    assert end(0.97, 1).clip_end == end(0.97, 6).clip_end
