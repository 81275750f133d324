"""What a program asks for by name is what the wire says."""

import json

import msgspec
import pytest

from stenowire.client.asking import OpenAITalk, Wishes, talk, weighted
from stenowire.client.errors import Unsupported
from stenowire.dialects.task_resume import WireResume
from stenowire.dialects.task_wire import Parameters
from stenowire.types import AudioFormat

pytestmark = pytest.mark.unit

PCM = AudioFormat("pcm", 16_000)
ALL = Wishes(
    model="fun-asr-realtime",
    language="en",
    hotwords=weighted({"Siobhan": 5}),
    vocabulary="vocab-1",
    context="A talk.",
    segmentation="meaning",
    silence_ms=900,
    noise_reduction="near_field",
    audit=True,
    parameters=Parameters(keep_dialect=True, heartbeat=False),
)


def test_every_wish_is_said_in_the_task_protocol() -> None:
    payload = json.loads(talk("task", PCM, ALL, "T", WireResume(session="S", epoch=2)).hello()[0])["payload"]
    assert payload["model"] == "fun-asr-realtime"
    assert payload["parameters"] == {
        "format": "pcm",
        "sample_rate": 16_000,
        "language_hints": ["en"],
        "vocabulary": {"Siobhan": 5},
        "vocabulary_id": "vocab-1",
        "semantic_punctuation_enabled": True,
        "max_sentence_silence": 900,
        "hotword_audit": True,
        "noise_reduction": "near_field",
        "keep_dialect": True,
        "heartbeat": True,
        "resume": {"session": "S", "epoch": 2},
    }
    assert payload["input"]["context"] == [{"role": "user", "content": [{"text": "A talk.", "type": "input_text"}]}]


def test_what_was_not_asked_for_is_left_to_the_server() -> None:
    payload = json.loads(talk("task", PCM, Wishes(), "T", None).hello()[0])["payload"]
    assert payload["parameters"] == {"format": "pcm", "sample_rate": 16_000, "heartbeat": True}
    session = json.loads(talk("openai", PCM, Wishes(), "T", None).hello()[0])["session"]
    assert set(session["audio"]["input"]) == {"format", "transcription"}


def test_openais_protocol_gets_its_own_words_and_rate() -> None:
    session = json.loads(talk("openai", PCM, ALL, "T", None).hello()[0])["session"]["audio"]["input"]
    assert session["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["transcription"]["keywords"] == ["Siobhan"]
    assert session["turn_detection"] == {"type": "semantic_vad"}
    assert session["noise_reduction"] == {"type": "near_field"}


def test_no_sample_is_lost_on_the_way_to_another_rate() -> None:
    half = OpenAITalk(PCM, Wishes())
    frames = [half.audio(bytes(odd)) for odd in (1_001, 999, 3_000)] + half.goodbye()
    sent = [json.loads(frame).get("audio", "") for frame in frames]
    decoded = sum(len(msgspec.json.decode(json.dumps(data), type=bytes)) for data in sent)
    last_silence = 24_000 // 5 * 2
    assert decoded - last_silence == pytest.approx(5_000 * 3 // 2, abs=8)


def test_hot_words_may_come_without_weights() -> None:
    assert weighted(["a", "b"]) == {"a": 4, "b": 4}
    assert weighted(None) == {}


def test_what_a_protocol_cannot_take_is_said_before_anything_is_sent() -> None:
    with pytest.raises(Unsupported, match="mp3"):
        talk("openai", AudioFormat("mp3", 16_000), Wishes(), "T", None)
