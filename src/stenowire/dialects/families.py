"""What differs between the model families of the task protocol: defaults and the shape of a result, as rows of a table.

A parameter means the same for every family: what a client asks for is done. A family decides only what holds when
nothing was asked for. Whether a model exists here is not known here; an unknown name gets the last row.
"""

import re
from typing import Literal

import msgspec


class Family(msgspec.Struct, frozen=True):
    silence_ms: int = 1300
    """Trailing silence that ends a sentence when the client names none."""
    interims: bool = True
    output: Literal["sentence", "transcription"] = "sentence"
    """The key of `payload.output` under which results stand."""
    one_sentence: bool = False
    """The task ends by itself after its first sentence."""


ROWS = (
    (r"gummy-chat", Family(silence_ms=700, output="transcription", one_sentence=True)),
    (r"gummy", Family(silence_ms=700, output="transcription")),
    (r"paraformer", Family(silence_ms=800)),
    (r"qwen-audio.*-message", Family(interims=False)),
    (r"", Family()),
)
"""(start of the model's name, family); the first match counts. Defaults as in the vendor's parameter pages."""


def family(model: str) -> Family:
    return next(row for pattern, row in ROWS if re.match(pattern, model))
