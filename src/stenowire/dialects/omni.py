"""Qwen-Omni's names on the session protocol: a recogniser answers, not a language model.

What is said to such a model comes back as its answer, word for word: every turn gets the complete chain of response
events, with the transcript as the text. `instructions` are used as context for recognition and are not obeyed; there
is no voice, no memory, no tool. Answers are text, whatever `modalities` ask for beside it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UnsetType
from msgspec.structs import replace

from stenowire.dialects import qwen_events as wire
from stenowire.dialects.base import Output
from stenowire.dialects.omni_responses import Responses
from stenowire.dialects.qwen import QwenDialect
from stenowire.dialects.qwen_echo import SessionEcho, TranscriptionEcho
from stenowire.dialects.qwen_events import ServerEvent
from stenowire.dialects.qwen_session import Config, Turn, check_length, invalid
from stenowire.dialects.realtime_wire import SessionFields
from stenowire.errors import InvalidParameter

MODALITIES = {"text", "audio"}


class OmniDialect(QwenDialect):
    """Opened as its base is."""

    defaults = Config(format_name="pcm16", turn=Turn(threshold=0.5))

    def __init__(self, now: float, **settings: Any) -> None:
        super().__init__(now, **settings)
        self._responses = Responses(self._conversation, self._token)

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

    def _create_response(self, event_id: str | None) -> list[Output]:
        try:
            return super()._tell(self._responses.create(self._config))
        except InvalidParameter as error:
            return self._blame(error, event_id, "response_without_input")

    def _cancel_response(self, event_id: str | None) -> list[Output]:
        try:
            return super()._tell(self._responses.cancel())
        except InvalidParameter as error:
            return self._blame(error, event_id, "response_cancel_not_active")

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
