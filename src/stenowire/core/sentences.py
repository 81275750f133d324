"""What is told of the words: items in their order, each as partials and then one final.

In: utterances with hypotheses. Out: Partial and Final updates. Knows no audio, engine or time.
"""

from collections import deque
from collections.abc import Iterator

import msgspec

from stenowire.core.utterance import OpenUtterance
from stenowire.events import Final, Open, Partial
from stenowire.text import filters
from stenowire.types import Applied, ResumePoint, Sentence, Word


class Item:
    """What one Final answers: an utterance, or all utterances of a commit. Numbers count from 1."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.utterances: deque[OpenUtterance] = deque()
        """Those that are not answered yet."""
        self.words: list[Word] = []
        """What is answered, on the session's time line."""
        self.applied: list[Applied] = []
        """The terms among `words`, counted in them."""
        self.begin_ms: int | None = None
        self.end_ms = 0
        self.language: str | None = None
        self.emotion: str | None = None
        self.closed = False
        self.committed = False
        self.resume: ResumePoint | None = None
        """Right behind it; without the count of sentences, which is known once it is told."""

    @property
    def done(self) -> bool:
        return self.closed and not self.utterances

    @property
    def has_words(self) -> bool:
        return bool(self.words or (self.utterances and self.utterances[0].shown.words))

    def take_answers(self) -> list[OpenUtterance]:
        """Move the utterances that are answered, oldest first, into `words`; returns them."""
        taken = []
        while self.utterances and self.utterances[0].answered:
            taken.append(self.utterances.popleft())
            self._add(taken[-1])
        return taken

    def _add(self, utterance: OpenUtterance) -> None:
        answer = utterance.answer
        assert answer is not None
        self.begin_ms = utterance.begin_ms if self.begin_ms is None else self.begin_ms
        words = utterance.believed
        if not words:
            return
        last_word_ms = utterance.ms(utterance.start) + words[-1].end_ms
        self.end_ms = min(max(utterance.ms(utterance.speech_end), last_word_ms), utterance.ms(utterance.told_end))
        self.applied += [msgspec.structs.replace(one, begin=one.begin + len(self.words)) for one in answer.applied]
        self.words += utterance.placed(words, self.end_ms)
        self.language, self.emotion = answer.language, answer.emotion


class Sentences:
    """The items of a session that are not told to their end, oldest first."""

    def __init__(self, opening: Open) -> None:
        self._opening = opening
        self._items: deque[Item] = deque()
        self._numbers = 0
        self._sentence_ids = 1 + (opening.resume.sentences if opening.resume else 0)

    def __bool__(self) -> bool:
        return bool(self._items)

    # ---- items --------------------------------------------------------------------------------------------------

    def open_item(self) -> Item:
        """The item that what is heard now belongs to."""
        if not self._items or self._items[-1].closed:
            self._numbers += 1
            self._items.append(Item(self._numbers))
        return self._items[-1]

    def close(self) -> None:
        """Nothing more belongs to the newest item."""
        if self._items:
            self._items[-1].closed = True

    def drop_open(self) -> list[OpenUtterance]:
        """Forget the item that is not closed; returns its utterances."""
        if not self._items or self._items[-1].closed:
            return []
        self._numbers -= 1
        return list(self._items.pop().utterances)

    @property
    def newest(self) -> OpenUtterance:
        return self._items[-1].utterances[-1]

    def utterances(self) -> Iterator[OpenUtterance]:
        return (utterance for item in self._items for utterance in item.utterances)

    def find(self, stream: int | None) -> OpenUtterance | None:
        return next((utterance for utterance in self.utterances() if utterance.id == stream), None)

    def is_first(self, utterance: OpenUtterance) -> bool:
        """Only the oldest utterance may be shown: a sentence never overtakes the final before it."""
        return utterance is next(self.utterances())

    # ---- telling ------------------------------------------------------------------------------------------------

    @property
    def told(self) -> int:
        """How many sentences have been told as finals."""
        return self._sentence_ids - 1

    def take_answers(self) -> list[OpenUtterance]:
        """The utterances of the oldest item that are answered and now part of its words."""
        return self._items[0].take_answers() if self._items else []

    def take_done(self) -> Item | None:
        """The oldest item once all of it is answered."""
        return self._items.popleft() if self._items and self._items[0].done else None

    def final(self, item: Item, language: str | None, audio_s: float) -> list[Final]:
        """The item's final; none for one without words, unless those were asked for too."""
        heard, options = tuple(item.words), self._opening.text
        words, _ = filters.apply(heard, 0, options)
        was_item = item.committed or item.begin_ms is not None
        if not words and not (self._opening.answer_empty and was_item):
            return []
        begin_ms = item.begin_ms or 0
        sentence = Sentence(
            id=self._sentence_ids,
            begin_ms=begin_ms,
            end_ms=max(begin_ms, item.end_ms),
            words=words,
            stable=len(words),
            final=True,
            language=item.language or language,
            emotion=item.emotion,
            applied=filters.told(tuple(item.applied), heard, options) if self._opening.audit else (),
        )
        self._sentence_ids += 1
        return [Final(self._opening.session, sentence, audio_s, item.number)]

    def partial(self, language: str | None, heard: int) -> list[Partial]:
        """The oldest item as it stands: what is answered of it, and the utterance that follows."""
        if not self._items or not self._items[0].has_words:
            return []
        item = self._items[0]
        words, stable, begin_ms = tuple(item.words), len(item.words), item.begin_ms
        if item.utterances:
            utterance = item.utterances[0]
            words += utterance.placed(utterance.shown.words[: utterance.shown.ripe], utterance.ms(heard))
            stable += utterance.shown.stable
            begin_ms = utterance.begin_ms if begin_ms is None else begin_ms
        words, stable = filters.apply(words, stable, self._opening.text)
        sentence = Sentence(
            id=self._sentence_ids,
            begin_ms=begin_ms or 0,
            end_ms=None,
            words=words,
            stable=stable,
            final=False,
            language=language,
        )
        return [Partial(self._opening.session, sentence, item.number)]
