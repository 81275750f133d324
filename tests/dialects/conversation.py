"""Plays a `.wire` conversation (see tests/data/conversations/README.md) against the server half of a dialect."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from stenowire import errors, events
from stenowire.dialects.base import Close, Dialect, Output, Text
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.openai import OpenAIDialect
from stenowire.dialects.qwen import QwenDialect
from stenowire.dialects.realtime import Realtime
from stenowire.dialects.task import TaskDialect
from stenowire.dialects.vllm import VllmDialect
from stenowire.types import Applied, Sentence, Word

DIALECTS: dict[str, Callable[..., Dialect]] = {
    "task": TaskDialect,
    "qwen": partial(QwenDialect, model="qwen3-asr-flash-realtime", session_id="T"),
    "omni": partial(OmniDialect, model="qwen3-omni-flash-realtime", session_id="T"),
    "openai": partial(OpenAIDialect, model="m", unix_s=1000, token="T"),
    "vllm": partial(VllmDialect, unix_s=1000, session_id="T"),
    "realtime": partial(Realtime, model="qwen3-asr-flash-realtime", unix_s=0, session_id="T"),
}
CONVERSATIONS = Path(__file__).parents[1] / "data" / "conversations"
ANY = "..."


def play(text: str) -> None:
    """Raises AssertionError, with the number of the line, where the dialect and the conversation differ."""
    dialect, now, pending = DIALECTS["task"](0.0), 0.0, list[Output]()
    for number, sign, rest in read(text):
        if sign in "=<":
            assert pending, f"line {number}: nothing more came out, expected {rest}"
            _check(pending.pop(0), sign, rest, number)
            continue
        assert not pending, f"line {number}: unexpected before it: {pending}"
        if sign == "!":
            (dialect, pending), now = _open(rest), 0.0
        elif sign == ">":
            pending = dialect.receive(_frame(rest), now)
        elif sign == "~":
            pending = dialect.send(read_update(rest), now)
        elif rest.startswith("next"):
            due = rest.split()[1]
            assert dialect.next_tick == (None if due == "none" else float(due)), f"line {number}: {dialect.next_tick}"
        else:
            now = float(rest)
            pending = dialect.tick(now)
    assert not pending, f"unexpected at the end: {pending}"


def read(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, sign, rest) of each entry, with continuation lines joined."""
    entry: tuple[int, str, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] == " ":
            assert entry, f"line {number} continues nothing"
            entry = entry[0], entry[1], f"{entry[2]} {line.strip()}"
            continue
        if entry:
            yield entry
        assert line[0] in "!><=~@", f"line {number}: no such sign as {line[0]!r}"
        entry = number, line[0], line[1:].strip()
    if entry:
        yield entry


def _open(rest: str) -> tuple[Dialect, list[Output]]:
    """The dialect, and what it says before its client does; only some have such a beginning."""
    name, *settings = rest.split()
    pairs = (setting.split("=") for setting in settings)
    dialect = DIALECTS[name](0.0, **{key: json.loads(value) for key, value in pairs})
    begin: Callable[[float], list[Output]] | None = getattr(dialect, "begin", None)
    return dialect, begin(0.0) if begin else []


def _frame(rest: str) -> str | bytes:
    if found := re.fullmatch(r"<(\d+) bytes>", rest):
        return bytes(int(found[1]))
    if found := re.fullmatch(r"<text of (\d+) characters>", rest):
        return " " * int(found[1])
    return rest


def read_update(rest: str) -> events.Update:
    name, session, *tokens = rest.split()
    kind = getattr(events, name)
    options = dict(token.split("=") for token in tokens if re.fullmatch(r"\w+=[\w.]+", token))
    match name:
        case "Failed" | "Refused":
            failed: events.Update = kind(session, getattr(errors, tokens[0])(" ".join(tokens[1:])))
            return failed
        case "Partial":
            return events.Partial(session, _sentence(tokens, options), int(options.get("item", 0)))
        case "Final":
            audio_s = float(options["audio_s"])
            return events.Final(session, _sentence(tokens, options), audio_s, int(options.get("item", 0)))
        case "Finished":
            return events.Finished(session, float(options["audio_s"]))
        case _:
            update: events.Update = kind(session, *(int(token) for token in tokens))
            return update


def _sentence(tokens: list[str], options: dict[str, str]) -> Sentence:
    begin, _, end = tokens[1].partition("-")
    words = tuple(_word(token) for token in tokens if "@" in token)
    return Sentence(
        id=int(tokens[0].removeprefix("#")),
        begin_ms=int(begin),
        end_ms=int(end) if end else None,
        words=words,
        stable=int(options.get("stable", 0)),
        final=bool(end),
        language=options.get("lang"),
        applied=tuple(_applied(token) for token in tokens if token.startswith("applied=")),
    )


def _applied(token: str) -> Applied:
    """JSON without blanks; an underscore stands for one."""
    return msgspec.json.decode(token.removeprefix("applied=").replace("_", " "), type=Applied)


def _word(token: str) -> Word:
    said, times = token.split("@")
    text = said.rstrip(".,?!。，")
    begin, end = times.split("-")
    return Word(text, int(begin), int(end), said[len(text) :])


def _check(output: Output, sign: str, rest: str, number: int) -> None:
    if rest.startswith("close"):
        assert isinstance(output, Close), f"line {number}: expected a close, got {output}"
        assert output.code == int(rest.split()[1]), f"line {number}: {output}"
        return
    if sign == "<":
        assert isinstance(output, Text), f"line {number}: expected a text frame, got {output}"
        said = json.loads(output.data)
        assert matches(json.loads(rest), said, exact=True), f"line {number}: wrote {output.data}"
        return
    name, _, rest = rest.partition(" ")
    assert type(output).__name__ == name, f"line {number}: expected {name}, got {output}"
    if rest.startswith("{"):
        assert matches(json.loads(rest), msgspec.to_builtins(output), exact=False), f"line {number}: meant {output}"
        return
    session, _, data = rest.partition(" ")
    assert getattr(output, "session", None) == session, f"line {number}: meant {output}"
    if data:
        assert isinstance(output, events.Audio) and output.data == _frame(data), f"line {number}: other bytes"


def matches(expected: Any, actual: Any, *, exact: bool) -> bool:
    """Whether a JSON value is the expected one; unless `exact`, objects may have keys that are not expected."""
    if expected == ANY:
        return True
    if isinstance(expected, str) and expected.endswith(ANY):
        return isinstance(actual, str) and actual.startswith(expected.removesuffix(ANY))
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or (expected.keys() != actual.keys() if exact else expected.keys() - actual):
            return False
        return all(matches(value, actual[key], exact=exact) for key, value in expected.items())
    if isinstance(expected, list):
        if not isinstance(actual, list | tuple) or len(expected) != len(actual):
            return False
        return all(matches(left, right, exact=exact) for left, right in zip(expected, actual, strict=True))
    return type(expected) is type(actual) and bool(expected == actual)
