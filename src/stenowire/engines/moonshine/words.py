"""From tokens to words with their marks, times and confidence.

Input: tokens with scores and attention, the clip. Output: `Piece`s, each a word and the tokens it is made of. Must
not know the network or sessions.
"""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stenowire.engines.moonshine.align import focus, token_spans, word_spans
from stenowire.engines.moonshine.decode import Decoded
from stenowire.engines.moonshine.edges import sounding
from stenowire.engines.moonshine.guards import is_invented
from stenowire.engines.moonshine.shape import FRAME_SAMPLES
from stenowire.engines.moonshine.tokenizer import BLANK, Tokenizer
from stenowire.types import SESSION_RATE_HZ, Samples, Word

FRAME_MS = 1000 * FRAME_SAMPLES / SESSION_RATE_HZ
LAG = 2
"""Frames by which attention runs ahead of the sound (dev/LOG.md, "Times of words")."""
MARKS = ".,;:!?…)]}»。，！？-–—"
"""What may follow a word without being part of it."""
STUTTER = re.compile(r"([,;:!?])\1+")
SYMBOLS = frozenset("♪♫♬*#~_|<>�([{«'’-–—")
"""Not speech: dropped where they stand alone."""
QUOTES = str.maketrans("", "", '"“”')
"""Left out everywhere: nobody can hear a quotation mark, and the model sets them at random."""


class Piece(NamedTuple):
    """A word and its share of the tokens: `tokens[begin:end]`, the mark included."""

    word: Word
    begin: int
    end: int


def to_pieces(tokenizer: Tokenizer, decoded: Decoded, clip: Samples, offset_ms: int = 0) -> list[Piece]:
    """Words of `decoded`, in order; none when the guards think that nothing was said.

    Times lie within the clip, shifted by `offset_ms`; they do not overlap, and each word begins before it ends.
    """
    spans = token_spans(decoded.attention)
    if _invented(tokenizer, decoded, spans):
        return []
    pieces: list[Piece] = []
    spoken: list[tuple[int, int]] = []
    for begin, end in _groups(tokenizer, decoded.tokens):
        text, mark = split_mark(tokenizer.decode(decoded.tokens[begin:end]))
        if not text:
            _append_mark(pieces, mark, end)
            continue
        spoken.append((begin, begin + _spoken(tokenizer, decoded.tokens[begin:end], len(text.encode()))))
        confidence = min(float(np.exp(np.mean(decoded.scores[slice(*spoken[-1])]))), 1.0)
        pieces.append(Piece(Word(text, 0, 0, mark, confidence), begin, end))
    sure = sounding(clip, decoded.attention.shape[1], LAG)
    times = (word_spans(decoded.attention, spans, spoken, sure) + LAG) * FRAME_MS
    return _in_order(pieces, times.round().astype(int).tolist(), len(clip) * 1000 // SESSION_RATE_HZ, offset_ms)


def _invented(tokenizer: Tokenizer, decoded: Decoded, spans: NDArray[np.int64]) -> bool:
    score = float(np.mean(decoded.scores)) if decoded.scores else 0.0
    return is_invented(tokenizer.decode(decoded.tokens), score, focus(decoded.attention, spans))


def split_mark(raw: str) -> tuple[str, str]:
    """The word itself and the punctuation that follows it. A lone symbol or mark has no text."""
    raw = raw.translate(QUOTES)
    if all(character in SYMBOLS for character in raw):
        return "", ""
    text = raw.rstrip(MARKS)
    return text, _once(raw[len(text) :])


def _once(mark: str) -> str:
    """Forced to begin with settled words, the model now and then sets the mark behind the last of them again."""
    return STUTTER.sub(r"\1", mark)


def _groups(tokenizer: Tokenizer, tokens: list[int]) -> list[tuple[int, int]]:
    """Runs of tokens that make one blank-separated word."""
    opens = [i for i, id in enumerate(tokens) if i == 0 or tokenizer.piece(id).startswith(BLANK.encode())]
    return list(zip(opens, [*opens[1:], len(tokens)], strict=True))


def _spoken(tokenizer: Tokenizer, tokens: list[int], text_bytes: int) -> int:
    """How many leading tokens carry the text; the rest is the mark."""
    size = 0
    for count, id in enumerate(tokens, 1):
        size += len(tokenizer.decode([id]).translate(QUOTES).encode())
        if size >= text_bytes:
            return count
    return len(tokens)


def _append_mark(pieces: list[Piece], mark: str, end: int) -> None:
    """A mark that stands alone follows the word before it; before all words it is dropped."""
    if not pieces:
        return
    word, begin, _ = pieces[-1]
    longer = Word(word.text, word.begin_ms, word.end_ms, _once(word.mark + mark), word.confidence)
    pieces[-1] = Piece(longer, begin, end)


def _in_order(pieces: list[Piece], times: list[list[int]], clip_ms: int, offset_ms: int) -> list[Piece]:
    """With their `times`, begin and end in ms: brought into the clip, at least one millisecond each, and shifted."""
    ordered, floor = [], 0
    for i, ((word, begin, end), (begin_ms, end_ms)) in enumerate(zip(pieces, times, strict=True)):
        room = max(clip_ms - (len(pieces) - i), floor)
        begin_ms = min(max(begin_ms, floor), room)
        end_ms = min(max(end_ms, begin_ms + 1), room + 1)
        floor = end_ms
        shifted = Word(word.text, begin_ms + offset_ms, end_ms + offset_ms, word.mark, word.confidence)
        ordered.append(Piece(shifted, begin, end))
    return ordered
