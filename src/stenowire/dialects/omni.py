"""Qwen-Omni's names on the session protocol: a recogniser answers, not a language model.

What is said to such a model comes back as its answer, word for word: every turn gets the complete chain of response
events, with the transcript as the text. `instructions` are used as context for recognition and are not obeyed; there
is no voice, no memory, no tool. Answers are text, whatever `modalities` ask for beside it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from msgspec import UnsetType
from msgspec.structs import replace

from stenowire.dialects import qwen_events as wire
from stenowire.dialects.base import Output
from stenowire.dialects.omni_responses import Responses
from stenowire.dialects.qwen import AskedCommit, QwenDialect
from stenowire.dialects.qwen_echo import SessionEcho, TranscriptionEcho
from stenowire.dialects.qwen_events import ServerEvent
from stenowire.dialects.qwen_session import Config, Turn, check_length, invalid
from stenowire.dialects.realtime_wire import SessionFields
from stenowire.errors import InvalidParameter
from stenowire.events import Update

MODALITIES = {"text", "audio"}


class OmniDialect(QwenDialect):
    """Opened as its base is."""

    defaults = Config(format_name="pcm16", turn=Turn(threshold=0.5))

    def __init__(self, now: float, **settings: Any) -> None:
        super().__init__(now, **settings)
        self._responses = Responses(self._conversation, self._token)
        self._now_due: list[Callable[[], list[Output]]] = []
        """What has waited for a commit that is answered now."""

    def _merge(self, config: Config, fields: SessionFields) -> Config:
        config = super()._merge(config, fields)
        wanted = fields.modalities
        if isinstance(wanted, list) and ("text" not in wanted or not MODALITIES.issuperset(wanted)):
            raise invalid("modalities", 'must be ["text"] or ["text", "audio"]; answers are text')
        instructions = fields.instructions
        if isinstance(instructions, UnsetType):
            return config
        check_length("instructions", instructions or "")
        return replace(config, instructions=instructions or "")

    def send(self, update: Update, now: float) -> list[Output]:
        said = super().send(update, now)
        due, self._now_due = self._now_due, []
        return said + [output for act in due for output in act()]

    def _create_response(self, event_id: str | None) -> list[Output]:
        return self._in_turn(partial(self._respond, self._create, event_id, "response_without_input"))

    def _cancel_response(self, event_id: str | None) -> list[Output]:
        return self._in_turn(partial(self._respond, self._responses.cancel, event_id, "response_cancel_not_active"))

    def _in_turn(self, act: Callable[[], list[Output]]) -> list[Output]:
        """Who commits and asks at once means what was committed, which is told later."""
        if not self._commits:
            return act()
        self._commits[-1].then.append(act)
        return []

    def _settle(self, commit: AskedCommit) -> None:
        self._now_due += commit.then

    def _create(self) -> list[ServerEvent]:
        return self._responses.create(self._config)

    def _respond(self, act: Callable[[], list[ServerEvent]], event_id: str | None, code: str) -> list[Output]:
        try:
            return super()._tell(act())
        except InvalidParameter as error:
            return self._blame(error, event_id, code) if self._state == "live" else []

    def _tell(self, events: Iterable[ServerEvent]) -> list[Output]:
        return super()._tell(self._with_responses(events))

    def _with_responses(self, events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
        for event in events:
            if self._config.transcribes or not isinstance(event, wire.TRANSCRIPTIONS):
                yield event
            yield from self._responses.follow(event, self._config)

    def _echo(self) -> SessionEcho:
        config, echo = self._config, super()._echo()
        heard, turn = echo.input_audio_transcription or TranscriptionEcho(), echo.turn_detection
        if turn and config.turn:
            turn = replace(turn, create_response=config.turn.create_response, interrupt_response=False)
        return replace(
            echo,
            instructions=config.instructions,
            input_audio_transcription=replace(heard, model=self.model) if config.transcribes else None,
            turn_detection=turn,
        )
