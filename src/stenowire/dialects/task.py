"""The task protocol, server half: run-task, continue-task, finish-task and audio in; results out.

One connection carries any number of tasks, one after another or at once. Each text frame names its task; audio names
none and belongs to the oldest task that has not been finished by its client (the uplink).

How a task fails: `task-failed` is the last frame of its task. The connection then takes no new task, and is closed
(1000) as soon as the tasks that still run on it have ended in their own way, so that nobody's finals are lost. If the
failed task held the uplink, audio on its way to it could be taken for the next one's: tasks that wait for the uplink
fail with it (none of them has any audio yet), and audio is ignored from then on. A frame for an id that never had a
task fails that id alone. A finish or continue that comes late, for a task that is over, is no fault and does nothing.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import msgspec

from stenowire.dialects import task_events
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.families import Family, family
from stenowire.dialects.task_open import read_context, read_open
from stenowire.dialects.task_resume import Begun, begun
from stenowire.dialects.task_wire import ContinueTask, FinishTask, Malformed, Message, RunTask, decode
from stenowire.errors import InvalidParameter, ServiceUnavailable, StenowireError, Throttled
from stenowire.events import (
    Alive,
    Answered,
    Audio,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Opened,
    Partial,
    Reconfigure,
    Update,
)
from stenowire.types import Hint, Limits, ResumePoint, Sentence

TASK_LIMITS = Limits(first_audio_s=23.0, stall_s=60.0, silence_s=60.0)
"""The protocol's timers; `heartbeat` switches the silence one off."""

REMEMBERED = 64
"""Ids of tasks that are over, kept so that a late frame for one is not taken for a fault."""

Place = Literal["unknown", "feeding", "flushing", "over"]


class Task(msgspec.Struct):
    hint: Hint
    family: Family
    started: bool = False
    """task-started has been written."""
    flushing: bool = False
    """The client has finished it; it takes no more audio."""
    sentence: int = 0
    """Id of the sentence in the last result."""
    begun: Begun | None = None
    """What task-started says to a client that asked to resume."""


class TaskDialect:
    """Opened at `now`. `limits` are the timers of each task, `idle_s` how long a connection lives without any task."""

    def __init__(
        self,
        now: float,
        *,
        limits: Limits = TASK_LIMITS,
        max_tasks: int = 16,
        max_text_chars: int = 1 << 20,
        idle_s: float = 60.0,
    ) -> None:
        self._limits = limits
        self._max_tasks = max_tasks
        self._max_text_chars = max_text_chars
        self._idle_s = idle_s
        self._idle_since = now
        self._tasks: dict[str, Task] = {}
        self._over: dict[str, None] = {}
        self._failed = False
        self._closed = False

    # ---- the four calls of a dialect ----------------------------------------------------------------------------

    def begin(self, now: float) -> list[Output]:
        """The client speaks first."""
        return []

    def receive(self, frame: str | bytes, now: float) -> list[Output]:
        if self._closed:
            return []
        if isinstance(frame, bytes):
            return self._feed(frame)
        if len(frame) > self._max_text_chars:
            error = InvalidParameter(f"the message is longer than {self._max_text_chars} characters")
            return self._settle(self._fail("", error), now)
        message = decode(frame)
        return self._settle(self._TABLE[type(message), self._place(message.task_id)](self, message), now)

    def send(self, update: Update, now: float) -> list[Output]:
        task = self._tasks.get(update.session)
        if task is None or not (task.started or isinstance(update, Opened | Failed)):
            return []
        return self._settle(self._say(update, task), now)

    def tick(self, now: float) -> list[Output]:
        if self.next_tick is None or now < self.next_tick:
            return []
        self._closed = True
        return [Close(1000, "no task for too long")]

    @property
    def next_tick(self) -> float | None:
        return None if self._tasks or self._closed else self._idle_since + self._idle_s

    # ---- what a client's frame does, by where its task is -------------------------------------------------------

    def _place(self, task_id: str) -> Place:
        if task := self._tasks.get(task_id):
            return "flushing" if task.flushing else "feeding"
        return "over" if task_id in self._over else "unknown"

    def _run(self, message: RunTask) -> list[Output]:
        task_id = message.task_id
        if self._failed:
            return self._fail(task_id, ServiceUnavailable("a task failed on this connection; open another one"))
        if len(self._tasks) >= self._max_tasks:
            return self._fail(task_id, Throttled(f"this connection already runs {self._max_tasks} tasks"))
        try:
            opening = read_open(message, self._limits)
        except StenowireError as error:
            return self._fail(task_id, error)
        self._tasks[task_id] = Task(hint=opening.hint, family=family(opening.model), begun=begun(opening))
        return [opening]

    def _run_again(self, message: RunTask) -> list[Output]:
        return self._fail(message.task_id, InvalidParameter("header.task_id: this task already runs", "header.task_id"))

    def _continue(self, message: ContinueTask) -> list[Output]:
        if message.context is None:
            return []
        task = self._tasks[message.task_id]
        task.hint = msgspec.structs.replace(task.hint, context=read_context(message.context))
        return [Reconfigure(message.task_id, hint=task.hint)]

    def _finish(self, message: FinishTask) -> list[Output]:
        self._tasks[message.task_id].flushing = True
        return [Finish(message.task_id)]

    def _miss(self, message: ContinueTask | FinishTask) -> list[Output]:
        return self._fail(message.task_id, InvalidParameter("header.task_id: no such task", "header.task_id"))

    def _let_pass(self, message: Message) -> list[Output]:
        return []

    def _blame(self, message: Malformed) -> list[Output]:
        return self._fail(message.task_id, message.error)

    def _blame_late(self, message: Malformed) -> list[Output]:
        return [] if message.action in ("continue-task", "finish-task") else self._blame(message)

    _TABLE: ClassVar[dict[tuple[type, Place], Callable[..., list[Output]]]] = {
        (RunTask, "unknown"): _run,
        (RunTask, "feeding"): _run_again,
        (RunTask, "flushing"): _run_again,
        (RunTask, "over"): _run,
        (ContinueTask, "unknown"): _miss,
        (ContinueTask, "feeding"): _continue,
        (ContinueTask, "flushing"): _let_pass,
        (ContinueTask, "over"): _let_pass,
        (FinishTask, "unknown"): _miss,
        (FinishTask, "feeding"): _finish,
        (FinishTask, "flushing"): _let_pass,
        (FinishTask, "over"): _let_pass,
        (Malformed, "unknown"): _blame,
        (Malformed, "feeding"): _blame,
        (Malformed, "flushing"): _blame,
        (Malformed, "over"): _blame_late,
    }

    # ---- audio ---------------------------------------------------------------------------------------------------

    def _uplink(self) -> str | None:
        return next((task_id for task_id, task in self._tasks.items() if not task.flushing), None)

    def _feed(self, data: bytes) -> list[Output]:
        """Audio may come before task-started is written; frames without a task, and empty ones, mean nothing."""
        task_id = self._uplink()
        return [Audio(task_id, data)] if task_id is not None and data else []

    # ---- what a session says -------------------------------------------------------------------------------------

    def _say(self, update: Update, task: Task) -> list[Output]:
        task_id = update.session
        match update:
            case Opened() if not task.started:
                task.started = True
                return [Text(task_events.task_started(task_id, task.begun))]
            case Partial(sentence=sentence):
                return [self._result(task_id, task, sentence, 0.0)]
            case Final(sentence=sentence, audio_s=audio_s, resume=point) if sentence.text:
                said: list[Output] = [self._result(task_id, task, sentence, audio_s, point)]
                if not task.family.one_sentence:
                    return said
                return [*said, Hangup(task_id), *self._end(task_id, task_events.task_finished(task_id, audio_s))]
            case Answered(resume=point) | Final(resume=ResumePoint() as point):
                return [Text(task_events.resume_point(task_id, point))]
            case Alive():
                return [Text(task_events.heartbeat(task_id))]
            case Finished(audio_s=audio_s):
                return self._end(task_id, task_events.task_finished(task_id, audio_s))
            case Failed(error=error):
                return self._fail(task_id, error, hangup=False)
            case _:
                return []

    def _result(
        self, task_id: str, task: Task, sentence: Sentence, audio_s: float, resume: ResumePoint | None = None
    ) -> Text:
        first = sentence.id != task.sentence
        task.sentence = sentence.id
        shape = task.family.output
        return Text(
            task_events.result(task_id, sentence, first=first, audio_s=audio_s, shape=shape, resume=resume),
        )

    # ---- how tasks and connections end ---------------------------------------------------------------------------

    def _end(self, task_id: str, frame: str) -> list[Output]:
        self._tasks.pop(task_id, None)
        self._over.pop(task_id, None)
        if task_id:
            self._over[task_id] = None
        if len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]
        return [Text(frame)]

    def _fail(self, task_id: str, error: StenowireError, *, hangup: bool = True) -> list[Output]:
        """Write task-failed, whether the id has a task or not. Tasks that wait behind it for the uplink go with it."""
        self._failed = True
        uplink, known = self._uplink(), task_id in self._tasks
        outputs: list[Output] = [Hangup(task_id)] if known and hangup else []
        outputs += self._end(task_id, task_events.task_failed(task_id, error))
        if not known or task_id != uplink:
            return outputs
        gone = ServiceUnavailable(f"the connection closes because task {task_id} on it failed")
        for waiting in [other for other, task in self._tasks.items() if not task.flushing]:
            outputs += [Hangup(waiting), *self._end(waiting, task_events.task_failed(waiting, gone))]
        return outputs

    def _settle(self, outputs: list[Output], now: float) -> list[Output]:
        """Close a connection whose last task has failed or outlived a failed one, and wind up the idle timer."""
        if self._tasks:
            self._idle_since = now
        elif self._failed:
            self._closed = True
            return [*outputs, Close(1000, "task failed")]
        elif outputs:
            self._idle_since = now
        return outputs
