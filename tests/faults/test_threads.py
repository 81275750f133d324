"""The client for threads: callbacks, iteration, errors, drops, and pings that no busy program delays."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.chaos_proxy import Chaos, chaos
from live_server import KEY, Live, frames, live, pcm
from stenowire import Recogniser
from stenowire.client.aio import Dropped, LinkEvent
from stenowire.client.errors import CannotConnect, KeyRefused
from stenowire.events import Final
from stenowire.types import Sentence

pytestmark = pytest.mark.faults

SPEECH = pcm("w1 w2 w3", 1500, "w4 w5", 1500)
SAID = ["w1 w2 w3", "w4 w5"]


@contextmanager
def elsewhere(data: Path) -> Iterator[tuple[Live, Chaos, asyncio.AbstractEventLoop]]:
    """A server and a proxy in another thread."""
    loop, up, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[tuple[Live, Chaos]] = []

    async def run() -> None:
        async with live(data) as server, chaos(server.address) as proxy:
            found.append((server, proxy))
            up.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert up.wait(20)
    try:
        yield (*found[0], loop)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


def test_sentences_come_by_callback_in_order(tmp_path: Path) -> None:
    finals: list[Sentence] = []
    with elsewhere(tmp_path) as (server, _, _):
        with Recogniser(server.server.url, key=KEY, on_final=finals.append) as recogniser:
            for frame in frames(SPEECH):
                recogniser.send(frame)
        assert [sentence.text for sentence in finals] == SAID
        assert recogniser.recognition.request_id
        assert recogniser.recognition.first_package_delay_ms is not None


def test_sentences_can_be_iterated_over(tmp_path: Path) -> None:
    with elsewhere(tmp_path) as (server, _, _), Recogniser(server.server.url, key=KEY) as recogniser:
        recogniser.send(SPEECH)
        recogniser.finish()
        assert [update.sentence.text for update in recogniser if isinstance(update, Final)] == SAID


def test_a_callback_that_dawdles_delays_no_ping(tmp_path: Path) -> None:
    """The connection outlives a callback that holds its thread for many times the patience of both ends."""
    events: list[LinkEvent] = []
    finals: list[str] = []

    def dawdle(sentence: Sentence) -> None:
        time.sleep(1.5)
        finals.append(sentence.text)

    options = {"ping_interval_s": 0.1, "ping_timeout_s": 0.3, "on_link": events.append}
    with elsewhere(tmp_path) as (server, _, _):
        with Recogniser(server.server.url, key=KEY, on_final=dawdle, **options) as recogniser:
            recogniser.send(SPEECH)
        assert finals == SAID
    assert not events


def test_a_drop_costs_a_thread_nothing_either(tmp_path: Path) -> None:
    events: list[LinkEvent] = []
    finals: list[str] = []
    with elsewhere(tmp_path) as (_, proxy, loop):
        with Recogniser(
            proxy.url, key=KEY, on_final=lambda s: finals.append(s.text), on_link=events.append
        ) as recogniser:
            for index, frame in enumerate(frames(SPEECH)):
                recogniser.send(frame)
                if index == 20:
                    time.sleep(0.2)
                    loop.call_soon_threadsafe(proxy.cut)
        assert finals == SAID
    assert any(isinstance(event, Dropped) for event in events)


def test_errors_are_raised_where_the_program_waits(tmp_path: Path, unused_tcp_port: int) -> None:
    with pytest.raises(CannotConnect), Recogniser(f"ws://127.0.0.1:{unused_tcp_port}", key=KEY):
        pass
    with elsewhere(tmp_path) as (server, _, _):
        with pytest.raises(KeyRefused), Recogniser(server.server.url, key="sk-wrong"):
            pass

        def break_down(sentence: Sentence) -> None:
            raise RuntimeError("on purpose")

        with (
            pytest.raises(RuntimeError, match="on purpose"),
            Recogniser(server.server.url, key=KEY, on_final=break_down) as recogniser,
        ):
            recogniser.send(SPEECH)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stenowire")]
