"""The session: what it tells, in which order, whatever the audio's pieces and the engine's moods."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.drive import NAME, Drive, finals, opening, partials, pcm, recognise
from stenowire.engines.base import Job
from stenowire.engines.scripted import BLOCK, SLOT, ScriptedDetector, ScriptedEngine, pause, say
from stenowire.events import (
    Commit,
    Final,
    Finished,
    Opened,
    Partial,
    Reconfigure,
    Refused,
    SpeechStarted,
)
from stenowire.types import AudioFormat, Hint, HotWord, Hypothesis, Segmentation, TextOptions

pytestmark = pytest.mark.unit


def test_words_come_as_partials_and_then_as_one_final() -> None:
    drive = recognise(np.concatenate([pause(500), say("w3 w7 w9"), pause(1500)]))
    assert isinstance(drive.updates[0], Opened)
    assert partials(drive.updates)[-1] == "w3 w7 w9"
    assert finals(drive.updates) == ["w3 w7 w9"]
    assert isinstance(drive.updates[-1], Finished)


def test_two_sentences_get_ids_and_times_of_their_own() -> None:
    drive = recognise(np.concatenate([pause(500), say("w3 w7"), pause(1500), say("w9"), pause(900)]))
    sentences = [update.sentence for update in drive.updates if isinstance(update, Final)]
    assert [sentence.id for sentence in sentences] == [1, 2]
    assert 400 <= sentences[0].begin_ms <= 520
    assert 1380 <= sentences[0].end_ms <= 1600
    assert 2900 <= sentences[1].begin_ms <= 3020
    assert [word.begin_ms for word in sentences[0].words] == [pytest.approx(500, abs=40), pytest.approx(1000, abs=40)]


def test_the_last_words_are_never_lost_at_finish() -> None:
    assert finals(recognise(np.concatenate([pause(300), say("w3 w7 w9")])).updates) == ["w3 w7 w9"]


def test_first_words_are_whole_when_audio_begins_with_speech() -> None:
    assert finals(recognise(say("w3 w7")).updates) == ["w3 w7"]


@given(st.integers(150, 7001), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_pieces_of_any_size_give_the_same_finals(size: int, shift: int) -> None:
    data = pcm(np.concatenate([pause(200), say("w3 w7"), pause(900 + shift), say("w9 w5"), pause(400)]))
    drive = Drive(opening())
    drive.data(data, size)
    drive.finish()
    whole = Drive(opening())
    whole.data(data, len(data))
    whole.finish()
    assert (
        next(u for u in drive.updates if isinstance(u, Final)).sentence
        == next(u for u in whole.updates if isinstance(u, Final)).sentence
    )
    assert finals(drive.updates) == finals(whole.updates) == ["w3 w7", "w9 w5"]


def test_single_bytes_give_the_same_final() -> None:
    drive = Drive(opening())
    drive.data(pcm(np.concatenate([say("w3"), pause(300)])), 1)
    drive.finish()
    assert finals(drive.updates) == ["w3"]


def test_the_final_is_decoded_during_the_silence_that_it_waits_for() -> None:
    drive = Drive(opening(segmentation=Segmentation(silence_ms=1280)))
    drive.audio(np.concatenate([say("w3 w7"), pause(700)]))
    asked = [step for step in drive.steps if step.kind == "final"]
    assert len(asked) == 1
    assert finals(drive.updates) == []
    drive.audio(pause(1000))
    assert finals(drive.updates) == ["w3 w7"]
    assert len([step for step in drive.steps if step.kind == "final"]) == 1


def test_speech_after_a_short_pause_joins_the_same_sentence() -> None:
    drive = recognise(np.concatenate([say("w3 w7"), pause(500), say("w9"), pause(1000)]))
    assert finals(drive.updates) == ["w3 w7 w9"]


def test_a_settled_word_never_changes_before_the_final() -> None:
    drive = recognise(np.concatenate([pause(300), say("w3 w7 w9 w5 w8 w2 w6 w4"), pause(1500)]))
    settled: list[str] = []
    for update in drive.updates:
        if isinstance(update, Partial):
            words = [word.text for word in update.sentence.words]
            assert words[: len(settled)] == settled
            settled = words[: update.sentence.stable]
    assert settled


def test_a_late_final_holds_back_the_next_sentence() -> None:
    drive = Drive(opening())
    drive.held = []
    drive.audio(np.concatenate([say("w3"), pause(900), say("w7 w8 w9"), pause(100)]))
    late = [step for step in drive.held if step.stream == 1 and step.kind == "final"]
    for step in [step for step in drive.held if step.stream == 2]:
        drive.answer(step)
    assert partials(drive.updates) == []
    drive.answer(late[-1])
    assert finals(drive.updates) == ["w3"]
    assert partials(drive.updates)
    assert drive.updates[-1].sentence.id == 2


def test_talk_without_pause_is_cut_and_no_word_is_lost() -> None:
    words = [f"w{3 + index % 60}" for index in range(60)]
    drive = recognise(say(" ".join(words)))
    assert len(finals(drive.updates)) > 2
    assert " ".join(finals(drive.updates)).split() == words


def test_silence_gives_no_sentence() -> None:
    drive = recognise(pause(5000))
    assert [type(update) for update in drive.updates] == [Opened, Finished]


def test_a_session_without_interims_gives_finals_only() -> None:
    drive = recognise(np.concatenate([say("w3 w7 w9 w5"), pause(900)]), interims=False)
    assert partials(drive.updates) == []
    assert finals(drive.updates) == ["w3 w7 w9 w5"]


def test_filtered_words_reach_neither_partials_nor_finals() -> None:
    drive = recognise(np.concatenate([say("w3 w7 w9"), pause(900)]), text=TextOptions(dropped=("w7",)))
    assert finals(drive.updates) == ["w3 w9"]
    assert not any("w7" in text for text in partials(drive.updates))


def test_new_context_reaches_the_next_utterance() -> None:
    drive = Drive(opening())
    hints: list[Hint] = []
    drive.engine.open = lambda hint: hints.append(hint) or {"open": True}  # type: ignore[method-assign,assignment,func-returns-value]
    drive.audio(np.concatenate([say("w3"), pause(900)]))
    drive.send(Reconfigure(NAME, hint=Hint(context="boats")))
    drive.audio(np.concatenate([say("w7"), pause(900)]))
    assert [hint.context for hint in hints] == ["", "boats"]


def told_terms(**changes: object) -> list[list[tuple[str, str, int]]]:
    """(term, before, begin) of each final, from an engine that takes hot words."""
    hint = Hint(hotwords=(HotWord("Bulge Bracket", sounds_like=("w7 w9",)),))
    drive = Drive(opening(hint=hint, **changes), ScriptedEngine(biasing="phrases"))
    for words in ("w3 w7 w9", "w4", "w7 w9 w2"):
        drive.audio(np.concatenate([say(words), pause(900)]))
        drive.send(Commit(NAME))
    drive.finish()
    sentences = [update.sentence for update in drive.updates if isinstance(update, Final)]
    partials = [update.sentence for update in drive.updates if isinstance(update, Partial)]
    assert "Bulge Bracket" in " ".join(sentence.text for sentence in sentences)
    assert not any(sentence.applied for sentence in partials)
    return [[(one.term, one.before, one.begin) for one in sentence.applied] for sentence in sentences]


def test_a_final_says_on_request_which_terms_were_written() -> None:
    assert told_terms(audit=True) == [[("Bulge Bracket", "w7 w9", 1)], [], [("Bulge Bracket", "w7 w9", 0)]]


def test_unasked_no_final_speaks_of_terms() -> None:
    assert told_terms() == [[], [], []]


def test_terms_are_counted_in_the_words_of_the_whole_sentence() -> None:
    """One commit over two utterances is one sentence; a dropped word no longer counts."""
    hint = Hint(hotwords=(HotWord("Bulge Bracket", sounds_like=("w7 w9",)),))
    changes = {"hint": hint, "audit": True, "text": TextOptions(dropped=("w3",))}
    drive = Drive(
        opening(segmentation=Segmentation(mode="manual", silence_ms=640), **changes), ScriptedEngine(biasing="phrases")
    )
    long = np.concatenate([say("w3 w4 " * 10 + "w7 w9"), pause(600), say("w2 w5 " * 10 + "w7 w9"), pause(900)])
    drive.audio(long)
    drive.send(Commit(NAME))
    drive.finish()
    (final,) = [update for update in drive.updates if isinstance(update, Final)]
    words = [word.text for word in final.sentence.words]
    places = [index for index, word in enumerate(words) if word == "Bulge"]
    assert len(places) == 2 and "w3" not in words
    assert [one.begin for one in final.sentence.applied] == places


def test_answered_audio_is_forgotten() -> None:
    drive = Drive(opening())
    for _ in range(20):
        drive.audio(np.concatenate([say("w3 w7"), pause(900)]))
    assert drive.session.backlog_s < 1.0


def test_speech_is_announced_before_its_words() -> None:
    drive = recognise(np.concatenate([pause(320), say("w3 w7"), pause(900)]))
    kinds = [type(update) for update in drive.updates]
    assert kinds.index(SpeechStarted) < kinds.index(Partial)


def test_the_format_may_change_between_audio() -> None:
    drive = Drive(opening())
    drive.audio(np.concatenate([say("w3"), pause(900)]))
    drive.send(Reconfigure(NAME, format=AudioFormat("pcm", 48_000)))
    drive.audio(np.repeat(np.abs(np.concatenate([say("w7"), pause(900)])), 3))
    first, second = finals(drive.updates)
    # Resampling rings at the block's edges, which reads as a short quiet word.
    assert (first, second.split()[0]) == ("w3", "w7")


class Doubting(ScriptedDetector):
    def hear(self, jobs: Sequence[tuple[object, np.ndarray]]) -> list[np.ndarray]:
        return [np.minimum(p, 0.7) for p in super().hear(jobs)]


def doubted(confidence: float) -> Drive:
    class Confident(ScriptedEngine):
        def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
            heard = super().step(jobs)
            return [replace(h, words=tuple(replace(w, confidence=confidence) for w in h.words)) for h in heard]

    drive = Drive(opening(), Confident())
    drive.detector = Doubting()
    drive.audio(np.concatenate([say("w3 w7"), pause(900)]))
    drive.finish()
    return drive


def test_doubtful_speech_counts_only_where_the_engine_is_confident() -> None:
    assert finals(doubted(0.8).updates) == ["w3 w7"]
    assert finals(doubted(0.4).updates) == []


def test_doubtful_speech_shows_no_interims() -> None:
    assert partials(doubted(0.4).updates) == []


def test_no_time_lies_beyond_the_audio() -> None:
    drive = recognise(np.concatenate([pause(200), say("w3 w7")[: -SLOT + BLOCK]]), frame=700)
    sentence = next(update.sentence for update in drive.updates if isinstance(update, Final))
    assert sentence.end_ms == sentence.words[-1].end_ms == round(drive.session.audio_s * 1000)


def test_a_language_that_the_engine_does_not_know_is_refused_in_mid_session() -> None:
    drive = Drive(opening())
    (refused,) = drive.send(Reconfigure(NAME, hint=Hint(language="zh"), format=AudioFormat("pcm", 8000)))
    assert isinstance(refused, Refused)
    drive.audio(np.concatenate([say("w3"), pause(900)]))
    assert finals(drive.updates) == ["w3"]


def test_partials_name_the_only_language_there_is() -> None:
    drive = recognise(say("w3 w7 w9"))
    assert {u.sentence.language for u in drive.updates if isinstance(u, Partial | Final)} == {"en"}
