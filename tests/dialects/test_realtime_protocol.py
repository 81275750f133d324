"""Whatever a client writes and whatever a session may legally say, the session protocol keeps its rules."""

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from dialects.frames import garbage, sentences, spoiled_frames
from dialects.realtime_frames import appends, asks, clears, client_events, commits, finishes
from dialects.realtime_reader import Reader
from stenowire import errors
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.omni import OmniDialect
from stenowire.dialects.qwen import QwenDialect
from stenowire.dialects.qwen_items import SILENCE
from stenowire.events import (
    Alive,
    Audio,
    Clear,
    Cleared,
    Commit,
    Committed,
    Failed,
    Final,
    Finish,
    Finished,
    Hangup,
    Open,
    Opened,
    Partial,
    Reconfigure,
    Reconfigured,
    Refused,
    SpeechStarted,
    SpeechStopped,
    Update,
)

pytestmark = pytest.mark.unit

S = "sess_T"
FAILURES = st.sampled_from(
    [errors.InternalError("it broke"), errors.BadAudio("no wav"), errors.ServiceUnavailable("restarting")]
)


class Connection(RuleBasedStateMachine):
    """A client, the dialect, and a session that says what sessions say: items by number, each answered once."""

    kind: type[QwenDialect] = QwenDialect

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dialect = self.kind(0.0, model="m", session_id=S, max_session_s=300.0)
        self.reader = Reader()
        self.alive = False
        self.finishing = False
        self.manual = False
        self.has_audio = False
        self.items = 0
        self.open = False
        """Something was heard that belongs to no committed item."""
        self.waiting: list[int] = []
        """Items that are committed and not answered."""
        self.watch(self.dialect.begin(0.0))
        assert self.alive and self.reader.seen == ["session.created"]
        self.say(Opened(S))

    # ---- what a client can do -----------------------------------------------------------------------------------

    def write(self, frame: str | bytes) -> None:
        self.watch(self.dialect.receive(frame, self.now))

    @rule(event=client_events)
    def write_an_event(self, event: dict[str, Any]) -> None:
        self.write(json.dumps(event))

    @rule(event=asks | appends | clears | commits)
    def write_an_event_of_few_fields(self, event: dict[str, Any]) -> None:
        self.write(json.dumps(event))

    @rule(frame=spoiled_frames(client_events) | garbage | st.binary(max_size=5))
    def write_nonsense(self, frame: str | bytes) -> None:
        """It may turn out to be sense; at any rate it is survived."""
        self.write(frame)

    @precondition(lambda self: len(self.reader.seen) > 12)
    @rule(event=finishes)
    def finish(self, event: dict[str, Any]) -> None:
        if not self.reader.closed:
            self.reader.finishing = True
        self.write(json.dumps(event))

    @rule(passed_s=st.floats(0, 40))
    def let_time_pass(self, passed_s: float) -> None:
        self.now += passed_s
        due = self.dialect.next_tick
        outputs = self.dialect.tick(self.now)
        assert bool(outputs) == (due is not None and due <= self.now)
        self.watch(outputs)

    # ---- what a session can say ---------------------------------------------------------------------------------

    @precondition(lambda self: self.has_audio and self.alive and not (self.open or self.manual or self.finishing))
    @rule()
    def begin_to_speak(self) -> None:
        self.items += 1
        self.open = True
        self.say(SpeechStarted(S, self.items, 320 * self.items))

    @precondition(lambda self: self.alive and self.open and not self.manual)
    @rule()
    def stop_speaking(self) -> None:
        self.open = False
        self.waiting.append(self.items)
        self.say(SpeechStopped(S, self.items, 400 * self.items))

    @precondition(lambda self: self.has_audio and self.alive and self.manual and not (self.open or self.finishing))
    @rule()
    def hear_something(self) -> None:
        self.items += 1
        self.open = True

    @precondition(lambda self: self.alive and (self.waiting or self.open))
    @rule(sentence=sentences(final=False, min_words=1))
    def show_words(self, sentence: Any) -> None:
        self.say(Partial(S, sentence, self.waiting[0] if self.waiting else self.items))

    @precondition(lambda self: self.alive and self.waiting)
    @rule(sentence=sentences(final=True))
    def answer(self, sentence: Any) -> None:
        self.say(Final(S, sentence, 1.0, self.waiting.pop(0)))

    @precondition(lambda self: self.alive and len(self.reader.seen) > 12)
    @rule(error=FAILURES)
    def fail(self, error: errors.StenowireError) -> None:
        self.alive = False
        self.say(Failed(S, error))
        assert self.reader.closed or self.reader.finished

    @precondition(lambda self: self.alive)
    @rule()
    def give_a_sign_of_life(self) -> None:
        before = len(self.reader.seen)
        self.say(Alive(S))
        assert len(self.reader.seen) == before

    @rule(update=st.sampled_from([Opened("other"), Finished("other", 1.0), SpeechStarted("other", 1, 1)]))
    def speak_of_another_session(self, update: Update) -> None:
        assert self.dialect.send(update, self.now) == []

    @precondition(lambda self: self.finishing and self.alive)
    @rule(sentence=sentences(final=True))
    def flush(self, sentence: Any) -> None:
        """All that is open is answered, then the session is over."""
        if self.open and not self.manual:
            self.say(SpeechStopped(S, self.items, 400 * self.items))
        self.waiting += [self.items] if self.open else []
        self.open = False
        while self.waiting:
            self.say(Final(S, sentence, 1.0, self.waiting.pop(0)))
        self.alive = False
        self.say(Finished(S, 1.0))

    def teardown(self) -> None:
        """Every connection can be brought to its end, and by then everything is answered."""
        if self.alive and not self.finishing:
            self.reader.finishing = True
            self.write('{"type":"session.finish"}')
        if self.alive:
            self.flush(SILENCE)
        self.now += 1000.0
        self.watch(self.dialect.tick(self.now))
        assert self.reader.closed and self.dialect.next_tick is None
        assert self.reader.hides or not self.reader.unanswered

    # ---- watching -----------------------------------------------------------------------------------------------

    def say(self, update: Update) -> None:
        self.watch(self.dialect.send(update, self.now))

    def watch(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Text | Close):
                self.reader.take([output])
            else:
                self.obey(output)

    def obey(self, command: Any) -> None:
        assert self.alive or isinstance(command, Open), f"{command} for a session that is over"
        match command:
            case Open(answer_empty=True):
                assert not self.alive
                self.alive = True
            case Audio(data=data):
                assert data and not self.finishing
                self.has_audio = True
            case Reconfigure():
                self.reconfigure(command)
            case Commit():
                self.commit()
            case Clear():
                self.items -= self.open
                self.open = False
                self.say(Cleared(S))
            case Finish():
                assert self.has_audio and not self.finishing
                self.finishing = True
            case Hangup():
                self.alive = False
            case _:
                raise AssertionError(f"no such command in this protocol: {command}")

    def reconfigure(self, command: Reconfigure) -> None:
        if command.hint is not None and command.hint.language == "zh":
            self.say(Refused(S, errors.UnsupportedLanguage("en only")))
            return
        if command.segmentation is not None:
            self.manual = command.segmentation.mode == "manual"
        self.say(Reconfigured(S))

    def commit(self) -> None:
        assert self.manual, "commits are for manual mode"
        if not self.has_audio:
            self.say(Refused(S, errors.EmptyBuffer("nothing to commit")))
            return
        self.items += not self.open
        self.open = False
        self.waiting.append(self.items)
        self.say(Committed(S, self.items))


class OmniConnection(Connection):
    kind = OmniDialect


Connection.TestCase.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
OmniConnection.TestCase.settings = Connection.TestCase.settings
TestQwenHolds = Connection.TestCase
TestOmniHolds = OmniConnection.TestCase
