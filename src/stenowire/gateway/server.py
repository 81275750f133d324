"""The server's life: open the port, load the models, serve, and at a signal let everyone finish.

Input: settings. Output: the exit status. A stopping server refuses new clients, has every session answer what it has
heard, and only then closes (uvicorn by itself would close at once, and the last words would be lost).
"""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial

import structlog

from stenowire.errors import StenowireError
from stenowire.gateway import logs
from stenowire.gateway.app import application
from stenowire.gateway.banner import LINK_S, greeting, invitation, offer
from stenowire.gateway.order import Order
from stenowire.gateway.runtime import Runtime
from stenowire.gateway.web import Web, listen, url_of
from stenowire.serving.hub import Hub
from stenowire.serving.pool import Pool
from stenowire.settings import BadSettings, Settings
from stenowire.store.keys import KeyRing

log = structlog.get_logger(__name__)

FAREWELL_S = 2.0
"""How long clients have to answer a close frame before the process ends."""
OTHER_FILES = 256
"""Open besides connections: models, libraries, pipes."""
SWITCH_S = 0.001
"""How long a worker may hold the interpreter while the event loop wants it. With Python's own 5 ms, 96 % of the loop's
wake-ups came within 10 ms beside 8 speakers, with 1 ms 99.6 % did (dev/LOG.md, "What makes the event loop late")."""


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. 0: stopped as it should; 1: could not start, or had to cut clients off."""
    logs.configure(settings)
    sys.setswitchinterval(SWITCH_S)
    _allow_files(settings.max_connections)
    try:
        keys = KeyRing.open(settings)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(Server(settings, keys).run())
    except (BadSettings, StenowireError) as error:
        print(f"stenowire: {error}", file=sys.stderr)
        return 1


def _allow_files(connections: int) -> None:
    """Ask the system for as many open files as connections need, or as many as it grants."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class Server:
    """One server in the running event loop. `stop` from that loop, or a signal where signals can be had, ends it."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        hub: Hub | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.hub = hub or Hub()
        self.runtime = Runtime(settings, keys)
        self.web = Web(application(self.runtime), settings)
        self.ready = asyncio.Event()
        """Set once clients are welcome; `url` is known then."""
        self.url = ""
        self._announce = announce or partial(print, flush=True)
        self._failure: Exception | None = None
        self._stopping = asyncio.Event()
        self._forced = asyncio.Event()

    def stop(self) -> None:
        """Drain and end. The second call does not wait for anyone."""
        if self._stopping.is_set():
            self._forced.set()
        self._stopping.set()

    async def run(self) -> int:
        """Serve until stopped. Raises BadSettings when the port cannot be had, ModelUnavailable without models."""
        with listen(self.settings) as listener, self._signals():
            self.url = url_of(self.settings, listener)
            self._say(greeting(self.url, self.keys))
            self._say(invitation(self.url, self.settings, self._link_key()))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.web.serve(sockets=[listener]))
                loading = tasks.create_task(self._load())
                await self._stopping.wait()
                loading.cancel()
                clean = await self._drain()
                self.web.should_exit = True
        await self.runtime.decoders.stop()
        if self._failure is not None:
            raise self._failure
        if clean and self.runtime.equipped:
            await self.runtime.pool.stop()
        return 0 if clean else 1

    def _say(self, lines: list[str]) -> None:
        for line in lines:
            self._announce(line)

    def _link_key(self) -> str | None:
        """For a person at a terminal; what is not one may be a log, which a key must not get into."""
        if not sys.stdout.isatty():
            return None
        return self.runtime.seal.issue("link", self.keys.owner.name, LINK_S)[0]

    async def _load(self) -> None:
        """Load in a thread, so that the port answers meanwhile."""
        try:
            if not self.hub.ready:
                await asyncio.to_thread(self.hub.load, self.settings.models_dir)
            self._equip()
        except Exception as error:
            self._failure = error
            self.stop()

    def _equip(self) -> None:
        settings, metrics = self.settings, self.runtime.metrics
        pool = Pool(
            self.hub.engine,
            self.hub.detector,
            settings.workers,
            settings.beam,
            observe=lambda kind, seconds: metrics.step_s.labels(kind).observe(seconds),
        )
        pool.start()
        self.runtime.equip(self.hub, pool)
        self._say(offer(self.hub.models()))
        self.ready.set()

    async def _drain(self) -> bool:
        """True when every session could answer."""
        self.runtime.admission.draining = True
        connections = self.runtime.connections
        log.info("draining", connections=len(connections), sessions=self.runtime.admission.streams)
        for connection in list(connections):
            connection.order(Order.DRAIN)
        clean = await self._until(lambda: not connections, self.settings.drain_s)
        for connection in list(connections):
            connection.order(Order.CUT)
        await self._until(lambda: not connections and not self.web.open_sockets, FAREWELL_S)
        log.info("drained", clean=clean)
        return clean

    async def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait for it to come true; False after `seconds`, or when the stop is forced."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # Polled, as part of what is waited for happens inside uvicorn.
                while not true() and not self._forced.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        return true()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
