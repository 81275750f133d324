"""Whatever a client writes and whatever a session may legally say, the connection keeps the rules of the protocol."""

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from dialects.frames import failures, garbage, good_frames, ids, running_updates, seconds, spoiled_frames
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.task import TaskDialect
from stenowire.events import Audio, Failed, Finish, Finished, Hangup, Open, Opened, Reconfigure, Update

pytestmark = pytest.mark.unit

EVENTS = {"task-started", "result-generated", "task-finished", "task-failed"}
MAX_TASKS = 3


class Connection(RuleBasedStateMachine):
    """A client and the sessions on both sides of one dialect, watched by a model of what either side may believe."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dialect = TaskDialect(0.0, max_tasks=MAX_TASKS)
        self.sessions: dict[str, str] = {}
        """Session -> "new", "open": those that live."""
        self.flushing: set[str] = set()
        self.started: set[str] = set()
        """Tasks of which the client has seen task-started and no end."""
        self.failures = 0
        self.closed = False

    # ---- what can happen ----------------------------------------------------------------------------------------

    @rule(frame=good_frames)
    def write_a_frame(self, frame: dict[str, Any]) -> None:
        header = frame["header"]
        before = set(self.sessions)
        outputs = self.watch(self.dialect.receive(json.dumps(frame), self.now))
        if header["action"] == "run-task" and not self.closed:
            assert outputs, "run-task is never passed over"
        if header["action"] == "finish-task" and header["task_id"] in before:
            assert header["task_id"] in self.flushing, "finish-task reaches its session"

    @rule(frame=spoiled_frames() | garbage)
    def write_nonsense(self, frame: str) -> None:
        self.watch(self.dialect.receive(frame, self.now))

    @rule(data=st.binary(max_size=5))
    def write_audio(self, data: bytes) -> None:
        uplink = next((session for session in self.sessions if session not in self.flushing), None)
        expected = [Audio(uplink, data)] if uplink and data else []
        assert self.watch(self.dialect.receive(data, self.now)) == expected

    @precondition(lambda self: "new" in self.sessions.values())
    @rule(data=st.data())
    def open_a_session(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([name for name, state in self.sessions.items() if state == "new"]))
        self.sessions[session] = "open"
        self.say(Opened(session))
        assert session in self.started

    @precondition(lambda self: "open" in self.sessions.values())
    @rule(data=st.data())
    def say_something(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from([name for name, state in self.sessions.items() if state == "open"]))
        self.say(data.draw(running_updates(session)))

    @precondition(lambda self: self.flushing & {name for name, state in self.sessions.items() if state == "open"})
    @rule(data=st.data(), audio_s=seconds)
    def finish_a_session(self, data: st.DataObject, audio_s: float) -> None:
        session = data.draw(st.sampled_from(sorted(name for name in self.flushing if self.sessions[name] == "open")))
        self.end(Finished(session, audio_s), "task-finished")

    @precondition(lambda self: self.sessions)
    @rule(data=st.data(), error=failures)
    def fail_a_session(self, data: st.DataObject, error: Any) -> None:
        session = data.draw(st.sampled_from(sorted(self.sessions)))
        self.end(Failed(session, error), "task-failed")

    @rule(session=ids, data=st.data())
    def say_something_too_late(self, session: str, data: st.DataObject) -> None:
        if session not in self.sessions:
            update = data.draw(running_updates(session) | st.just(Finished(session, 1.0)) | st.just(Opened(session)))
            assert self.dialect.send(update, self.now) == []

    @rule(passed_s=st.floats(0, 70))
    def let_time_pass(self, passed_s: float) -> None:
        self.now += passed_s
        due = self.dialect.next_tick
        outputs = self.watch(self.dialect.tick(self.now))
        assert bool(outputs) == (due is not None and due <= self.now)
        assert due is None or not self.sessions, "no timer runs while a task does"

    def teardown(self) -> None:
        """Every task that lives ends when its session does; a connection that saw a failure is then closed."""
        for session, state in list(self.sessions.items()):
            if session not in self.sessions:
                continue
            if state == "new":
                self.say(Opened(session))
            self.end(Finished(session, 1.0), "task-finished")
        assert not self.started
        assert self.closed or not self.failures

    # ---- what must hold -----------------------------------------------------------------------------------------

    def say(self, update: Update) -> list[Output]:
        return self.watch(self.dialect.send(update, self.now))

    def end(self, update: Finished | Failed, event: str) -> None:
        del self.sessions[update.session]
        self.flushing.discard(update.session)
        written = [json.loads(output.data)["header"] for output in self.say(update) if isinstance(output, Text)]
        assert {"task_id": update.session, "event": event}.items() <= written[0].items()

    def watch(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            assert not self.closed, f"after the close: {output}"
            match output:
                case Text(data=data):
                    self.read(json.loads(data))
                case Close():
                    assert not self.sessions and not self.started
                    self.closed = True
                case Open(session=session):
                    assert session not in self.sessions and session not in self.started
                    assert len(self.sessions) < MAX_TASKS
                    self.sessions[session] = "new"
                case Hangup(session=session):
                    del self.sessions[session]
                    self.flushing.discard(session)
                case Finish(session=session):
                    assert session in self.sessions and session not in self.flushing
                    self.flushing.add(session)
                case Audio(session=session) | Reconfigure(session=session):
                    assert session in self.sessions and session not in self.flushing
                case _:
                    raise AssertionError(f"no such command in this protocol: {output}")
        assert self.closed or self.started <= set(self.sessions), "a task without a session has been told its end"
        assert not (self.failures and not self.sessions) or self.closed
        return outputs

    def read(self, frame: dict[str, Any]) -> None:
        """One frame as the client sees it."""
        header, payload = frame["header"], frame["payload"]
        task_id, event = header["task_id"], header["event"]
        assert event in EVENTS and isinstance(task_id, str) and isinstance(payload, dict)
        match event:
            case "task-started":
                assert task_id not in self.started and task_id in self.sessions and payload == {}
                self.started.add(task_id)
            case "result-generated":
                assert task_id in self.started
                self.read_result(payload)
            case "task-finished":
                assert payload["output"] == {} and isinstance(payload["usage"]["duration"], int)
                self.started.remove(task_id)
            case "task-failed":
                assert isinstance(header["error_code"], str) and isinstance(header["error_message"], str)
                self.started.discard(task_id)
                self.failures += 1

    def read_result(self, payload: dict[str, Any]) -> None:
        sentence = payload["output"]["sentence"]
        assert "end_time" in sentence
        assert sentence["sentence_end"] == (sentence["end_time"] is not None) == (payload["usage"] is not None)
        joined = "".join(word["text"] + word["punctuation"] for word in sentence["words"])
        assert joined == sentence["text"]


Connection.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestTheProtocolHolds = Connection.TestCase
