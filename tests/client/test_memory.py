"""What a client remembers: audio until it is answered, and one line of times and ids over all connections."""

import msgspec
import pytest

from stenowire.client.resume import Gap, Memory
from stenowire.dialects.task_client import Point
from stenowire.types import AudioFormat, Sentence, Word

pytestmark = pytest.mark.unit

PCM = AudioFormat("pcm", 16_000)


def audio(seconds: float, at: float = 0.0) -> bytes:
    """Each 10 ms has its own number in it."""
    first = round(at * 100)
    return b"".join(
        (number % 60_000).to_bytes(2, "little") * 160 for number in range(first, first + round(seconds * 100))
    )


def final(id: int, begin_ms: int, end_ms: int) -> Sentence:
    words = (Word("w", begin_ms, end_ms),)
    return Sentence(id=id, begin_ms=begin_ms, end_ms=end_ms, words=words, stable=1, final=True)


def point(from_ms: int) -> Point:
    return Point(from_ms, msgspec.Raw(b'{"from_ms":%d}' % from_ms))


def memory(begun_ms: int | None = 0, seconds: float = 10.0, **options: float) -> Memory:
    made = Memory(PCM, session="s", **options)
    made.ask()
    made.begin(begun_ms)
    made.keep(audio(seconds))
    return made


def told(made: Memory, sentence: Sentence, at: Point | None = None) -> Sentence:
    placed = made.place(sentence)
    assert placed is not None
    made.settle(placed, at)
    return placed


def test_audio_is_sent_once_and_in_order() -> None:
    made = memory()
    assert made.take(100_000) + made.take(1 << 20) == audio(10)
    assert not made.unsent and not made.all_sent
    made.finish()
    assert made.all_sent


def test_with_a_point_the_next_connection_goes_on_there() -> None:
    made = memory()
    made.take(8 * 32_000)
    told(made, final(1, 100, 2_500), point(1_600))
    ask = made.ask()
    assert (ask.session, ask.epoch, ask.point) == ("s", 2, point(1_600).data)
    assert made.begin(1_600) is None
    assert made.again == made.resent_bytes == 32_000 * 64 // 10
    assert made.take(1 << 20) == audio(8.4, at=1.6)
    assert told(made, final(2, 3_000, 4_000)).id == 2


def test_a_server_that_forgot_everything_is_begun_anew_behind_the_last_final() -> None:
    made = memory()
    made.take(8 * 32_000)
    told(made, final(1, 100, 2_500), point(1_600))
    made.ask()
    assert made.begin(0) is None
    assert made.take(1 << 20) == audio(7.5, at=2.5)
    placed = told(made, final(1, 500, 1_500), point(1_120))
    assert (placed.id, placed.begin_ms, placed.end_ms, placed.words[0].end_ms) == (2, 3_000, 4_000, 4_000)
    assert made.ask().point == point(1_120).data
    made.begin(1_120)
    assert made.take(1 << 20) == audio(6.38, at=3.62)
    assert told(made, final(2, 2_000, 3_000)).begin_ms == 4_500


@pytest.mark.parametrize("counts_from", [0, 1])
def test_without_points_times_and_ids_are_moved(counts_from: int) -> None:
    made = memory(None)
    made.take(8 * 32_000)
    assert told(made, final(counts_from, 100, 2_500)).id == 1
    assert told(made, final(counts_from + 1, 2_600, 3_000)).id == 2
    made.ask()
    made.begin(None)
    assert made.take(1 << 20) == audio(7, at=3)
    placed = told(made, final(counts_from, 100, 900))
    assert (placed.id, placed.begin_ms, placed.end_ms) == (3, 3_100, 3_900)


def test_a_final_that_was_told_is_not_told_again() -> None:
    made = memory()
    made.take(1 << 20)
    told(made, final(1, 0, 900))
    assert made.place(final(1, 0, 900)) is None
    assert made.place(msgspec.structs.replace(final(1, 0, 900), final=False, end_ms=None)) is None


def test_answered_audio_is_forgotten_and_the_rest_is_not() -> None:
    made = memory()
    made.take(1 << 20)
    told(made, final(1, 100, 2_500), point(1_600))
    assert made.kept_bytes == 32_000 * 84 // 10
    made.reach(point(9_600))
    assert made.kept_bytes == 32_000 * 4 // 10


def test_at_the_bound_audio_waits_with_the_program() -> None:
    made = memory(0, seconds=3, most_s=3)
    assert made.full
    made.take(1 << 20)
    assert made.full
    made.reach(point(1_600))
    assert not made.full


def test_offline_nothing_is_let_go() -> None:
    made = memory(None, seconds=3, most_s=3)
    assert made.full and made.unsent == 3 * 32_000


def test_a_server_that_never_answers_costs_a_gap_that_is_told() -> None:
    made = memory(None, seconds=3, most_s=3)
    made.take(1 << 20)
    assert not made.full
    made.keep(audio(2, at=3))
    made.ask()
    assert made.begin(None) == Gap(0, 2_000)
    assert made.take(1 << 20) == audio(3, at=2)


def test_coded_audio_begins_anew_and_its_finals_are_told_once() -> None:
    made = Memory(AudioFormat("mp3", 16_000), session="s")
    made.ask()
    made.begin(None)
    made.keep(bytes(range(200)))
    made.take(150)
    told(made, final(1, 0, 900))
    made.ask()
    made.begin(None)
    assert made.take(1 << 20) == bytes(range(200))
    assert made.place(final(1, 0, 900)) is None
    assert told(made, final(2, 1_000, 1_900)).begin_ms == 1_000
