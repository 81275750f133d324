"""OpenAI's realtime transcription, client half: one session, from the side of the program that wants text.

Out: frames to write. In: frames of any server of this protocol, read as updates of the inner language. The protocol
has items where we have sentences: each is told once all before it are, and only if something was said. It gives no
times of words, and times of items only by its speech detector; words get their item's times. No socket, no clock.

    client = OpenAIClient("gpt-4o-transcribe", rate_hz=24_000)
    write(client.hello()); wait for Opened; write(client.audio(data)); write(client.finish()); read until client.over

There is no "finish" in this protocol: turn detection is switched off, a little silence sent and all that is left
committed. The item of that commit is the last one: it is known by having no detected end of speech.
"""

import base64
from typing import Any

import msgspec

from stenowire.errors import InternalError, InvalidApiKey, InvalidParameter, ModelNotFound, StenowireError, Throttled
from stenowire.events import Failed, Final, Finished, Opened, Partial, Update
from stenowire.types import Encoding, NoiseReduction, Sentence, Word

SESSION = "openai"
"""Name of the only session on the connection."""
LAST_COMMIT = "last-commit"
LAST_SILENCE_MS = 200
"""A server refuses to commit less than 100 ms."""
SILENCE: dict[Encoding, bytes] = {"pcm": bytes(2), "mulaw": b"\xff", "alaw": b"\xd5"}
"""One sample."""
FORMATS: dict[Encoding, str] = {"pcm": "audio/pcm", "mulaw": "audio/pcmu", "alaw": "audio/pcma"}
TRANSCRIPTION = "conversation.item.input_audio_transcription."
EMPTY = "input_audio_buffer_commit_empty"
KINDS: dict[str, type[StenowireError]] = {
    "model_not_found": ModelNotFound,
    "rate_limit_exceeded": Throttled,
    "invalid_api_key": InvalidApiKey,
    "invalid_value": InvalidParameter,
    "server_error": InternalError,
    "invalid_request_error": InvalidParameter,
}


class _Error(msgspec.Struct):
    type: str | None = ""
    code: str | None = ""
    message: str | None = ""
    event_id: str | None = None


class _Event(msgspec.Struct):
    type: str
    item_id: str = ""
    audio_start_ms: int | None = None
    audio_end_ms: int | None = None
    delta: str | None = ""
    transcript: str | None = ""
    error: _Error | None = None


class _Item(msgspec.Struct):
    begin_ms: int
    end_ms: int | None = None
    text: str = ""
    answered: bool = False


_DECODER = msgspec.json.Decoder(_Event)
_ENCODER = msgspec.json.Encoder()


class OpenAIClient:
    def __init__(
        self,
        model: str,
        *,
        encoding: Encoding = "pcm",
        rate_hz: int = 24_000,
        language: str | None = None,
        prompt: str = "",
        keywords: tuple[str, ...] = (),
        turn_detection: dict[str, Any] | None = None,
        noise_reduction: NoiseReduction | None = None,
    ) -> None:
        """`turn_detection` is what the protocol has under this name; None for the server's own."""
        self.started = False
        self.over = False
        self.request_id = ""
        """The server's name for the session."""
        self._last_silence = SILENCE[encoding] * (rate_hz * LAST_SILENCE_MS // 1000)
        self._bytes_per_s = rate_hz * (2 if encoding == "pcm" else 1)
        self._sent = 0
        self._items: dict[str, _Item] = {}
        """By id, in order, until they are told."""
        self._told = 0
        self._end_ms = 0
        self._finishing = False
        self._last_committed = False
        format: dict[str, Any] = {"type": FORMATS[encoding]}
        transcription: dict[str, Any] = {"model": model}
        transcription |= {"language": language} if language else {}
        transcription |= {"prompt": prompt} if prompt else {}
        transcription |= {"keywords": list(keywords)} if keywords else {}
        self._input: dict[str, Any] = {
            "format": format | ({"rate": rate_hz} if encoding == "pcm" else {}),
            "transcription": transcription,
        }
        if turn_detection is not None:
            self._input["turn_detection"] = turn_detection
        if noise_reduction in ("near_field", "far_field"):
            self._input["noise_reduction"] = {"type": noise_reduction}

    # ---- frames to write --------------------------------------------------------------------------------------------

    def hello(self) -> list[str]:
        return [self._update(self._input)]

    def audio(self, data: bytes) -> str:
        self._sent += len(data)
        return _append(data)

    def finish(self) -> list[str]:
        self._finishing = True
        commit = _text("input_audio_buffer.commit", event_id=LAST_COMMIT)
        return [self._update({"turn_detection": None}), _append(self._last_silence), commit]

    def _update(self, given: dict[str, Any]) -> str:
        return _text("session.update", session={"type": "transcription", "audio": {"input": given}})

    # ---- frames to read ---------------------------------------------------------------------------------------------

    def receive(self, frame: str | bytes) -> list[Update]:
        """Read one frame of the server. What cannot be read fails the session; nothing raises."""
        if self.over or isinstance(frame, bytes):
            return []
        try:
            event = _DECODER.decode(frame)
        except (ValueError, RecursionError) as fault:
            return self._fail(InternalError(f"the server sent an event that cannot be read: {fault}"))
        return self._read(event)

    def _read(self, event: _Event) -> list[Update]:
        match event.type:
            case "session.updated" | "transcription_session.updated" if not self.started:
                self.started = True
                return [Opened(SESSION)]
            case "input_audio_buffer.speech_started":
                self._items[event.item_id] = _Item(event.audio_start_ms or 0)
            case "input_audio_buffer.speech_stopped":
                self._item(event.item_id).end_ms = event.audio_end_ms
            case "input_audio_buffer.committed":
                item = self._item(event.item_id)
                self._last_committed |= self._finishing and item.end_ms is None
            case "error":
                return self._error(event.error or _Error())
            case kind if kind.startswith(TRANSCRIPTION):
                return self._said(event, kind.removeprefix(TRANSCRIPTION))
        return []

    def _said(self, event: _Event, what: str) -> list[Update]:
        item = self._item(event.item_id)
        match what:
            case "delta":
                item.text += event.delta or ""
                return self._partial() if item is self._oldest else []
            case "completed":
                item.text, item.answered = event.transcript or "", True
                return self._tell()
            case "failed":
                # Its audio is not answered: the whole session is tried again from the sentence before.
                return self._error(event.error or _Error(), fatal=True)
        return []

    def _item(self, item_id: str) -> _Item:
        return self._items.setdefault(item_id, _Item(self._end_ms))

    @property
    def _oldest(self) -> _Item | None:
        return next(iter(self._items.values()), None)

    # ---- telling ----------------------------------------------------------------------------------------------------

    def _tell(self) -> list[Update]:
        """The items that are answered, up to the first that is not."""
        updates: list[Update] = []
        for item_id, item in list(self._items.items()):
            if not item.answered:
                break
            del self._items[item_id]
            end_ms = self._sent * 1000 // self._bytes_per_s if item.end_ms is None else item.end_ms
            self._end_ms = max(self._end_ms, item.begin_ms, end_ms)
            if item.text.strip():
                self._told += 1
                sentence = self._sentence(item, self._told, self._end_ms)
                updates.append(Final(SESSION, sentence, self._end_ms / 1000))
        return updates + (self._finished() or self._partial())

    def _partial(self) -> list[Update]:
        item = self._oldest
        if item is None or not item.text.strip():
            return []
        return [Partial(SESSION, self._sentence(item, self._told + 1, None))]

    def _sentence(self, item: _Item, number: int, end_ms: int | None) -> Sentence:
        words = tuple(Word(text, item.begin_ms, end_ms or item.begin_ms) for text in item.text.split())
        return Sentence(
            id=number, begin_ms=item.begin_ms, end_ms=end_ms, words=words, stable=len(words), final=end_ms is not None
        )

    def _finished(self) -> list[Update]:
        if not self._last_committed or self._items:
            return []
        self.over = True
        return [Finished(SESSION, self._sent / self._bytes_per_s)]

    def _error(self, error: _Error, *, fatal: bool = False) -> list[Update]:
        """A complaint about one event is none about the session; before the session began it is."""
        if self._finishing and error.code == EMPTY:
            self._last_committed = True
            return self._finished()
        if self.started and not fatal and error.type != "server_error":
            return []
        code, message = error.code or error.type or "", error.message or ""
        kind = KINDS.get(code) or KINDS.get(error.type or "")
        return self._fail(kind(message or code) if kind else StenowireError(f"{code}: {message}"))

    def _fail(self, error: StenowireError) -> list[Update]:
        self.over = True
        return [Failed(SESSION, error)]


def _append(data: bytes) -> str:
    return _text("input_audio_buffer.append", audio=base64.b64encode(data).decode())


def _text(kind: str, **fields: Any) -> str:
    return _ENCODER.encode({"type": kind, **fields}).decode()
