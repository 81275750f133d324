"""Both halves of the task protocol, tied together: what one side says is what the other side hears."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialects.frames import garbage, json_values, running_updates, sentences, spoiled_frames
from stenowire.dialects.base import Close, Text
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.task_client import TaskClient, read_error, turn
from stenowire.dialects.task_wire import FilterList, Parameters, WordFilter
from stenowire.errors import (
    BadAudio,
    InternalError,
    InvalidParameter,
    ModelNotFound,
    NoAudio,
    StenowireError,
    Throttled,
)
from stenowire.events import (
    Alive,
    Audio,
    Failed,
    Final,
    Finish,
    Finished,
    Open,
    Opened,
    Partial,
    Reconfigure,
    Update,
)
from stenowire.types import HotWord

pytestmark = pytest.mark.unit

PCM = Parameters(format="pcm", sample_rate=16000)


class Cable:
    """A client and a dialect; what the session says goes in at one end and is read at the other."""

    def __init__(self, parameters: Parameters = PCM, model: str = "fun-asr-realtime") -> None:
        self.client = TaskClient("T", model, parameters)
        self.server = TaskDialect(0.0)
        (self.opening,) = self.server.receive(self.client.run(), 0.0)
        assert isinstance(self.opening, Open)

    def say(self, update: Update) -> list[Update]:
        heard: list[Update] = []
        for output in self.server.send(update, 0.0):
            assert isinstance(output, Text | Close)
            heard += self.client.receive(output.data) if isinstance(output, Text) else []
        return heard


def heard_as(update: Update) -> list[Update]:
    """What survives the wire: durations in whole seconds, and no event without a frame."""
    match update:
        case Final(sentence=sentence) if not sentence.text:
            return []
        case Final(session, sentence, audio_s):
            return [Final(session, sentence, math.ceil(audio_s))]
        case Finished(session, audio_s):
            return [Finished(session, math.ceil(audio_s))]
        case Opened() | Partial() | Alive():
            return [update]
        case _:
            return []


@given(st.lists(running_updates("T"), max_size=8), st.floats(0, 1e5))
def test_the_client_hears_what_the_session_says(updates: list[Update], audio_s: float) -> None:
    cable = Cable()
    assert cable.say(Opened("T")) == [Opened("T")]
    for update in updates:
        assert cable.say(update) == heard_as(update)
    assert cable.server.receive(cable.client.finish(), 0.0) == [Finish("T")]
    assert cable.say(Finished("T", audio_s)) == [Finished("T", math.ceil(audio_s))]
    assert cable.client.over and cable.client.receive('{"header":{"event":"task-started"}}') == []


@given(sentences(final=True, min_words=1))
def test_a_gummy_result_is_heard_like_any_other(sentence: object) -> None:
    cable = Cable(model="gummy-realtime-v1")
    cable.say(Opened("T"))
    final = msgspec.convert({"session": "T", "sentence": sentence, "audio_s": 2.0}, Final)
    assert cable.say(final) == [final]


def test_the_session_obeys_what_the_client_asks() -> None:
    words = WordFilter(filter_with_signed=FilterList(["heck"]))
    cable = Cable(
        Parameters(
            format="wav", sample_rate=8000, max_sentence_silence=400, heartbeat=True, language_hints=["en"],
            special_word_filter=words, vocabulary={"Bund": 4}, speech_noise_threshold=-0.5,
        )
    )  # fmt: skip
    opening = cable.opening
    assert isinstance(opening, Open)
    assert (opening.format.encoding, opening.format.rate_hz) == ("wav", 8000)
    assert (opening.segmentation.silence_ms, opening.segmentation.threshold) == (400, -0.5)
    assert (opening.hint.language, opening.hint.hotwords) == ("en", (HotWord("Bund", 4),))
    assert opening.heartbeat and opening.limits.silence_s is None and opening.text.starred == ("heck",)


def test_audio_and_context_reach_the_session() -> None:
    cable = Cable()
    assert cable.server.receive(b"\1\2", 0.0) == [Audio("T", b"\1\2")]
    (change,) = cable.server.receive(
        cable.client.update_context([turn("user", "Where to?"), turn("assistant", "Bund")]), 0.0
    )
    assert isinstance(change, Reconfigure) and change.hint and change.hint.context == "Where to?\nBund"


def test_run_task_is_written_as_the_protocol_shows_it() -> None:
    assert json.loads(TaskClient("T", "m", PCM).run()) == {
        "header": {"action": "run-task", "task_id": "T", "streaming": "duplex"},
        "payload": {
            "task_group": "audio", "task": "asr", "function": "recognition", "model": "m",
            "parameters": {"format": "pcm", "sample_rate": 16000}, "input": {},
        },
    }  # fmt: skip
    assert json.loads(TaskClient("T", "m", PCM).finish()) == {
        "header": {"action": "finish-task", "task_id": "T", "streaming": "duplex"},
        "payload": {"input": {}},
    }


@pytest.mark.parametrize("kind", [InvalidParameter, ModelNotFound, NoAudio, Throttled, InternalError])
def test_an_error_keeps_its_class_across_the_wire(kind: type[StenowireError]) -> None:
    cable = Cable()
    (failed,) = cable.say(Failed("T", kind("in plain words")))
    assert isinstance(failed, Failed) and type(failed.error) is kind and failed.error.message == "in plain words"
    assert cable.client.over


def test_an_error_names_its_field_on_the_wire() -> None:
    (failed,) = Cable().say(Failed("T", ModelNotFound("Model not exist.", "payload.model")))
    assert isinstance(failed, Failed) and failed.error.message == "payload.model: Model not exist."


def test_bad_audio_and_unknown_codes_lose_no_words() -> None:
    assert BadAudio.code == "InvalidParameter"
    assert isinstance(read_error("ModelNotFound", "gone"), ModelNotFound)
    assert read_error("Arrearage", "unpaid").message == "Arrearage: unpaid"


def result(words: list[dict[str, object]], text: str, end_time: int | None = None) -> str:
    sentence = {"sentence_id": 1, "begin_time": 10, "end_time": end_time, "text": text, "words": words}
    frame = {"header": {"event": "result-generated", "task_id": "T"}, "payload": {"output": {"sentence": sentence}}}
    return json.dumps(frame)


def heard(frame: str) -> Partial | Final:
    (update,) = TaskClient("T", "m", PCM).receive(frame)
    assert isinstance(update, Partial | Final)
    return update


def test_words_without_a_blank_between_them_are_one_word() -> None:
    words = [
        {"text": "你", "begin_time": 10, "end_time": 90, "punctuation": "", "fixed": True},
        {"text": "好", "begin_time": 90, "end_time": 200, "punctuation": "，", "fixed": True},
        {"text": "吗", "begin_time": 300, "end_time": 400, "punctuation": "？", "fixed": False},
    ]
    sentence = heard(result(words, "你好，吗？")).sentence
    assert sentence.text == "你好，吗？" and sentence.stable == 0
    assert [(word.begin_ms, word.end_ms, word.mark) for word in sentence.words] == [(10, 400, "？")]


def test_a_word_of_several_pieces_is_settled_only_as_a_whole() -> None:
    words = [{"text": "re", "fixed": False}, {"text": "do", "fixed": True}, {"text": " it", "fixed": True}]
    assert heard(result(words, "redo it")).sentence.stable == 0


def test_a_blank_may_stand_between_words_as_a_word_of_its_own() -> None:
    words = [{"text": "Good"}, {"text": " "}, {"text": "morning", "begin_time": 300}]
    said = heard(result(words, "Good morning")).sentence.words
    assert [(word.text, word.begin_ms) for word in said] == [("Good", 10), ("morning", 300)]


def test_a_trailing_blank_parts_words_as_well_as_a_leading_one() -> None:
    words = [{"text": "Good ", "fixed": True}, {"text": "morning", "punctuation": "."}]
    sentence = heard(result(words, "Good morning.")).sentence
    assert [word.text for word in sentence.words] == ["Good", "morning"] and sentence.stable == 1


def test_a_result_without_words_keeps_its_text() -> None:
    update = heard(result([], "Good morning.", 900))
    assert isinstance(update, Final) and update.audio_s == 0.9
    assert update.sentence.text == "Good morning." and update.sentence.words[-1].end_ms == 900


wire_words = st.fixed_dictionaries(
    {"text": st.text(" \tab，", max_size=4)},
    optional={"punctuation": st.none() | st.sampled_from(["", ".", " ."]), "fixed": st.none() | st.booleans()},
)


@given(st.lists(wire_words, max_size=6), st.none() | st.text(" ab.", max_size=8))
def test_the_text_counts_whatever_the_words_say(words: list[dict[str, object]], text: str | None) -> None:
    said = "".join(f"{word['text']}{word.get('punctuation') or ''}" for word in words) if text is None else text
    assert heard(result(words, said)).sentence.text == " ".join(said.split())


@given(garbage | spoiled_frames() | json_values.map(json.dumps) | st.binary())
def test_nothing_that_a_server_writes_raises(frame: str | bytes) -> None:
    TaskClient("T", "m", PCM).receive(frame)


@given(st.lists(garbage | spoiled_frames() | st.binary(max_size=9), max_size=5))
def test_nothing_that_a_client_writes_raises(frames: list[str | bytes]) -> None:
    server = TaskDialect(0.0)
    for frame in frames:
        for output in server.receive(frame, 0.0):
            if isinstance(output, Text):
                assert set(json.loads(output.data)) == {"header", "payload"}


def test_other_tasks_frames_are_not_ours() -> None:
    client = TaskClient("T", "m", PCM)
    assert client.receive('{"header":{"event":"task-started","task_id":"U"},"payload":{}}') == []
    assert client.receive('{"header":{"event":"task-progress","task_id":"T"},"payload":{}}') == []
    assert not client.started and not client.over


def test_a_server_that_talks_nonsense_fails_the_task() -> None:
    client = TaskClient("T", "m", PCM)
    (failed,) = client.receive("<html>")
    assert isinstance(failed, Failed) and "cannot be read" in failed.error.message and client.over
