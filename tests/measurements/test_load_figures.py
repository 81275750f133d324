"""What the load bench reads off its streams, on streams whose figures are known."""

import pytest
from bench import load_figures as figures
from bench.client import Answer, Take
from bench.load import TRIALS, next_streams

pytestmark = pytest.mark.unit


def stream(*sentences: tuple[int, int | None, float], frames: int = 400) -> Take:
    """A stream that began at 0 and sent frames on time; sentences as (begin_ms, end_ms or None, when it came)."""
    sent = [frame / 10 for frame in range(frames)]
    answers = [
        Answer(at, {"sentence_id": number, "begin_time": begin_ms, "end_time": end_ms, "text": "a", "words": []})
        for number, (begin_ms, end_ms, at) in enumerate(sentences)
    ]
    return Take("one", sent=sent, answers=answers)


def delays(one: Take) -> list[float]:
    return [round(delay, 3) for delay in figures.final_delays([one], figures.together([one]))]


def test_a_sentence_ended_by_silence_is_due_when_the_silence_has_been_sent() -> None:
    assert delays(stream((1000, 4000, 5.0), (9000, 11_000, 12.0))) == [0.2, 0.2]


def test_a_sentence_cut_by_length_is_due_when_its_clip_reached_the_limit() -> None:
    one = stream((1300, 11_000, 13.25), (11_000, 22_000, 23.3), (22_000, None, 25.0))
    assert delays(one)[0] == pytest.approx(0.25)


def test_the_clip_after_a_cut_starts_at_the_cut() -> None:
    one = stream((1300, 9_000, 13.0), (9_100, 18_000, 21.4), (18_000, 29_000, 30.5), (40_000, 41_000, 50.0))
    assert delays(one) == [0.0, 0.4, 0.7]


def test_a_clip_cannot_start_before_the_stream() -> None:
    one = stream((100, 9_000, 12.1), (9_000, 10_000, 11.0))
    assert delays(one)[0] == pytest.approx(0.1)


def test_a_cut_made_before_the_limit_is_early() -> None:
    one = stream((1264, 9_000, 12.7), (9_000, 18_000, 21.4))
    assert delays(one)[0] == pytest.approx(-0.3)


def test_speech_that_resumes_right_after_the_silence_was_no_cut() -> None:
    assert delays(stream((1000, 4000, 5.0), (4740, 11_000, 11.9)))[0] == pytest.approx(0.2)


def test_finals_after_the_last_audio_do_not_count() -> None:
    assert delays(stream((1000, 39_000, 40.5))) == []


def test_gaps_are_taken_while_all_streams_speak() -> None:
    early, late = stream((0, None, 1.0), (0, None, 6.0), (0, None, 6.5)), stream((0, None, 5.5), (0, None, 6.25))
    late.sent = [5.0 + frame / 10 for frame in range(400)]
    assert figures.gaps([early, late], figures.together([early, late])) == [0.5, 0.75]


def test_a_backlog_that_grows_is_seen() -> None:
    late_by = {5: 0.2, 10: 0.2, 30: 1.7, 35: 1.7}
    one = stream(*((0, second * 1000, second + late) for second, late in late_by.items()))
    assert figures.growth([one]) == pytest.approx(1.5)


def test_a_quantile_of_a_histogram_counts_only_what_came_between_the_scrapes() -> None:
    before = {'x_bucket{le="0.1"}': 100.0, 'x_bucket{le="0.2"}': 100.0, 'x_bucket{le="+Inf"}': 100.0}
    after = {'x_bucket{le="0.1"}': 100.0, 'x_bucket{le="0.2"}': 110.0, 'x_bucket{le="+Inf"}': 110.0}
    assert figures.histogram(before, after, "x", 0.5) == pytest.approx(0.15)


@pytest.mark.parametrize("border", [0, 1, 5, 8, 11, 13, 17, 23])
def test_the_search_finds_the_border(border: int) -> None:
    results = search(8, border)
    assert max((streams for streams, passed in results.items() if passed), default=0) == border
    assert len(results) <= TRIALS


def test_the_search_goes_up_in_steps_that_grow_with_what_passed() -> None:
    assert [*search(8, 1000)][:TRIALS] == [8, 12, 16, 20, 24, 28, 33]
    assert [*search(1, 1000)][:2] == [1, 2]


def search(first: int, border: int) -> dict[int, bool]:
    results: dict[int, bool] = {}
    while len(results) < 50 and (streams := next_streams(results, first)) is not None:
        results[streams] = streams <= border
    return results
