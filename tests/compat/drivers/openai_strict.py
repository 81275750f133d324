"""Reads events as strictly as the types of `openai` allow; the library itself takes whatever comes.

Runs inside an environment that holds the SDK and nothing of this project. As a program: events as JSON lines on
standard input; out: one JSON line each, with what is wrong with it and which keys its type does not know.
"""

import json
import sys
import typing

import pydantic
from openai.types.realtime import RealtimeServerEvent


def _classes():
    union = typing.get_args(RealtimeServerEvent)[0]
    for kind in typing.get_args(union):
        for name in typing.get_args(kind.model_fields["type"].annotation):
            yield name, kind


CLASSES = dict(_classes())


def verdict(event):
    """(class, what is wrong, keys that the class does not know) of an event as a dictionary."""
    kind = CLASSES.get(event.get("type"))
    if kind is None:
        return None, ["there is no such type"], []
    try:
        read = kind.model_validate(event)
    except pydantic.ValidationError as error:
        return kind.__name__, [f"{_path(e['loc'])}: {e['msg']}" for e in error.errors()], []
    return kind.__name__, [], sorted(_unknown(read))


def _path(places):
    return ".".join(str(place) for place in places)


def _unknown(model, path=""):
    for name in model.model_extra or {}:
        yield path + name
    for name in model.model_fields_set - set(model.model_extra or {}):
        value = getattr(model, name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, pydantic.BaseModel):
                yield from _unknown(each, f"{path}{name}.")


def main():
    for line in sys.stdin:
        kind, wrong, unknown = verdict(json.loads(line))
        print(json.dumps({"what": "verdict", "kind": kind, "wrong": wrong, "unknown": unknown}), flush=True)


if __name__ == "__main__":
    main()
