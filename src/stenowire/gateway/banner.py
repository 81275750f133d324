"""What a person is told at start: where to connect, with which key, and what stands behind the model names.

Input: the URL, the key ring, the model cards. Output: lines of text.
"""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from stenowire import __version__
from stenowire.gateway import tls
from stenowire.serving.hub import ModelCard
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing

WIDTH = 100
LINK_S = 1800
"""How long the printed link opens the page: time to walk to it, as long as a temporary key may last."""


def greeting(url: str, keys: KeyRing) -> list[str]:
    """Said as soon as the port is open: a key that was made just now must not be lost with a failed start."""
    lines = [f"Stenowire {__version__} listens on {url}/api-ws/v1/inference", f"Keys: {keys.source}"]
    if keys.made:
        lines.append(f"Your API key, shown this once: {keys.made}")
    return lines


def invitation(url: str, settings: Settings, key: str | None) -> list[str]:
    """Where the captions page is. The key stands behind the #, which a browser sends to nobody."""
    page = url.replace("ws", "http", 1) + "/"
    fragment = f"#key={key}" if key else ""
    lines = [f"Captions in a browser: {page}{fragment}"]
    if settings.address in ("0.0.0.0", "::") and settings.secure:
        lines += [f"  from this network: {page.replace('127.0.0.1', host, 1)}{fragment}" for host in tls.reachable()]
    if key:
        lines.append(f"  The key in the address can open the page for {LINK_S // 60} minutes.")
    if settings.https and settings.cert is None:
        lines += textwrap.wrap(
            "This machine signed its certificate itself, so a browser warns once: choose to go on if it shows this "
            "SHA-256 fingerprint.",
            WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
        )
        lines.append(f"  {tls.fingerprint(settings.data / tls.FILE)}")
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
