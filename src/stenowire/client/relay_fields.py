"""Fields of the events of a realtime protocol (Qwen's, OpenAI's), as a relay reads and writes them.

In: events. Out: what they say, nothing where they say it wrongly: to refuse is the server's part. Must not know
connections, items or what is kept.
"""

import base64
import binascii
from typing import Any

import msgspec

Message = dict[str, Any]


class Format(msgspec.Struct):
    """Whatever a session's fields say of its audio, or None; `turn` is None where the client commits."""

    encoding: Any = None
    rate_hz: Any = None
    turn: Any = "unsaid"


def format_of(session: Message) -> Format:
    """As far as a session's fields say, in any generation of their names."""
    audio = session.get("audio")
    given = audio.get("input") if isinstance(audio, dict) else None
    given = given if isinstance(given, dict) else {}
    inner = given.get("format")
    inner = inner if isinstance(inner, dict) else {}
    return Format(
        encoding=inner.get("type") or session.get("input_audio_format"),
        rate_hz=inner.get("rate") or inner.get("sample_rate") or session.get("sample_rate"),
        turn=given.get("turn_detection", session.get("turn_detection", "unsaid")),
    )


def audio_of(message: Message) -> bytes:
    """Nothing for what is no base64: the server is to say so."""
    try:
        return base64.b64decode(message["audio"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return b""


def number(message: Message, name: str) -> int:
    value = message.get(name)
    return value if isinstance(value, int) else 0


def text_of(message: Message) -> str:
    return msgspec.json.encode(message).decode()
