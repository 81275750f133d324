"""Text that only ever grows: from successive sentences of one item to pieces that are sent once and never taken back.

In: sentences. Out: strings to append. Knows no frames: any dialect may tell words this way.
"""

from stenowire.types import Sentence, Word


class Increments:
    """Of one item. `sent` is all pieces so far, joined."""

    def __init__(self) -> None:
        self.sent = ""
        self._until_ms = 0
        """Where the last word in it ends."""

    def grow(self, sentence: Sentence) -> str:
        """What has newly settled of an open sentence, "" when nothing has.

        Punctuation behind the last settled word is kept back: it is the part of a word that changes most. Words that
        contradict what was sent are passed over; the ones that follow in time are still told.
        """
        settled = sentence.words[: sentence.stable]
        text = _joined(settled)
        if text.startswith(self.sent):
            return self._send(text[len(self.sent) :], settled)
        later = tuple(word for word in settled if word.begin_ms >= self._until_ms)
        return self._send(f" {_joined(later)}" if later else "", later)

    def rest(self, transcript: str) -> str:
        """What the transcript has beyond what was sent, if it begins with it; else "", and the transcript counts."""
        return transcript[len(self.sent) :] if transcript.startswith(self.sent) else ""

    def _send(self, piece: str, words: tuple[Word, ...]) -> str:
        if piece:
            self.sent += piece
            self._until_ms = words[-1].end_ms
        return piece


def _joined(words: tuple[Word, ...]) -> str:
    """The words' text without the last one's mark."""
    return " ".join([*(word.text + word.mark for word in words[:-1]), *(word.text for word in words[-1:])])
