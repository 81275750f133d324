"""How the server writes its log: one line per event, on a terminal for people, elsewhere as JSON.

Input: structlog events and the log of libraries. Output: lines on standard error in which keys are masked and control
characters are spelled out, so that nothing a client sends can forge a line or steer a terminal. Transcripts are never
logged by anyone; the names below are masked in case one is.
"""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from stenowire.settings import MASK, Settings

SECRET_NAMES = frozenset({"authorization", "api_key", "key", "token", "text", "transcript", "words", "data", "context"})
SECRET_TEXT = re.compile(r"\b(sk|st)-[\w-]{8,}|(?<=earer )\S+|(?<=api_key=)[^&\s]+|(?<=token=)[^&\s]+", re.IGNORECASE)

LONGEST = 2000
"""Characters of one value."""


def mask(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Mask what is, or looks like, a secret."""
    for name, value in event.items():
        if name in SECRET_NAMES:
            event[name] = MASK
        elif isinstance(value, str):
            event[name] = SECRET_TEXT.sub(MASK, value)
    return event


def spell_out(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Write control, direction and line-breaking characters as escapes."""
    for name, value in event.items():
        if not isinstance(value, str):
            continue
        if len(value) > LONGEST:
            value = event[name] = value[:LONGEST] + "..."
        if not value.isprintable():
            event[name] = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in value)
    return event


def place_of(error: BaseException) -> str:
    """Type of the error and the way to it. Its message is left out: it may quote what a client sent."""
    steps = traceback.extract_tb(error.__traceback__)
    way = " < ".join(
        f"{step.filename.rpartition('stenowire/')[2]}:{step.lineno} {step.name}" for step in reversed(steps)
    )
    return f"{type(error).__name__} at {way}"


def place_errors(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Turn `exc_info` into the place of the error."""
    given: Any = event.pop("exc_info", None)
    if isinstance(given, BaseException):
        event["error"] = place_of(given)
    elif given:
        found: tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
        found = given if isinstance(given, tuple) else sys.exc_info()
        if found[1] is not None:
            event["error"] = place_of(found[1])
    return event


def configure(settings: Settings) -> None:
    """Send everything that is logged in this process through one formatter."""
    level = settings.log_level.upper()
    on_terminal = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        place_errors,
        mask,
        spell_out,
    ]
    renderer = structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At "info" uvicorn writes the whole URL of each handshake, where a browser may have put its key.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
