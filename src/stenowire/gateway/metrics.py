"""What the server counts about itself, for Prometheus.

Input: events of connections and workers. Output: one registry. No label holds a key, a tenant, a task id or a word.
"""

import asyncio
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stenowire.serving.pool import Pool

ANSWER_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 4.0, 8.0)
LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LAG_PROBE_S = 0.1


class Metrics:
    """One per server, with a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.connections = Gauge("stenowire_connections", "Open client connections.", registry=registry)
        self.refused = Counter("stenowire_refused", "Handshakes refused, by code.", ["code"], registry=registry)
        self.streams = Gauge("stenowire_sessions", "Sessions open now.", registry=registry)
        self.opened = Counter("stenowire_sessions_opened", "Sessions opened.", registry=registry)
        self.ended = Counter("stenowire_sessions_ended", "Sessions ended, by outcome.", ["outcome"], registry=registry)
        self.audio_s = Counter("stenowire_audio_seconds", "Seconds of audio in ended sessions.", registry=registry)
        self.partials = Counter("stenowire_partials", "Interims written.", registry=registry)
        self.held = Counter("stenowire_partials_held", "Interims replaced for a slow reader.", registry=registry)
        self.finals = Counter("stenowire_finals", "Finals written.", registry=registry)
        self.finalization_s = Histogram(
            "stenowire_finalization_seconds",
            "From the decision that an utterance has ended to its final.",
            buckets=ANSWER_BUCKETS_S,
            registry=registry,
        )
        self.step_s = Histogram(
            "stenowire_step_seconds",
            "Work in a thread, by kind.",
            ["kind"],
            buckets=ANSWER_BUCKETS_S,
            registry=registry,
        )
        self.lag_s = Histogram(
            "stenowire_loop_lag_seconds", "Delay of the event loop.", buckets=LAG_BUCKETS_S, registry=registry
        )

    def watch(self, pool: Pool) -> None:
        """Report this pool's load at each scrape."""
        self.registry.register(PoolCollector(pool))

    def watch_backends(self, store: Callable[[], bool], quotas: Callable[[], bool]) -> None:
        """Report at each scrape whether they answered when they were last asked."""
        for name, is_well in (("store", store), ("quotas", quotas)):
            gauge = Gauge(f"stenowire_{name}_up", f"Whether the {name} can be reached.", registry=self.registry)
            gauge.set_function(is_well)

    async def probe(self) -> None:
        """Measure how late the event loop wakes up, until cancelled."""
        while True:
            due = time.monotonic() + LAG_PROBE_S
            await asyncio.sleep(LAG_PROBE_S)
            self.lag_s.observe(max(0.0, time.monotonic() - due))


class PoolCollector(Collector):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        load = self._pool.load
        yield GaugeMetricFamily("stenowire_engine_streams", "Utterances open in the engine.", load.streams)
        yield GaugeMetricFamily("stenowire_queue_depth", "Steps that wait for a worker.", load.waiting)
        yield GaugeMetricFamily("stenowire_interim_spacing_seconds", "Least time between two interims.", load.tick_s)
        yield CounterMetricFamily("stenowire_partials_coalesced", "Interims replaced while waiting.", load.coalesced)
