"""Splits an open sentence into what is settled and what may change, and keeps the settled part so.

In: successive sentences of one item. Out: two strings that read as the whole sentence when joined.
Knows no frames: any dialect may show words this way.
"""

import msgspec

from stenowire.types import Sentence


class Snapshot(msgspec.Struct, frozen=True):
    text: str = ""
    """Settled: the next snapshot of this item begins with exactly these characters."""
    stash: str = ""
    """The rest; begins with the blank that parts it from `text`, if there is one."""
    settled_ms: int = 0
    """Where the last settled word ends."""


def snapshot(sentence: Sentence, last: Snapshot) -> Snapshot:
    """The sentence after `last`. Where the two contradict each other, the words that follow what was settled are
    shown behind it: an item of several utterances gets new words for the earlier ones when those are answered."""
    whole = sentence.text
    settled = sentence.words[: sentence.stable]
    text = msgspec.structs.replace(sentence, words=settled).text
    if text.startswith(last.text):
        return Snapshot(text, whole[len(text) :], settled[-1].end_ms if settled else last.settled_ms)
    if whole.startswith(last.text):
        return Snapshot(last.text, whole[len(last.text) :], last.settled_ms)
    later = tuple(word for word in sentence.words if word.begin_ms >= last.settled_ms)
    rest = msgspec.structs.replace(sentence, words=later).text
    return Snapshot(last.text, f" {rest}" if rest else "", last.settled_ms)
