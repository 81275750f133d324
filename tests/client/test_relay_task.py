"""What a relay remembers of a task, frame by frame, without any socket."""

import json
from typing import Any

import pytest

from stenowire.client.relay_talk import ServerTrouble
from stenowire.client.relay_task import TaskTalk

pytestmark = pytest.mark.unit

SECOND = bytes(32_000)


def run(**parameters: Any) -> dict[str, Any]:
    given = {"format": "pcm", "sample_rate": 16_000, "strange": [1, None], **parameters}
    header = {"action": "run-task", "task_id": "T", "streaming": "duplex"}
    return {"header": header, "payload": {"model": "m", "parameters": given, "input": {}, "other": 1}}


def event(name: str, payload: dict[str, Any] | None = None, **header: Any) -> str:
    return json.dumps({"header": {"task_id": "T", "event": name, "attributes": {}, **header}, "payload": payload or {}})


def final(number: int, begin: int, end: int | None, text: str, duration: int = 1) -> str:
    sentence = {"sentence_id": number, "begin_time": begin, "end_time": end, "text": text, "mystery": "kept"}
    return event("result-generated", {"output": {"sentence": sentence}, "usage": {"duration": duration}})


def failure(code: str) -> str:
    return event("task-failed", error_code=code, error_message="so it is")


def connected(talk: TaskTalk, **started: Any) -> list[Any]:
    """On a new connection; what is written once the server has taken the task."""
    talk.lost()
    talk.hello()
    talk.receive(event("task-started", started))
    return written(talk)


def written(talk: TaskTalk) -> list[Any]:
    frames = []
    while (frame := talk.take()) is not None:
        frames.append(frame)
    return frames


@pytest.fixture
def talk() -> TaskTalk:
    made = TaskTalk(run(), most_s=60.0, resend_speed=4.0)
    connected(made)
    return made


def test_parameters_pass_unchanged_but_for_the_extension() -> None:
    (frame,) = TaskTalk(run(), most_s=60.0, resend_speed=None).hello()
    said = json.loads(frame)
    assert said["payload"]["parameters"].pop("resume")["epoch"] == 1
    assert said == run()


def test_what_is_not_pcm_asks_for_no_extension() -> None:
    (frame,) = TaskTalk(run(format="mp3"), most_s=60.0, resend_speed=None).hello()
    assert json.loads(frame) == run(format="mp3")


def test_a_second_connection_tells_on_one_line_of_times_ids_and_seconds(talk: TaskTalk) -> None:
    talk.audio(SECOND * 4)
    written(talk)
    talk.receive(final(1, 0, 2_000, "one", 2))
    assert sum(map(len, connected(talk))) == 2 * len(SECOND)
    (told,) = talk.receive(final(1, 100, 900, "two", 1))
    said = json.loads(told)["payload"]
    assert said["output"]["sentence"] == {
        "sentence_id": 2,
        "begin_time": 2_100,
        "end_time": 2_900,
        "text": "two",
        "mystery": "kept",
    }
    assert said["usage"]["duration"] == 3


def test_translations_and_open_tails_move_along(talk: TaskTalk) -> None:
    talk.audio(SECOND * 4)
    written(talk)
    talk.receive(final(1, 0, 2_000, "one"))
    connected(talk)
    said = {"sentence_id": 1, "begin_time": 0, "end_time": None, "current_time": 500, "text": "o", "words": []}
    stash = {"sentence_id": 2, "begin_time": 600, "words": [{"begin_time": 600, "end_time": 700, "text": "t"}]}
    output = {"transcription": said | {"stash": stash}, "translations": [said | {"lang": "en"}]}
    (told,) = talk.receive(event("result-generated", {"output": output}))
    moved = json.loads(told)["payload"]["output"]
    assert moved["transcription"]["current_time"] == 2_500 and moved["transcription"]["sentence_id"] == 2
    assert moved["transcription"]["stash"]["sentence_id"] == 3
    assert moved["transcription"]["stash"]["words"][0]["begin_time"] == 2_600
    assert moved["translations"][0]["begin_time"] == 2_000


def test_an_interim_that_falls_short_of_what_was_shown_is_left_out(talk: TaskTalk) -> None:
    talk.audio(SECOND)
    talk.receive(final(1, 0, None, "one two"))
    connected(talk)
    assert talk.receive(final(1, 0, None, "one")) == []
    assert talk.receive(final(1, 0, None, "one two three"))
    assert talk.receive(final(1, 0, None, "one"))


def test_the_context_in_force_is_said_again_before_the_audio_after_it(talk: TaskTalk) -> None:
    for name in ("a", "b"):
        talk.turn(name)
        talk.audio(SECOND * 2)
    talk.turn("c")
    written(talk)
    talk.receive(final(1, 0, 3_000, "one"))
    frames = connected(talk)
    assert [frame for frame in frames if isinstance(frame, str)] == ["b", "c"]
    assert frames[0] == "b" and frames[-1] == "c"


def test_the_servers_own_faults_are_tried_again_three_times(talk: TaskTalk) -> None:
    for _ in range(3):
        with pytest.raises(ServerTrouble):
            talk.receive(failure("InternalError.Algo"))
        connected(talk)
    assert "InternalError.Algo" in str(talk.receive(failure("InternalError.Algo"))[0])
    assert talk.over


@pytest.mark.parametrize("code", ["InvalidParameter", "Model.NotExist", "ResponseTimeout", "Arrearage"])
def test_a_clients_faults_are_not(talk: TaskTalk, code: str) -> None:
    assert code in str(talk.receive(failure(code))[0])
    assert talk.over and talk.close


def test_a_connection_that_starves_after_a_drop_waits_for_audio(talk: TaskTalk) -> None:
    connected(talk)
    with pytest.raises(ServerTrouble) as trouble:
        talk.receive(failure("CLIENT_ERROR"))
    assert trouble.value.idle and not talk.has_work
    talk.audio(SECOND)
    assert talk.has_work


def test_a_drop_after_the_last_final_still_ends_well(talk: TaskTalk) -> None:
    talk.audio(SECOND)
    written(talk)
    talk.receive(final(1, 0, 1_000, "one", 1))
    talk.finish("bye")
    assert connected(talk) == ["bye"]
    (told,) = talk.receive(failure("NO_VALID_AUDIO_ERROR"))
    said = json.loads(told)
    assert said["header"]["event"] == "task-finished"
    assert said["payload"] == {"output": {}, "usage": {"duration": 1}}


def test_a_header_of_wav_in_pcm_is_no_audio(talk: TaskTalk) -> None:
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0"
    talk.audio(header + SECOND)
    assert b"".join(written(talk)) == SECOND
