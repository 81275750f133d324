"""What a person is told at start: where to connect, with which key, and what stands behind the model names.

Input: the URL, the key ring, the model cards. Output: lines of text.
"""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from stenowire import __version__
from stenowire.serving.hub import ModelCard
from stenowire.store.keys import KeyRing

WIDTH = 100


def greeting(url: str, keys: KeyRing) -> list[str]:
    """Said as soon as the port is open: a key that was made just now must not be lost with a failed start."""
    lines = [f"Stenowire {__version__} listens on {url}/api-ws/v1/inference", f"Keys: {keys.source}"]
    if keys.made:
        lines.append(f"Your API key, shown this once: {keys.made}")
    return lines


def offer(cards: Sequence[ModelCard]) -> list[str]:
    """Said once the models are loaded: each engine, and the names that it answers to."""
    lines = []
    for card, group in groupby(cards, key=lambda card: (card.engine, card.languages, card.description)):
        engine, languages, description = card
        names = ", ".join(card.id for card in group)
        lines.append(f"Engine {engine} ({', '.join(languages)}): {description}")
        lines += textwrap.wrap(
            f"answers to {names}", WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
    return lines
