"""What all connections of one server share: models, the pool, counts, and the seats that they take and free.

It is born without models, so that the port can be open while they load: `equip` makes it ready. It knows no sockets.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

import msgspec

from stenowire.core.session import Session
from stenowire.errors import ServiceUnavailable
from stenowire.events import Listen, Open, Work
from stenowire.gateway.admission import Admission
from stenowire.gateway.captions import Captions
from stenowire.gateway.claims import Claims
from stenowire.gateway.credentials import Caller, Credentials
from stenowire.gateway.metrics import Metrics
from stenowire.gateway.order import Order
from stenowire.gateway.recorder import Recorder
from stenowire.gateway.seat import Deliver, Seat
from stenowire.gateway.streams import Streams
from stenowire.gateway.vocabulary import with_vocabulary
from stenowire.gateway.watch import Watch
from stenowire.serving.decoding import CODED, Decoders, as_wav
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.store.quotas import LocalQuotas
from stenowire.store.redis_quotas import RedisQuotas
from stenowire.store.sealed import Seal
from stenowire.store.shelf import Shelf
from stenowire.store.tokens import Tokens
from stenowire.store.usage import Usage
from stenowire.store.vocabularies import Vocabularies

STARTING = "The server is starting, please try again."


class Guest(Protocol):
    """Whoever is served: a connection, or an HTTP request that takes its time."""

    def order(self, order: Order, /) -> None: ...


class Runtime:
    def __init__(self, settings: Settings, keys: KeyRing) -> None:
        self.settings = settings
        self.keys = keys
        self.store = keys.accounts.store
        self.vocabularies = Vocabularies(self.store, settings.vocabulary_lists)
        self.tokens = Tokens(keys.pepper)
        self.seal = Seal(keys.pepper)
        self.credentials = Credentials(keys, self.tokens, self.seal)
        self.captions = Captions()
        self.admission = Admission(settings)
        quotas = RedisQuotas(settings) if settings.redis else LocalQuotas()
        self.streams = Streams(keys, self.admission, quotas, Usage(self.store) if settings.keep_usage else None)
        self.metrics = Metrics()
        self.decoders = Decoders()
        self.shelf = Shelf(settings)
        self.recorder = Recorder(settings)
        self.claims = Claims()
        self.file_tasks_came = asyncio.Event()
        self.connections: set[Guest] = set()
        self.callers: dict[Guest, Caller] = {}
        """Who stands behind those that came in with a key."""
        self.watch = Watch(keys, self._shut_out)
        self.metrics.watch_backends(store=lambda: self.watch.well, quotas=lambda: quotas.well)
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
            raise ServiceUnavailable(STARTING)
        return self._hub

    @property
    def pool(self) -> Pool:
        if self._pool is None:
            raise ServiceUnavailable(STARTING)
        return self._pool

    def check(self, ip: str) -> None:
        """Raise what one more connection from this address has to be told."""
        self.admission.check(ip)
        if not self.equipped:
            raise ServiceUnavailable(STARTING)

    @contextmanager
    def joined(self, connection: Guest, ip: str) -> Iterator[None]:
        """Count and know the connection for as long as the block runs."""
        with self.admission.connection(ip), self.metrics.connections.track_inprogress():
            self.connections.add(connection)
            try:
                yield
            finally:
                self.connections.discard(connection)
                self.callers.pop(connection, None)

    def admit(self, guest: Guest, caller: Caller) -> None:
        """Remember by whose key the guest is here, until it leaves."""
        self.callers[guest] = caller
        self.streams.requested(caller)

    def _shut_out(self) -> None:
        """End what goes on with keys that are good no more."""
        for guest, caller in list(self.callers.items()):
            if not self.credentials.is_good(caller):
                guest.order(Order.REVOKED)

    # ---- seats --------------------------------------------------------------------------------------------------

    async def prepared(self, opening: Open, guest: Guest) -> Open:
        """With the words of the stored list that it names. Raises what the client is to be told."""
        if not opening.vocabulary:
            return opening
        return await with_vocabulary(opening, self.callers[guest].tenant.name, self.vocabularies)

    def claim(self, opening: Open, guest: Guest, let_go: Callable[[], None]) -> Callable[[], None]:
        """End other sessions of its claim; returns how to give the claim back. Raises Superseded."""
        if opening.claim is None:
            return lambda: None
        return self.claims.take(self.callers[guest].tenant.name, opening.claim, let_go)

    async def take_seat(self, opening: Open, deliver: Deliver, guest: Guest) -> Seat:
        """A session on the engine behind the model's name. Raises what the client is to be told."""
        engine = self.hub.resolve(opening.model, opening.hint.language)
        if opening.format.encoding in CODED:
            self.decoders.check(opening.format.encoding)
            opening = msgspec.structs.replace(opening, format=as_wav(opening.format))
        if opening.noise_reduction is None:
            opening = msgspec.structs.replace(opening, noise_reduction=self.settings.noise_reduction)
        stream = await self.streams.take(self.callers[guest])
        try:
            seat = Seat(Session(opening, engine, time.monotonic()), stream, deliver)
        except BaseException:
            self.streams.free(stream)
            raise
        seat.track = self.recorder.open(opening, self.callers[guest].tenant.name)
        self.metrics.opened.inc()
        self.metrics.streams.inc()
        return seat

    def compute(self, seat: Seat, work: Work) -> None:
        """Have it computed; the seat gets the result."""
        if seat.track is not None and isinstance(work, Listen):
            seat.track.heard(work)
        self.pool.submit(seat, work)

    def free_seat(self, seat: Seat) -> None:
        """Free all that the session holds."""
        self.pool.drop(seat, seat.name)
        self.streams.free(seat.stream)
        self.metrics.streams.dec()
        self.metrics.ended.labels(seat.outcome).inc()
        self.metrics.audio_s.inc(seat.session.audio_s)
