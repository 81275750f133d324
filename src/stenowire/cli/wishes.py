"""What a person wishes of a recognition, from options and files.

In: options as they were typed. Out: `Wishes` that a server or the engine here is asked with, or a `Stop` that names the
option at fault.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stenowire.cli.exits import Status, Stop
from stenowire.cli.vocabulary import USUAL_WEIGHT, read_words
from stenowire.client.asking import Wishes
from stenowire.client.urls import BadUrl, endpoint
from stenowire.dialects.task_wire import InstantWord, Parameters
from stenowire.text.tokens import MAX_CONTEXT_TOKENS, count_tokens
from stenowire.types import NoiseReduction

MOST_CONTEXT_BYTES = 1 << 20


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options, as they were typed."""

    model: str
    language: str | None = None
    hot_words: Sequence[str] = ()
    words: Path | None = None
    vocabulary_id: str | None = None
    context: str | None = None
    noise_reduction: NoiseReduction | None = None


def wishes(asked: Asked, url: str | None) -> Wishes:
    weights, instant = _terms(asked)
    return Wishes(
        model=asked.model,
        language=asked.language,
        # OpenAI's protocol knows words alone; the task protocol is told all of it, as a parameter.
        hotwords=weights if url is not None and _is_openai(url) else {},
        vocabulary=asked.vocabulary_id,
        context=_context(asked.context),
        noise_reduction=asked.noise_reduction,
        heartbeat=True,  # a recording may be silent for as long as it likes
        parameters=Parameters(vocabulary=instant or None),
    )


def _terms(asked: Asked) -> tuple[dict[str, int], dict[str, int | InstantWord]]:
    weights = dict.fromkeys(asked.hot_words, USUAL_WEIGHT)
    instant: dict[str, int | InstantWord] = dict(weights)
    for entry in read_words(asked.words) if asked.words else []:
        weights[entry.text] = entry.weight
        sounds = entry.sounds_like
        instant[entry.text] = InstantWord(entry.weight, sounds) if sounds else entry.weight
    return weights, instant


def _is_openai(url: str) -> bool:
    try:
        return endpoint(url)[0] == "openai"
    except BadUrl as error:
        raise Stop(Status.USAGE, str(error)) from error


def _context(given: str | None) -> str:
    """A file where there is one of that name, otherwise the text itself."""
    if not given:
        return ""
    text = _file_text(given)
    if text is None:
        text = given
    if (tokens := count_tokens(text)) > MAX_CONTEXT_TOKENS:
        raise Stop(Status.USAGE, f"--context: about {tokens} tokens, and at most {MAX_CONTEXT_TOKENS} are taken")
    return text


def _file_text(given: str) -> str | None:
    try:
        path = Path(given)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(MOST_CONTEXT_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Stop(Status.USAGE, f"--context: {given} is not text in UTF-8") from None
    except (OSError, ValueError):  # too long for a name, or with a zero in it: a text
        return None
