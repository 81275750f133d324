"""The talks that clients of the session protocol hold with the server, as data: what each does, step by step.

In: where the audio is. Out: jobs for `drivers/omni.py`, which says what the steps do. And the way of an item through
the events of any talk.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stenowire.types import SESSION_RATE_HZ

RATES_HZ = {"telephone": 8000, "studio": 24_000}
"""Of talks that are not at the usual rate."""

PARAMS = {"language": "en", "corpus_text": "Samuel Beckett, Worstward Ho"}
SETTINGS: dict[str, dict[str, Any]] = {
    "vad": {"transcription_params": PARAMS},
    "manual": {"enable_turn_detection": False, "transcription_params": PARAMS},
    "telephone": {"enable_turn_detection": False, "transcription_params": PARAMS | {"sample_rate": 8000}},
    "studio": {"enable_turn_detection": False, "input_audio_config": {"type": "pcm", "sample_rate": 24_000}},
    "wrong": {"turn_detection_threshold": 3},
    "prompted": {"instructions": "Write down exactly what is said."},
    "untold": {"enable_turn_detection": False, "enable_input_audio_transcription": False},
}
"""Arguments of the SDK's `update_session`."""

ITEM = "conversation.item.input_audio_transcription."
TYPES = {"completed": ITEM + "completed", "response": "response.done"}

RECOGNISER = {
    "refused": "",
    "unknown": "update vad, wait close",
    "detected": "update vad, audio 0 9.9, silence 1, wait completed 2, end_session",
    "cut short": "update vad, audio 6 8.9, end_session",
    "silent": "update vad, silence 1, end_session",
    "mute": "update vad, end_session",
    "committed": "update manual, audio 0 6, commit, audio 6 9.2, commit, wait completed 2, end_session",
    "not committed": "update manual, audio 6 9.2, end_session",
    "cleared": "update manual, audio 0 2, clear_appended_audio, audio 6 9.2, commit, wait completed, end_session",
    "mistaken": "update vad, update wrong, append_audio %%, commit, wait error 3, update vad, audio 6 9.2, silence 1, "
    "wait completed, end_session",
    "telephone": "update telephone, audio 6 9.2, commit, wait completed, end_session",
}
OMNI = {
    "answered": "update prompted, audio 0 9.9, silence 1, wait response 2, end_session",
    "asked": "update untold, audio 6 9.2, commit, create_response, wait response, create_response, wait error, "
    "cancel_response, wait error 2, end_session",
    "cancelled": "update manual, audio 6 9.2, commit, create_response, cancel_response, wait response, "
    "wait completed, end_session",
}
NEWER = {"studio": "update studio, audio 6 9.2, commit, wait completed, end_session"}
"""What only the newer generation of the SDK can ask for."""


def job(name: str, steps: str, audio: Callable[[int], Path]) -> dict[str, Any]:
    """`audio` gives a file of bare samples for a rate."""
    model = "qwen3-omni-flash-realtime" if name in OMNI else "qwen3-asr-flash-realtime"
    rate_hz = RATES_HZ.get(name, SESSION_RATE_HZ)
    talk = {
        "name": name,
        "model": "no-such-model" if name == "unknown" else model,
        "file": str(audio(rate_hz)),
        "rate_hz": rate_hz,
        "steps": [step(words) for words in steps.split(", ") if words],
    }
    return talk | ({"key": "sk-wrong"} if name == "refused" else {})


def step(words: str) -> list[Any]:
    verb, *arguments = words.split()
    if verb == "update":
        return [verb, SETTINGS[arguments[0]]]
    if verb == "wait":
        return [verb, TYPES.get(arguments[0], arguments[0]), *map(int, arguments[1:])]
    return [verb, *(float(word) if verb in ("audio", "silence") else word for word in arguments)]


DETECTED = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.created",
    ITEM + "completed",
]
COMMITTED = DETECTED[2:]
"""The way of an item that turn detection made, and of one that its client made; interims come in between."""


def ways(events: list[dict[str, Any]]) -> list[list[str]]:
    """The types of what was told of each item of the user's, interims left out. An item may begin before the one
    before it is completed."""
    told: dict[str, list[str]] = {}
    for event in events:
        item = event.get("item_id") or event.get("item", {}).get("id")
        if item and not event["type"].startswith("response.") and event["type"] != ITEM + "text":
            told.setdefault(item, []).append(event["type"])
    return [types for types in told.values() if ITEM + "completed" in types or "input_audio" in types[0]]
