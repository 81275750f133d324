"""The bench's clients of the session protocols, against a running server whose engine reads what tests wrote."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from bench.client import Answer, Take
from bench.corpus import RATE_HZ, Recording
from bench.latency import computes
from bench.paced import Played
from bench.realtime_client import Listener, protocols, take

from live_server import KEY, live
from stenowire.engines.scripted import pause, say

pytestmark = pytest.mark.faults

SILENCE_MS = 400
ITEM = "conversation.item.input_audio_transcription."


@pytest.mark.parametrize("name", protocols(SILENCE_MS))
async def test_each_client_is_shown_words_while_they_are_said_and_a_final(tmp_path: Path, name: str) -> None:
    protocol = protocols(SILENCE_MS)[name]
    audio = np.concatenate([pause(300), say("w21 w33 w47 w12"), pause(100 if protocol.commits else 1000)])
    async with live(tmp_path) as server:
        one = await take(server.server.url, KEY, protocol, name, audio)
    assert one.failure is None
    (final,) = one.finals
    assert one.answers[0].at < one.sent[-1] and one.answers[0].text
    # The words are written at the edge of the band, and do not survive another rate.
    assert final.text == "w21 w33 w47 w12" or (final.text and protocol.rate_hz != RATE_HZ)
    assert (one.committed is not None) == protocol.commits
    assert len(one.sent) == -(-len(audio) // 1600), "frames are 100 ms long at every rate"


async def test_a_connection_that_breaks_is_a_failure_and_no_hang(tmp_path: Path) -> None:
    protocol = protocols(SILENCE_MS)["Qwen-ASR"]
    async with live(tmp_path, drain_s=0.1) as server:
        running = asyncio.create_task(take(server.server.url, KEY, protocol, "x", say("w21 w33 w47 w12 w55 w56")))
        await server.has_heard(0.5)
        server.server.stop()
        assert (await running).failure


def played(take: Take) -> Played:
    return Played(Recording("x", "x", "en", True, "good", np.zeros(16_000, np.float32)), (), take)


def final(at: float, end_ms: int) -> Answer:
    return Answer(at, {"sentence_id": 1, "end_time": end_ms, "text": "good", "words": []})


def test_compute_counts_from_the_end_of_the_silence_or_from_the_commit() -> None:
    sent = [frame / 10 for frame in range(50)]
    by_silence = Take("x", sent=sent, answers=[final(2.5, 1000)], finish_sent=5.0)
    assert computes(played(by_silence)) == [pytest.approx(200)], "1300 ms of silence after 1000 ms"
    by_commit = Take("x", sent=sent, answers=[final(5.25, 5000)], finish_sent=5.0, committed=5.0)
    assert computes(played(by_commit)) == [pytest.approx(250)]
    cut_short = Take("x", sent=sent, answers=[final(5.25, 4900)], finish_sent=5.0)
    assert computes(played(cut_short)) == [], "nobody knows how much silence it would have waited for"


def listener(over: str | None = None) -> Listener:
    return Listener(Take("one", sent=[0.0, 0.1]), over)


def test_deltas_are_shown_joined() -> None:
    ears = listener()
    for at, delta in enumerate(["Good", " morning"]):
        ears.hear({"type": ITEM + "delta", "item_id": "a", "delta": delta}, at)
    assert [answer.text for answer in ears.take.answers] == ["Good", "Good morning"]


def test_a_snapshot_is_its_settled_text_and_the_rest() -> None:
    ears = listener()
    ears.hear({"type": ITEM + "text", "item_id": "a", "text": "Good", "stash": " mourning"}, 0.0)
    assert ears.take.answers[0].text == "Good mourning" and not ears.take.answers[0].final


def test_a_final_ends_where_its_speech_was_told_to_have_stopped() -> None:
    ears = listener()
    ears.hear({"type": "input_audio_buffer.speech_started", "item_id": "a", "audio_start_ms": 300}, 0.0)
    assert ears.unanswered
    ears.hear({"type": "input_audio_buffer.speech_stopped", "item_id": "a", "audio_end_ms": 900}, 1.0)
    ears.hear({"type": ITEM + "completed", "item_id": "a", "transcript": "Good."}, 2.0)
    (final,) = ears.take.finals
    assert final.sentence["end_time"] == 900 and not ears.unanswered


def test_an_error_ends_the_wait_and_is_told() -> None:
    ears = listener("session.finished")
    ears.hear({"type": "error", "error": {"code": "x"}}, 0.0)
    assert ears.done.is_set() and ears.take.failure


def test_a_session_without_a_last_event_is_over_once_all_is_answered() -> None:
    ears = listener()
    ears.take.finish_sent = 1.0
    ears.hear({"type": "input_audio_buffer.speech_started", "item_id": "a", "audio_start_ms": 0}, 1.0)
    assert not ears.done.is_set()
    ears.hear({"type": ITEM + "completed", "item_id": "a", "transcript": ""}, 2.0)
    assert ears.done.is_set()
