"""What `stenowire doctor` says about one thing.

A finding is ok, a warning (something that one might want does not work) or a problem (something that was asked for does
not work). All but the first come with a remedy, in words that can be followed as they stand.
"""

from typing import Literal

import msgspec

Grade = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    subject: str
    grade: Grade
    what: str
    remedy: str = ""


def ok(subject: str, what: str) -> Finding:
    return Finding(subject, "ok", what)


def warning(subject: str, what: str, remedy: str) -> Finding:
    return Finding(subject, "warning", what, remedy)


def problem(subject: str, what: str, remedy: str) -> Finding:
    return Finding(subject, "problem", what, remedy)
