"""One session's place on a connection: the session, its engine streams, and what is measured about it.

The seat itself is the owner that the pool delivers results to; its identity tells two sessions of one name apart.
"""

import time
from collections import deque
from collections.abc import Callable

from stenowire.core.session import Output, Session
from stenowire.events import Failed, Final, Finished, Result, SpeechStopped


class Seat:
    def __init__(self, number: int, session: Session, deliver: Callable[["Seat", Result], None]) -> None:
        self.number = number
        """Which session of its connection it is, by age."""
        self.session = session
        self.left = False
        """Whether it was given up: nothing may be computed for it any more."""
        self.finished_by_client = False
        self.cut_short = False
        """Whether the server, not the client, has ended its audio."""
        self.outcome = "hangup"
        self._deliver = deliver
        self._stopped: deque[tuple[int, float]] = deque()

    def __call__(self, result: Result) -> None:
        self._deliver(self, result)

    @property
    def name(self) -> str:
        return self.session.name

    def note(self, update: Output) -> float | None:
        """Keep account of what was said. For a final: seconds since its utterance was found to have ended."""
        match update:
            case SpeechStopped(at_ms=at_ms):
                self._stopped.append((at_ms, time.monotonic()))
            case Final(sentence=sentence):
                return self._waited(sentence.end_ms or 0)
            case Finished():
                self.outcome = "finished"
            case Failed(error=error):
                self.outcome = error.code
        return None

    def _waited(self, end_ms: int) -> float | None:
        since = None
        while self._stopped and self._stopped[0][0] <= end_ms:
            since = self._stopped.popleft()[1]
        return None if since is None else time.monotonic() - since
