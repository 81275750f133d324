"""The one table of model names: what clients may ask for, and which engine stands behind each name.

The names are those of the services whose protocols we speak, so that programs need not change; what answers is said
openly in `/v1/models`, at start and in the docs.
"""

from typing import Literal

import msgspec

Door = Literal["task", "session", "omni", "openai", "file"]

EMBEDDED = "moonshine-tiny-en"
LEXICON = "cmudict"
"""The pronouncing dictionary of the embedded engine's language."""


class Name(msgspec.Struct, frozen=True):
    model: str
    door: Door
    """The protocol on which the name is at home. All names are accepted on all doors."""
    engine: str = EMBEDDED


def rows(door: Door, *models: str) -> list[Name]:
    return [Name(model, door) for model in models]


TABLE: tuple[Name, ...] = (
    Name(EMBEDDED, "task"),
    *rows(
        "task",
        "fun-asr-realtime",
        "fun-asr-realtime-2026-02-28",
        "fun-asr-realtime-2025-11-07",
        "fun-asr-realtime-2025-09-15",
        "fun-asr-mtl-realtime",
        "fun-asr-flash-8k-realtime",
        "fun-asr-flash-8k-realtime-2026-01-28",
        "paraformer-realtime-v2",
        "paraformer-realtime-8k-v2",
        "paraformer-realtime-v1",
        "paraformer-realtime-8k-v1",
        "gummy-realtime-v1",
        "gummy-chat-v1",
        "qwen-audio-3.0-asr-flash-streaming",
        "qwen-audio-3.1-asr-flash-streaming",
        "qwen-audio-3.1-asr-flash-message",
    ),
    *rows(
        "session",
        "qwen3-asr-flash-realtime",
        "qwen3-asr-flash-realtime-2026-02-10",
        "qwen3-asr-flash-realtime-2025-10-27",
    ),
    *rows(
        "omni",
        "qwen3-omni-flash-realtime",
        "qwen3.5-omni-plus-realtime",
        "qwen3.5-omni-flash-realtime",
        "qwen3.8-omni-flash-realtime",
        "qwen-omni-turbo-realtime",
    ),
    *rows("openai", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1"),
    *rows(
        "file",
        "fun-asr",
        "fun-asr-mtl",
        "paraformer-v2",
        "paraformer-8k-v2",
        "paraformer-v1",
        "paraformer-8k-v1",
        "paraformer-mtl-v1",
        "qwen3-asr-flash",
        "qwen3-asr-flash-filetrans",
        "qwen3-omni-flash",
        "qwen3.5-omni-plus",
        "qwen3.5-omni-flash",
        "qwen-omni-turbo",
    ),
)

BY_NAME: dict[str, Name] = {row.model: row for row in TABLE}
