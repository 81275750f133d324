"""Whatever a client writes and whatever a session may legally say, OpenAI's realtime transcription keeps its rules."""

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from msgspec.structs import replace

from dialects.frames import garbage, sentences, spoiled_frames
from dialects.openai_frames import MODELS, clears, client_events, commits
from dialects.openai_reader import Reader
from stenowire import errors
from stenowire.dialects.base import Close, Output, Text
from stenowire.dialects.openai import OpenAIDialect
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
from stenowire.types import Sentence

pytestmark = pytest.mark.unit

FAILURES = st.sampled_from(
    [errors.InternalError("it broke"), errors.BadAudio("no wav"), errors.ServiceUnavailable("restarting")]
)


class Connection(RuleBasedStateMachine):
    """A client, the dialect, and a session that says what sessions say: items by number, each answered once."""

    beta = False

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dialect = OpenAIDialect(
            0.0, model="m", unix_s=1000, beta=self.beta, token="T", max_session_s=300.0, finish_s=20.0, idle_s=100.0
        )
        self.reader = Reader()
        self.session: str | None = None
        """The one that is open."""
        self.gone: list[str] = []
        self.forget()
        self.watch(self.dialect.begin(0.0))
        assert len(self.reader.seen) == 1

    def forget(self) -> None:
        self.finishing = self.has_audio = self.open = False
        self.manual = False
        self.items = 0
        self.waiting: list[int] = []

    # ---- what a client can do -----------------------------------------------------------------------------------

    def write(self, frame: str | bytes) -> None:
        self.watch(self.dialect.receive(frame, self.now))

    @rule(event=client_events)
    def write_an_event(self, event: dict[str, Any]) -> None:
        before = len(self.reader.seen)
        self.write(json.dumps(event))
        if event["type"].endswith(".update") and not self.reader.closed and not self.finishing:
            assert len(self.reader.seen) == before + 1, "an update is answered once"

    @rule(event=clears | commits)
    def write_an_event_without_fields(self, event: dict[str, Any]) -> None:
        self.write(json.dumps(event))

    @rule(frame=spoiled_frames(client_events) | garbage | st.binary(max_size=5))
    def write_nonsense(self, frame: str | bytes) -> None:
        """It may turn out to be sense; at any rate it is survived."""
        self.write(frame)

    @rule(passed_s=st.floats(0, 30))
    def let_time_pass(self, passed_s: float) -> None:
        self.now += passed_s
        due = self.dialect.next_tick
        outputs = self.dialect.tick(self.now)
        assert bool(outputs) == (due is not None and due <= self.now)
        self.watch(outputs)

    # ---- what a session can say ---------------------------------------------------------------------------------

    @precondition(
        lambda self: self.session and self.has_audio and not self.open and not self.manual and not self.finishing
    )
    @rule()
    def begin_to_speak(self) -> None:
        self.items += 1
        self.open = True
        self.say(SpeechStarted(self.name, self.items, 320 * self.items))

    @precondition(lambda self: self.session and self.open and not self.manual)
    @rule()
    def stop_speaking(self) -> None:
        self.open = False
        self.waiting.append(self.items)
        self.say(SpeechStopped(self.name, self.items, 400 * self.items))

    @precondition(lambda self: self.session and self.has_audio and self.manual and not self.open and not self.finishing)
    @rule()
    def hear_something(self) -> None:
        self.items += 1
        self.open = True

    @precondition(lambda self: self.session and (self.waiting or self.open))
    @rule(sentence=sentences(final=False, min_words=1))
    def show_words(self, sentence: Sentence) -> None:
        self.say(Partial(self.name, sentence, self.waiting[0] if self.waiting else self.items))

    @precondition(lambda self: self.session and (self.waiting or self.open))
    @rule(sentence=sentences(final=True, min_words=1))
    def show_words_and_then_answer(self, sentence: Sentence) -> None:
        """As an engine does that keeps to what it said."""
        item = self.waiting[0] if self.waiting else self.items
        for stable in range(len(sentence.words) + 1):
            self.say(Partial(self.name, replace(sentence, stable=stable, end_ms=None, final=False), item))
        if self.waiting:
            self.say(Final(self.name, sentence, 1.0, self.waiting.pop(0)))

    @precondition(lambda self: self.session and self.waiting)
    @rule(sentence=sentences(final=True))
    def answer(self, sentence: Sentence) -> None:
        self.say(Final(self.name, sentence, 1.0, self.waiting.pop(0)))

    @precondition(lambda self: self.session and len(self.reader.seen) > 12)
    @rule(error=FAILURES)
    def fail(self, error: errors.StenowireError) -> None:
        name = self.name
        self.session = None
        self.say(Failed(name, error))
        assert self.reader.closed

    @precondition(lambda self: self.session)
    @rule()
    def give_a_sign_of_life(self) -> None:
        before = len(self.reader.seen)
        self.say(Alive(self.name))
        assert len(self.reader.seen) == before

    @rule(data=st.data())
    def speak_of_another_session(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(["other", *self.gone]))
        for update in (Opened(name), Finished(name, 1.0), SpeechStarted(name, 1, 1), Failed(name, errors.NoAudio(""))):
            assert self.dialect.send(update, self.now) == []

    @precondition(lambda self: self.finishing and self.session)
    @rule(sentence=sentences(final=True))
    def flush(self, sentence: Sentence) -> None:
        """All that is open is answered, then the session is over."""
        if self.open and not self.manual:
            self.say(SpeechStopped(self.name, self.items, 400 * self.items))
        self.waiting += [self.items] if self.open else []
        while self.waiting:
            self.say(Final(self.name, sentence, 1.0, self.waiting.pop(0)))
        name = self.name
        self.session = None
        self.say(Finished(name, 1.0))
        assert self.reader.closed and self.reader.answered == self.reader.committed

    def teardown(self) -> None:
        """Every connection comes to its end by itself."""
        for _ in range(4):
            self.now += 400.0
            self.watch(self.dialect.tick(self.now))
        assert self.reader.closed and self.dialect.next_tick is None
        assert "conversation.item.done" not in self.reader.seen or len(self.reader.done) <= len(self.reader.announced)
        assert self.reader.announced == self.reader.committed

    # ---- watching -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        assert self.session is not None
        return self.session

    def say(self, update: Update) -> None:
        self.watch(self.dialect.send(update, self.now))

    def watch(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Text | Close):
                self.reader.take([output])
            else:
                self.obey(output)

    def obey(self, command: Any) -> None:
        if isinstance(command, Open):
            return self.begin(command)
        if command.session in self.gone:
            return None
        assert command.session == self.session, f"{command} for a session that is not open"
        match command:
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
                self.say(Cleared(self.name))
            case Finish():
                assert self.has_audio and not self.finishing
                self.finishing = True
            case Hangup():
                self.gone.append(self.name)
                self.session = None
            case _:
                raise AssertionError(f"no such command in this protocol: {command}")
        return None

    def begin(self, command: Open) -> None:
        assert self.session is None and command.session not in self.gone, "one session at a time, each its own"
        assert command.answer_empty and command.model in MODELS
        self.forget()
        if command.model == "no-such-model" or command.hint.language == "zh":
            self.gone.append(command.session)
            kind = errors.ModelNotFound if command.model == "no-such-model" else errors.UnsupportedLanguage
            self.say(Failed(command.session, kind("there is none")))
            return
        self.session = command.session
        self.manual = command.segmentation.mode == "manual"
        self.say(Opened(self.name))

    def reconfigure(self, command: Reconfigure) -> None:
        assert command.hint is not None and command.segmentation is not None
        assert 200 <= command.segmentation.silence_ms <= 6000 and -1 <= command.segmentation.threshold <= 1
        if command.hint.language == "zh":
            self.say(Refused(self.name, errors.UnsupportedLanguage("en only")))
            return
        self.manual = command.segmentation.mode == "manual"
        self.say(Reconfigured(self.name))

    def commit(self) -> None:
        if not self.has_audio:
            self.say(Refused(self.name, errors.EmptyBuffer("nothing to commit")))
        elif self.manual:
            self.items += not self.open
            self.open = False
            self.waiting.append(self.items)
            self.say(Committed(self.name, self.items))
        elif self.open:
            self.stop_speaking()


class BetaConnection(Connection):
    beta = True


Connection.TestCase.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
BetaConnection.TestCase.settings = Connection.TestCase.settings
TestOpenAIHolds = Connection.TestCase
TestOpenAIBetaHolds = BetaConnection.TestCase
