"""Puts the words of a stored list into what a session is opened with.

Input: an opening that names a list, and whose client asks. Output: the opening with the list's words in its hint. The
vendor's rules: a list made for another model has no effect; with a language hint only entries of that language count;
instant words stand beside the list or, for some models, instead of it.
"""

import asyncio
import re

import structlog
from msgspec.structs import replace

from stenowire.errors import InvalidParameter
from stenowire.events import Open
from stenowire.store.entries import hot_words
from stenowire.store.vocabularies import NotThere, Vocabularies
from stenowire.types import HotWord

log = structlog.get_logger(__name__)

INSTANT_ALONE = re.compile(r"qwen-audio-3\.0-")
"""Models whose instant words replace the list (the vendor's page on hot words of that family)."""
PARAM = "payload.parameters.vocabulary_id"


async def with_vocabulary(opening: Open, tenant: str, lists: Vocabularies) -> Open:
    """Raises InvalidParameter when the tenant has no such list, ServiceUnavailable when nobody can look it up."""
    if not opening.vocabulary:
        return opening
    try:
        found = await asyncio.to_thread(lists.get, tenant, opening.vocabulary)
    except NotThere as error:
        raise InvalidParameter(f"{PARAM}: {error.message}", PARAM) from None
    instant = opening.hint.hotwords
    if found.target_model != opening.model:
        log.info("vocabulary is for another model", session=opening.session, target=found.target_model)
        return opening
    if instant and INSTANT_ALONE.match(opening.model):
        return opening
    listed = [word for word in hot_words(found.entries) if _speaks(word, opening.hint.language)]
    return replace(opening, hint=replace(opening.hint, hotwords=_merged(instant, listed)))


def _speaks(word: HotWord, language: str | None) -> bool:
    return not (word.lang and language) or _base(word.lang) == _base(language)


def _base(language: str) -> str:
    return language.split("-")[0].lower()


def _merged(instant: tuple[HotWord, ...], listed: list[HotWord]) -> tuple[HotWord, ...]:
    """An instant word counts more than a listed one of the same spelling."""
    known = {word.text for word in instant}
    return (*instant, *(word for word in listed if word.text not in known))
