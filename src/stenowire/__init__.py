"""Stenowire: live speech to text that you host yourself.

What programs use of it is here by name, and loaded when it is asked for: see docs/sdk.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stenowire.client.aio import Dropped as Dropped
    from stenowire.client.aio import Recognition as Recognition
    from stenowire.client.aio import Resumed as Resumed
    from stenowire.client.aio import connect as connect
    from stenowire.client.sources import transcribe as transcribe
    from stenowire.client.sync import Recogniser as Recogniser
    from stenowire.client.warm import warm_up as warm_up
    from stenowire.events import Final as Final
    from stenowire.events import Partial as Partial
    from stenowire.types import AudioFormat as AudioFormat
    from stenowire.types import Sentence as Sentence
    from stenowire.types import Word as Word

__version__ = "0.1.0"

_HOMES = {
    "AudioFormat": "types",
    "Dropped": "client.aio",
    "Final": "events",
    "Partial": "events",
    "Recogniser": "client.sync",
    "Recognition": "client.aio",
    "Resumed": "client.aio",
    "Sentence": "types",
    "Word": "types",
    "connect": "client.aio",
    "transcribe": "client.sources",
    "warm_up": "client.warm",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stenowire' has no attribute {name!r}")
    return getattr(import_module(f"stenowire.{_HOMES[name]}"), name)
