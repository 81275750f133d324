"""Ctrl-C: the first asks a command to come to its end, the second ends it at once.

In: signals. Out: a call, then a cancelled task. Whatever hangs after that, the process leaves with 130.
"""

import asyncio
import os
import signal
from collections.abc import Callable

from stenowire.cli.exits import Status

LEAVING_S = 2.0
"""What is still busy then, such as a thread in a model, is left behind."""


class Interrupts:
    """Of the current task. `end` is called at the first Ctrl-C, and has `patience_s` to bring the task to its end."""

    def __init__(self, end: Callable[[], None], patience_s: float) -> None:
        self.came = False
        self._end = end
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    def _interrupt(self) -> None:
        if self.came:
            return self.leave()
        self.came = True
        self._loop.call_later(self._patience_s, self._task.cancel)
        self._end()

    def leave(self) -> None:
        """At once."""
        self._task.cancel()
        self._loop.call_later(LEAVING_S, os._exit, int(Status.INTERRUPTED))
