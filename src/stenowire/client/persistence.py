"""Whether a recognition that lost its connection is worth another one, and how boldly to go on with it.

In: how connections ended, when they began, that there were answers. Out: yes or no. It knows no audio and no socket;
time is an argument, in seconds of any monotonic clock.
"""

from stenowire.client.errors import ConnectionLost, TaskFailed
from stenowire.errors import InternalError, NoAudio, ResponseTimeout

MOST_BREAKDOWNS = 3
"""Failures of the recogniser itself, one after another and without any answer between them."""
MOST_FRUITLESS = 30
"""Connections that broke before they had brought anything or lived for `LIFE_S`, within `give_up_s` or longer."""
LIFE_S = 30.0
HASTY = 3
"""After so many of them audio is sent again more slowly: what ends the connections may come sooner than an answer."""


class Persistence:
    def __init__(self, give_up_s: float) -> None:
        self._give_up_s = give_up_s
        self._fruitless = self._breakdowns = 0
        self._fruitless_since = self._connected_at = 0.0

    def connected(self, now: float) -> None:
        self._connected_at = now

    def answered(self) -> None:
        """The server had something to say."""
        self._fruitless = self._breakdowns = 0

    @property
    def bold(self) -> bool:
        """Whether audio may be sent again as fast as the server takes it."""
        return self._fruitless < HASTY

    def worth_another(self, fault: Exception, now: float) -> bool:
        """Whether to connect again after a connection that ended like this. To be asked once for each."""
        if not self._fruitless or now - self._connected_at > LIFE_S:
            self._fruitless, self._fruitless_since = 0, now
        self._fruitless += 1
        if isinstance(fault, TaskFailed):
            self._breakdowns += isinstance(fault.error, InternalError)
            return (fault.error.retryable or for_want_of_audio(fault)) and self._breakdowns < MOST_BREAKDOWNS
        hopeless = self._fruitless > MOST_FRUITLESS and now - self._fruitless_since > self._give_up_s
        return isinstance(fault, ConnectionLost) and not hopeless


def for_want_of_audio(fault: Exception) -> bool:
    """Whether the server closed because nothing was sent."""
    return isinstance(fault, TaskFailed) and isinstance(fault.error, ResponseTimeout | NoAudio)
