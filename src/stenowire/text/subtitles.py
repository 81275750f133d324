"""Sentences to SubRip (SRT) and WebVTT text.

In: finished sentences with the times of their words. Out: the text of a subtitle file. A sentence that is too long to
be read at once is cut into cues at the times of its words. Knows nothing of files or terminals.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stenowire.types import Sentence, Word

ENDS = frozenset(".?!…。？！")
PAUSES = frozenset(",;:—–、，；：")
BREATH_MS = 250
"""A gap between words that a listener hears as a pause."""


class Layout(msgspec.Struct, frozen=True):
    """How much a viewer is shown at once. The defaults follow the usual guides for broadcast subtitles."""

    line_chars: int = 42
    lines: int = 2
    max_ms: int = 7000
    min_ms: int = 833
    """A shorter cue is held this long (5/6 s) where the next one leaves room."""


BROADCAST = Layout()


class Cue(msgspec.Struct, frozen=True):
    begin_ms: int
    end_ms: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def srt(sentences: Iterable[Sentence], layout: Layout = BROADCAST) -> str:
    """SubRip: numbered cues, `HH:MM:SS,mmm`."""
    return "\n".join(srt_block(number, cue) for number, cue in enumerate(cues(sentences, layout), 1))


def vtt(sentences: Iterable[Sentence], layout: Layout = BROADCAST) -> str:
    """WebVTT: `HH:MM:SS.mmm`, with `&`, `<` and `>` escaped as its grammar asks."""
    return "\n".join(["WEBVTT\n", *map(vtt_block, cues(sentences, layout))])


def srt_block(number: int, cue: Cue) -> str:
    return f"{number}\n{_clock(cue.begin_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{cue.text}\n"


def vtt_block(cue: Cue) -> str:
    return f"{_clock(cue.begin_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_escaped(cue.text)}\n"


def cues(sentences: Iterable[Sentence], layout: Layout = BROADCAST) -> list[Cue]:
    """Cues in order of time, none longer than the layout allows unless one word is, none overlapping the next."""
    made = [cue for sentence in sentences for cue in _cut(sentence, layout)]
    return [_held(cue, after, layout) for cue, after in zip(made, [*made, None][1:], strict=True)]


def _cut(sentence: Sentence, layout: Layout) -> Iterator[Cue]:
    rest: Sequence[Word] = sentence.words
    while rest:
        room = _room(rest, layout)
        count = len(rest) if room == len(rest) else _best_break(rest, room)
        taken, rest = rest[:count], rest[count:]
        yield Cue(taken[0].begin_ms, max(taken[-1].end_ms, taken[0].begin_ms + 1), wrap(taken, layout))


def _room(words: Sequence[Word], layout: Layout) -> int:
    """How many of the words fit into one cue; at least one."""
    count = 1
    while count < len(words):
        longer = words[: count + 1]
        if longer[-1].end_ms - longer[0].begin_ms > layout.max_ms or len(wrap(longer, layout)) > layout.lines:
            break
        count += 1
    return count


def _best_break(words: Sequence[Word], room: int) -> int:
    """Where to cut, in the second half of what fits: after a sentence, a phrase, a breath, or as late as possible."""

    def merit(count: int) -> tuple[int, int]:
        mark = words[count - 1].mark[-1:]
        breath = words[count].begin_ms - words[count - 1].end_ms >= BREATH_MS
        return (3 if mark in ENDS else 2 if mark in PAUSES else 1 if breath else 0), count

    return max(range(room // 2 + 1, room + 1), key=merit)


def wrap(words: Sequence[Word], layout: Layout) -> tuple[str, ...]:
    """The words as lines of at most `line_chars`; two lines are made as even as they can be."""
    texts = [word.text + word.mark for word in words]
    whole = " ".join(texts)
    if len(whole) <= layout.line_chars:
        return (whole,)
    pairs = [(" ".join(texts[:cut]), " ".join(texts[cut:])) for cut in range(1, len(texts))]
    even = min(pairs, key=lambda pair: max(map(len, pair)), default=(whole,))
    if max(map(len, even)) <= layout.line_chars:
        return even
    return tuple(_filled(texts, layout.line_chars))


def _filled(texts: Sequence[str], line_chars: int) -> Iterator[str]:
    line = texts[0]
    for text in texts[1:]:
        if len(line) + 1 + len(text) > line_chars:
            yield line
            line = text
        else:
            line += " " + text
    yield line


def _held(cue: Cue, after: Cue | None, layout: Layout) -> Cue:
    end_ms = max(cue.end_ms, cue.begin_ms + layout.min_ms)
    if after:
        end_ms = max(min(end_ms, after.begin_ms), cue.begin_ms + 1)
    return Cue(cue.begin_ms, end_ms, cue.lines)


def _clock(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{ms:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
