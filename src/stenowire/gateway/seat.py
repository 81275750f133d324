"""One session's place on a connection: the session, what became of it, and what is measured about it.

The seat itself is the owner that the pool delivers results to; its identity tells two sessions of one name apart.
"""

import asyncio
import time
from collections.abc import Callable

from stenowire.core.session import Output, Session
from stenowire.events import Failed, Final, Finished, Result, SpeechStopped
from stenowire.gateway.recorder import Track
from stenowire.gateway.streams import Stream
from stenowire.serving.decoding_queue import DecodingQueue

Deliver = Callable[["Seat", Result], None]


class Seat:
    def __init__(self, session: Session, stream: Stream, deliver: Deliver) -> None:
        self.session = session
        self.stream = stream
        self.began_at = time.monotonic()
        self.left = False
        """Whether it was given up: nothing may be computed for it any more."""
        self.finished_by_client = False
        self.cut_short = False
        """Whether the server, not the client, has ended its audio."""
        self.decoding: DecodingQueue | None = None
        """Where commands wait while audio before them is decoded; None while nothing needs that."""
        self.decoding_task: asyncio.Task[None] | None = None
        self.give_back: Callable[[], None] = lambda: None
        """Gives up the client's claim on this recognition."""
        self.track: Track | None = None
        """Its way into the history, where that is switched on."""
        self.outcome = "hangup"
        self._deliver = deliver
        self._stopped: dict[int, float] = {}

    def __call__(self, result: Result) -> None:
        self._deliver(self, result)

    @property
    def name(self) -> str:
        return self.session.name

    def note(self, update: Output) -> float | None:
        """Keep account of what was said. For a final: seconds since its speech was found to have ended."""
        match update:
            case SpeechStopped(item=item):
                self._stopped[item] = time.monotonic()
            case Final(item=item):
                if self.track is not None:
                    self.track.said(update)
                since = self._stopped.pop(item, None)
                return None if since is None else time.monotonic() - since
            case Finished():
                self.outcome = "finished"
            case Failed(error=error):
                self.outcome = error.code
        return None
