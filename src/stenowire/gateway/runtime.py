"""What all connections of one server share.

It is born without models, so that the port can be open while they load: `equip` makes it ready.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from stenowire.errors import ServiceUnavailable
from stenowire.gateway.admission import Admission
from stenowire.gateway.metrics import Metrics
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing

if TYPE_CHECKING:
    from stenowire.gateway.connection import Connection


class Runtime:
    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self.settings = settings
        self.keys = keys
        self.admission = Admission(settings)
        self.metrics = Metrics()
        self.connections: set[Connection] = set()
        self._hub: Hub | None = None
        self._pool: Pool | None = None

    def equip(self, hub: Hub, pool: Pool) -> Self:
        """Give it loaded models and a pool that runs or is about to."""
        self._hub, self._pool = hub, pool
        self.metrics.watch(pool)
        return self

    @property
    def equipped(self) -> bool:
        return self._hub is not None

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            raise ServiceUnavailable("The server is starting, please try again.")
        return self._hub

    @property
    def pool(self) -> Pool:
        if self._pool is None:
            raise ServiceUnavailable("The server is starting, please try again.")
        return self._pool

    @contextmanager
    def joined(self, connection: "Connection", ip: str) -> Iterator[None]:
        """Count and know the connection for as long as the block runs."""
        with self.admission.connection(ip), self.metrics.connections.track_inprogress():
            self.connections.add(connection)
            try:
                yield
            finally:
                self.connections.discard(connection)
