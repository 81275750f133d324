"""What an utterance's interims remember: words said, and from where on to listen.

Input: settled counts, clip lengths, new words. Output: the tokens to force and to offer as a draft, the words to show.
Must not know how words come about.

    |<- carried words ->|<- settled words ->|<- the rest, a draft ->|
    0                 anchor                                     end of the clip
                        |<------ what an interim listens to ------->|
"""

from collections.abc import Sequence

from stenowire.audio.level import has_moved
from stenowire.biasing.automaton import Automaton
from stenowire.engines.base import Proposal
from stenowire.engines.moonshine.network import Heard, Sound
from stenowire.engines.moonshine.shape import ROW_SAMPLES
from stenowire.engines.moonshine.words import Piece
from stenowire.types import SESSION_RATE_HZ, Hint, Word

WINDOW = 6 * SESSION_RATE_HZ
"""Samples that an interim listens to once there is a settled word to begin at (dev/LOG.md, "Interims")."""
MAX_WINDOW = 15 * SESSION_RATE_HZ
"""Samples beyond which the model gets lost: then the anchor moves to any word."""

NOTHING = Hint()


class Stream:
    def __init__(self, hint: Hint = NOTHING, terms: Automaton | None = None) -> None:
        self.hotwords = hint.hotwords
        self.terms = terms
        """What finals lean towards beside their likeliest text."""
        self.proposals: list[Proposal] = []
        """What came of it."""
        self.is_scored = bool(hint.hotwords or hint.context)
        """Whether finals keep what they heard: without terms nobody asks how likely another text is."""
        self.carried: tuple[Word, ...] = ()
        """Words before the anchor."""
        self.anchor = 0
        """The sample at which interims begin to listen."""
        self.pieces: list[Piece] = []
        """Words after the anchor."""
        self.tokens: list[int] = []
        """What the model said after the anchor."""
        self.gain = 1.0
        """What clips are multiplied by: what is kept of their beginning rests on it."""
        self.sound: Sound | None = None
        """What was computed of the clip from the anchor on, and need not be computed again."""
        self.heard: Heard | None = None
        """What the last step heard, for texts to be scored on."""
        self.unheard = ""
        """The text before that."""

    @property
    def words(self) -> tuple[Word, ...]:
        return (*self.carried, *(piece.word for piece in self.pieces))

    def level(self, gain: float) -> None:
        """Take a new gain where it is far from the old: the beginning of a clip may be a breath, and say little."""
        if has_moved(self.gain, gain):
            self.gain, self.sound = gain, None

    def settled_tokens(self, settled: int) -> int:
        """How many of `tokens` make up the first `settled` words."""
        kept = settled - len(self.carried)
        return self.pieces[kept - 1].end if kept > 0 else 0

    def advance(self, settled: int, samples: int) -> None:
        """Move the anchor before a settled word, when a clip of `samples` has outgrown the window."""
        length = samples - self.anchor
        if length <= WINDOW:
            return
        words = self.words
        limit_ms = (samples - WINDOW) * 1000 // SESSION_RATE_HZ
        most = settled if length <= MAX_WINDOW else len(words)
        choices = range(len(self.carried) + 1, min(most, len(words) - 1) + 1)
        count = max((i for i in choices if words[i].begin_ms <= limit_ms), default=0)
        if count:
            between_ms = (words[count - 1].end_ms + words[count].begin_ms) // 2
            self._carry(count)
            self._listen_from(between_ms * SESSION_RATE_HZ // 1000)
        elif length > MAX_WINDOW:
            self._listen_from(samples - WINDOW)

    def take(self, settled: int, tokens: Sequence[int], pieces: Sequence[Piece]) -> None:
        """The new hypothesis after the anchor. Its first words stay as they were settled; nothing may lengthen them."""
        cut = self.settled_tokens(settled)
        kept = self.pieces[: max(settled - len(self.carried), 0)]
        floor_ms = max((word.end_ms for word in (*self.carried, *(piece.word for piece in kept))), default=0)
        for piece in pieces:
            if piece.begin >= cut:
                word = _not_before(piece.word, floor_ms)
                floor_ms = word.end_ms
                kept.append(Piece(word, piece.begin, piece.end))
        self.pieces, self.tokens = kept, list(tokens)

    def clear(self) -> None:
        self.__dict__.update(Stream().__dict__)

    def _listen_from(self, sample: int) -> None:
        moved = (sample - self.anchor) // ROW_SAMPLES * ROW_SAMPLES
        self.anchor += moved
        self.sound = self.sound and self.sound.without(moved)

    def _carry(self, count: int) -> None:
        """Leave the first `count` words behind."""
        moved = count - len(self.carried)
        first = self.pieces[moved].begin
        self.carried = self.words[:count]
        self.tokens = self.tokens[first:]
        self.pieces = [Piece(word, begin - first, end - first) for word, begin, end in self.pieces[moved:]]


def _not_before(word: Word, floor_ms: int) -> Word:
    if word.begin_ms >= floor_ms:
        return word
    return Word(word.text, floor_ms, max(word.end_ms, floor_ms + 1), word.mark, word.confidence)
