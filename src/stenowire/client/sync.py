"""Speech to text from a server, for programs without asyncio: a thread of its own does the waiting.

In: bytes of audio from any thread. Out: sentences, by callbacks or by iterating. The connection lives in that thread's
own event loop, so that pings are answered and results are read whatever the program's threads are busy with.

    with Recogniser("ws://127.0.0.1:8090", key="sk-...", on_final=lambda sentence: print(sentence.text)) as recogniser:
        recogniser.send(audio)
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from stenowire.client.aio import DEFAULT_URL, Recognition, connect
from stenowire.events import Final, Partial
from stenowire.types import Sentence

T = TypeVar("T")
On = Callable[[Sentence], None]


def _ignore(sentence: Sentence) -> None:
    pass


class Recogniser:
    """Takes what `connect` takes, and callbacks, which run in a thread of their own, one at a time and in order.

    Without callbacks the results are there for `for update in recogniser`. Leaving the block sends the last of the
    audio and waits for the last words; leaving it by an exception does not.
    """

    def __init__(
        self,
        url: str | Sequence[str] = DEFAULT_URL,
        *,
        on_partial: On | None = None,
        on_final: On | None = None,
        **wishes: Any,
    ) -> None:
        self._given = (url, wishes)
        self._calls: tuple[On, On] | None = None
        if on_partial or on_final:
            self._calls = (on_partial or _ignore, on_final or _ignore)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="stenowire")
        self._results: queue.SimpleQueue[Partial | Final | BaseException | None] = queue.SimpleQueue()
        self._caller: threading.Thread | None = None
        self._fault: BaseException | None = None
        self._finished = False
        self._task: Recognition | None = None
        self._running: Future[None] | None = None
        self._ended = threading.Event()

    # ---- life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        opened: Future[Recognition] = Future()
        self._running = asyncio.run_coroutine_threadsafe(self._live(opened), self._loop)
        try:
            self._task = opened.result()
        except BaseException:
            self._stop()
            raise
        if self._calls is not None:
            self._caller = threading.Thread(target=self._call, args=self._calls, daemon=True, name="stenowire-results")
            self._caller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
                self._wait()
        finally:
            self._stop()

    # ---- for the program ------------------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Hand over audio; waits while there is no room for more. Raises how the recognition failed, once it has."""
        self._do(self.recognition.send(data))

    def finish(self) -> None:
        """No more audio comes. Results may still come; the second call does nothing."""
        if not self._finished:
            self._finished = True
            self._do(self.recognition.finish())

    def __iter__(self) -> Iterator[Partial | Final]:
        while (result := self._results.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result

    @property
    def recognition(self) -> Recognition:
        """Delays, request id and counts; only to be read."""
        if self._task is None:
            raise RuntimeError("use it in a with statement")
        return self._task

    # ---- threads --------------------------------------------------------------------------------------------------

    async def _live(self, opened: "Future[Recognition]") -> None:
        """In the loop's thread: the whole recognition."""
        url, wishes = self._given
        try:
            async with connect(url, **wishes) as task:
                opened.set_result(task)
                async for update in task:
                    self._results.put(update)
            self._results.put(None)
        except BaseException as error:
            if not opened.done():
                opened.set_exception(error)
            self._results.put(error)
        finally:
            self._ended.set()

    def _call(self, on_partial: On, on_final: On) -> None:
        try:
            for update in self:
                (on_final if isinstance(update, Final) else on_partial)(update.sentence)
        except BaseException as error:  # of the recognition or of a callback: raised where the program waits
            self._fault = error

    def _wait(self) -> None:
        if self._caller is not None:
            self._caller.join()
            if self._fault is not None:
                raise self._fault
        elif self._running is not None:
            self._running.result()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._ended.wait()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
