"""Who may come in now: counts of connections and sessions against their limits, and the drain.

Input: comings and goings. Output: an error where a limit is met. It knows no sockets and no keys; overload is said at
the door, so that those inside never slow down for those outside.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from stenowire.errors import ServiceUnavailable, Throttled
from stenowire.settings import Settings

RETRY_AFTER_S = 2
"""Told to refused clients: about the time of a restart with the models on disk."""


class Admission:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._by_ip: Counter[str] = Counter()
        self.connections = 0
        self.streams = 0
        self.draining = False

    @property
    def full(self) -> bool:
        return self.streams >= self._settings.max_streams or self.connections >= self._settings.max_connections

    def check(self, ip: str) -> None:
        """Raise ServiceUnavailable or Throttled when one more connection from `ip` is too many."""
        if self.draining:
            raise ServiceUnavailable("The server is restarting, please try again.")
        if self.full:
            raise ServiceUnavailable("The server is at its limit, please try again later.")
        limit = self._settings.max_connections_per_ip
        if limit and self._by_ip[ip] >= limit:
            raise Throttled(f"Too many connections from this address (limit {limit}).")

    @contextmanager
    def connection(self, ip: str) -> Iterator[None]:
        """Count a connection for as long as the block runs."""
        self.connections += 1
        self._by_ip[ip] += 1
        try:
            yield
        finally:
            self.connections -= 1
            self._by_ip[ip] -= 1
            if not self._by_ip[ip]:
                del self._by_ip[ip]

    def take_stream(self) -> None:
        """Count one more session. Raises ServiceUnavailable or Throttled."""
        if self.draining:
            raise ServiceUnavailable("The server is restarting, please try again.")
        if self.streams >= self._settings.max_streams:
            raise Throttled("Requests rate limit exceeded, please try again later.")
        self.streams += 1

    def free_stream(self) -> None:
        self.streams -= 1
