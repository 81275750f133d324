"""Strategies for hypothesis: frames that a client of the task protocol may write, good and bad, and legal updates."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from stenowire import errors
from stenowire.events import (
    Alive,
    Cleared,
    Committed,
    Final,
    Partial,
    Reconfigured,
    SpeechStarted,
    SpeechStopped,
    Update,
)
from stenowire.types import Sentence, Word

IDS = ["a", "b", "c", "d"]
MARKS = ["", "", ",", ".", "?!", "。"]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def run_task(task_id: str, **parameters: Any) -> dict[str, Any]:
    return {
        "header": {"action": "run-task", "task_id": task_id, "streaming": "duplex"},
        "payload": {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": "fun-asr-realtime",
            "parameters": {"format": "pcm", "sample_rate": 16000} | parameters,
            "input": {},
        },
    }


def finish_task(task_id: str) -> dict[str, Any]:
    return {"header": {"action": "finish-task", "task_id": task_id}, "payload": {"input": {}}}


def continue_task(task_id: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": [{"type": "input_text", "text": "Which dates?"}]}]
    return {"header": {"action": "continue-task", "task_id": task_id}, "payload": {"input": {"context": turns}}}


RICH: dict[str, Any] = {
    "vocabulary_id": "vocab-1",
    "vocabulary": {"Bund": 5},
    "language_hints": ["en"],
    "semantic_punctuation_enabled": False,
    "max_sentence_silence": 800,
    "multi_threshold_mode_enabled": True,
    "heartbeat": True,
    "speech_noise_threshold": 0.1,
    "special_word_filter": {"filter_with_signed": {"word_list": ["heck"]}},
}

ids = st.sampled_from(IDS)
good_frames = st.one_of(
    ids.map(run_task),
    ids.map(lambda task_id: run_task(task_id, **RICH)),
    ids.map(finish_task),
    ids.map(continue_task),
)


@st.composite
def spoiled_frames(draw: st.DrawFn, good: st.SearchStrategy[dict[str, Any]] = good_frames) -> str:
    """A good frame with one value, at any depth, replaced or left out."""
    frame = deepcopy(draw(good))
    node: Any = frame
    while True:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        below = node[key]
        if not isinstance(below, dict | list) or not below or draw(st.booleans()):
            break
        node = below
    if draw(st.booleans()):
        node[key] = draw(json_values)
    else:
        del node[key]
    return json.dumps(frame)


garbage = st.one_of(
    st.text(st.characters(), max_size=40),
    json_values.map(json.dumps),
    st.fixed_dictionaries({}, optional={"header": json_values, "payload": json_values}).map(json.dumps),
    good_frames.map(json.dumps).map(lambda text: text[: len(text) // 2]),
)

texts = st.text(
    st.characters(exclude_categories=["Cs"]).filter(lambda char: not char.isspace()), min_size=1, max_size=6
)
ms = st.integers(0, 10**7)
words = st.builds(Word, texts, ms, ms, st.sampled_from(MARKS))


@st.composite
def sentences(draw: st.DrawFn, *, final: bool, min_words: int = 0) -> Sentence:
    said = tuple(draw(st.lists(words, min_size=min_words, max_size=5)))
    stable = len(said) if final else draw(st.integers(0, len(said)))
    return Sentence(draw(st.integers(1, 9)), draw(ms), draw(ms) if final else None, said, stable, final)


seconds = st.floats(0, 10**5)


def running_updates(session: str) -> st.SearchStrategy[Update]:
    """What a session may say between Opened and its end."""
    return st.one_of(
        sentences(final=False).map(lambda sentence: Partial(session, sentence)),
        st.builds(lambda sentence, audio_s: Final(session, sentence, audio_s), sentences(final=True), seconds),
        st.sampled_from([Alive(session), Reconfigured(session), Cleared(session), Committed(session, 1)]),
        st.sampled_from([SpeechStarted(session, 1, 320), SpeechStopped(session, 1, 960)]),
    )


failures = st.sampled_from(
    [
        errors.InternalError("it broke"),
        errors.ModelNotFound("Model not exist.", "payload.model"),
        errors.NoAudio("request timeout after 23 seconds."),
        errors.BadAudio("these bytes are not wav"),
    ]
)
