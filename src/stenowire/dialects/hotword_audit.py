"""What is told of the terms in a final, to a client that asked: the same shape in every protocol.

In: a sentence. Out: entries for JSON, and back. An extension of this server, so no vendor's key is touched; the key is
absent where nothing was asked or no term was written.
"""

from typing import Literal

import msgspec

from stenowire.types import Applied, Sentence


class HotwordApplied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One term. `begin_index` counts the sentence's words from 0; absent numbers are not known for these means."""

    term: str
    begin_index: int
    words: int
    means: Literal["native", "tokens", "sound", "spelling"]
    source: Literal["hotword", "context"]
    weight: int
    before: str = ""
    distance: float | None = None
    gain: float | None = None
    score: float | None = None


def hotwords_applied(sentence: Sentence) -> list[HotwordApplied] | msgspec.UnsetType:
    return [_told(one) for one in sentence.applied] or msgspec.UNSET


def read_applied(told: list[HotwordApplied] | None) -> tuple[Applied, ...]:
    """The client's half."""
    return tuple(
        Applied(
            term=one.term,
            before=one.before,
            begin=one.begin_index,
            words=one.words,
            means=one.means,
            source=one.source,
            weight=one.weight,
            distance=one.distance,
            gain=one.gain,
            score=one.score,
        )
        for one in told or []
    )


def _told(one: Applied) -> HotwordApplied:
    return HotwordApplied(
        term=one.term,
        begin_index=one.begin,
        words=one.words,
        means=one.means,
        source=one.source,
        weight=one.weight,
        before=one.before,
        distance=one.distance,
        gain=one.gain,
        score=one.score,
    )
