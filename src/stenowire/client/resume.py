"""What a client keeps so that a recognition outlives its connections: unanswered audio, and what was told.

In: audio of the program, where the server begins, its sentences and points. Out: audio to send, and sentences on one
line of times and ids, each final once. No socket, no clock, no task; a program and a relay drive it in the same way:

    memory = Memory(AudioFormat("pcm", 16_000), session=uuid4().hex)
    memory.keep(data)                            whenever there is audio and not `memory.full`
    on every new connection
        run-task with parameters.resume = memory.ask()
        at task-started                          memory.begin(begun_ms of TaskClient, None without the extension)
        while memory.unsent                      write(memory.take(most_bytes))
        once memory.all_sent                     finish-task
    on every sentence told                       shown = memory.place(sentence), and a final then memory.settle(...)
    on every new point told without a sentence   memory.reach(point)

With a server that tells points (docs/resume.md) the next connection goes on exactly where the last answer ended. With
any other it is a new task that begins at the end of the last final, and whose times and ids are moved.
"""

import msgspec

from stenowire.dialects.task_client import Point
from stenowire.dialects.task_resume import RAW, WireResume
from stenowire.types import AudioFormat, Sentence

MOST_S = 600.0
"""Of audio kept: 19 MB of pcm at 16 kHz."""


class Gap(msgspec.Struct, frozen=True):
    """Audio that had been sent, was not answered, and can no longer be sent again."""

    begin_ms: int
    end_ms: int


class Line(msgspec.Struct, frozen=True):
    """Where a server's count of times and ids begins on ours."""

    at: int = 0
    """Byte."""
    ms: int = 0
    sentences: int = 0


class Memory:
    """One recognition. Formats that cannot be cut (coded ones) are kept whole and sent again from their beginning.

    `most_s` bounds what is kept. At the bound audio waits with the program (`full`): back-pressure. Only where a server
    tells no points and has not closed a sentence for that long is the oldest let go; a drop then shows as a `Gap`.
    """

    def __init__(self, format: AudioFormat, *, session: str, most_s: float = MOST_S) -> None:
        self.format = format
        self.session = session
        self.cuttable = format.encoding in RAW
        self._width = 1 if format.encoding in ("mulaw", "alaw") else 2
        self._most = int(most_s * self.bytes_per_s)
        self._audio = bytearray()
        self._first = 0
        """Byte of the recognition at which `_audio` begins."""
        self._next = 0
        """The next byte to send on this connection."""
        self._reached = 0
        """How far any connection has come."""
        self._finished = False
        self._epoch = 0
        self._line = Line()
        """Of this connection."""
        self._point: Point | None = None
        """The newest one, on `_line`."""
        self._resumes = False
        """The server of this connection tells points."""
        self._counts_from = 1
        self._sentences = 0
        self._settled_ms = 0
        self._let_go = 0
        """Up to where audio was let go without an answer."""
        self.resent_bytes = 0
        """Audio that was sent, or is about to be sent, more than once."""

    # ---- numbers --------------------------------------------------------------------------------------------------

    @property
    def bytes_per_s(self) -> int:
        """Of raw formats; coded ones are bounded as if they were pcm."""
        return self.format.rate_hz * self._width

    @property
    def epoch(self) -> int:
        """How many connections there were."""
        return self._epoch

    @property
    def sentences(self) -> int:
        """Id of the last final, 0 before the first."""
        return self._sentences

    @property
    def kept_bytes(self) -> int:
        return len(self._audio)

    @property
    def ahead_bytes(self) -> int:
        """Sent on this connection and not answered."""
        return self._next - self._first

    @property
    def resumes(self) -> bool:
        """Whether this connection's server tells points."""
        return self._resumes

    @property
    def can_resume(self) -> bool:
        """False once the beginning of audio that cannot be cut is gone."""
        return self.cuttable or self._first == 0

    @property
    def full(self) -> bool:
        """Nothing more may be kept for now."""
        return len(self._audio) >= self._most and (self._resumes or self._next <= self._first)

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent on this connection."""
        return self._end - self._next

    @property
    def again(self) -> int:
        """How many of them have been sent before."""
        return max(0, self._reached - self._next)

    @property
    def all_sent(self) -> bool:
        return self._finished and not self.unsent

    @property
    def _end(self) -> int:
        return self._first + len(self._audio)

    # ---- the program ----------------------------------------------------------------------------------------------

    def keep(self, data: bytes) -> None:
        """Take in audio. Where this goes beyond the bound, the oldest that has been sent is let go."""
        self._audio += data
        excess = len(self._audio) - self._most
        if excess > 0 and not self._resumes:
            self._let_go = max(self._let_go, min(self._first + excess, self._next))
            self._free(self._let_go)

    def finish(self) -> None:
        """No more audio comes."""
        self._finished = True

    # ---- connections ----------------------------------------------------------------------------------------------

    def ask(self) -> WireResume:
        """What to send as `parameters.resume` in the run-task of a new connection."""
        self._epoch += 1
        if self._point is not None and self._byte(self._line, self._point) < self._first:
            self._point = None
        point = self._point.data if self._point else msgspec.UNSET
        return WireResume(session=self.session, epoch=self._epoch, point=point)

    def begin(self, begun_ms: int | None) -> Gap | None:
        """The server has taken the task. `begun_ms`: what it said of where audio begins, None if it said nothing.

        Sending begins anew. A gap is what this connection cannot be given any more.
        """
        self._resumes = begun_ms is not None and self.cuttable
        gap = None
        if self._resumes and self._point is not None and begun_ms == self._point.from_ms:
            self._next = self._byte(self._line, self._point)
        else:
            self._point = None
            gap = self._begin_line()
            self._next = self._line.at
        self.resent_bytes += self.again
        return gap

    def take(self, most: int) -> bytes:
        """The next audio to write, at most so many bytes; b"" when there is none."""
        offset = self._next - self._first
        data = bytes(self._audio[offset : offset + most])
        self._next += len(data)
        self._reached = max(self._reached, self._next)
        return data

    def _begin_line(self) -> Gap | None:
        """A new count of times and ids, from the end of the last final on."""
        self._counts_from = 1
        if not self.cuttable:
            self._line = Line()
            return None
        at = self._bytes(self._settled_ms)
        gap = None
        if at < self._first:
            gap = Gap(self._settled_ms, self._ms(self._first)) if self._let_go > at else None
            at = self._first
        self._line = Line(at, self._ms(at), self._sentences)
        return gap

    # ---- answers --------------------------------------------------------------------------------------------------

    def place(self, sentence: Sentence) -> Sentence | None:
        """The sentence on the recognition's own line; None for one whose final has been told already."""
        if sentence.id == 0:
            self._counts_from = 0
        number = self._line.sentences + sentence.id + 1 - self._counts_from
        if number <= self._sentences:
            return None
        return moved(sentence, self._line.ms, number)

    def settle(self, final: Sentence, point: Point | None) -> None:
        """A final has been placed and told: `final` as `place` gave it, `point` what came with it."""
        self._sentences = final.id
        self._settled_ms = max(self._settled_ms, final.end_ms or 0)
        if self._resumes:
            if point is not None:
                self.reach(point)
        elif self.cuttable:
            self._free(min(self._bytes(self._settled_ms), self._next))

    def reach(self, point: Point) -> None:
        """The server has answered everything before this point."""
        if not self._resumes:
            return
        self._point = point
        self._free(min(self._byte(self._line, point), self._next))

    # ---- bytes ----------------------------------------------------------------------------------------------------

    def _byte(self, line: Line, point: Point) -> int:
        return line.at + self._bytes(point.from_ms)

    def _bytes(self, ms: int) -> int:
        return ms * self.format.rate_hz // 1000 * self._width

    def _ms(self, at: int) -> int:
        return at // self._width * 1000 // self.format.rate_hz

    def _free(self, before: int) -> None:
        if before > self._first:
            del self._audio[: before - self._first]
            self._first = before


def moved(sentence: Sentence, ms: int, number: int) -> Sentence:
    """The same sentence, its times moved by `ms`, under another id."""
    if not ms:
        return msgspec.structs.replace(sentence, id=number)
    words = tuple(
        msgspec.structs.replace(word, begin_ms=word.begin_ms + ms, end_ms=word.end_ms + ms) for word in sentence.words
    )
    end_ms = None if sentence.end_ms is None else sentence.end_ms + ms
    return msgspec.structs.replace(sentence, id=number, begin_ms=sentence.begin_ms + ms, end_ms=end_ms, words=words)
