"""What a person is told at start: where to connect, with which key, and what stands behind the model names.

Input: the URL, the key ring, the model cards. Output: lines of text.
"""

from collections.abc import Sequence
from itertools import groupby

from stenowire import __version__
from stenowire.serving.hub import ModelCard
from stenowire.store.keys import KeyRing


def banner(url: str, keys: KeyRing, cards: Sequence[ModelCard]) -> list[str]:
    lines = [f"Stenowire {__version__} listens on {url}/api-ws/v1/inference", f"Keys: {keys.source}"]
    if keys.made:
        lines.append(f"Your API key, shown this once: {keys.made}")
    for engine, group in groupby(cards, key=lambda card: (card.engine, card.languages, card.description)):
        names = [card.id for card in group]
        lines.append(f"Engine {engine[0]} ({', '.join(engine[1])}): {engine[2]}")
        lines.append(f"  answers to {', '.join(names)}")
    return lines
