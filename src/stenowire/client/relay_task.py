"""One task of the task protocol, over as many connections as it takes: what a relay keeps and says again.

In: the client's frames as they came, a server's frames. Out: frames for either; those for the client tell one task with
one line of times and ids. Parameters and results pass as they are, keys unknown here too, but for the extension that
resumes (`resume` holds the audio and knows where it begins).
"""

import math
import uuid
from typing import Any

import msgspec

from stenowire.client.relay_talk import Frame, ServerTrouble
from stenowire.client.resume import Memory
from stenowire.dialects.task_client import read_point
from stenowire.types import AudioFormat, Encoding, Sentence

PIECE_S = 0.5
"""Of audio per frame at most, when it is sent again."""
UNANSWERED_S = 60.0
"""Of audio that is sent ahead of a server's answers, where it tells how far they reach."""
TROUBLE = ("InternalError", "ServiceUnavailable", "GatewayTimeout", "SystemError")
"""How the codes begin with which a server speaks of itself."""
THROTTLED = "Throttling"
NO_AUDIO, NO_VALID_AUDIO = "CLIENT_ERROR", "NO_VALID_AUDIO_ERROR"
MOST_BREAKDOWNS = 3
"""Failures of the server, one after another and without any answer between them."""
MOST_TURNS = 64
TIMES = frozenset(("begin_time", "end_time", "current_time", "pre_end_start_time", "pre_end_end_time"))
ENCODINGS: dict[str, Encoding] = {"pcm": "pcm", "mulaw": "mulaw", "alaw": "alaw"}
"""What can be cut; anything else is kept whole, as wav is."""

Message = dict[str, Any]


class Turn(msgspec.Struct, frozen=True):
    """A continue-task, and the byte of audio that it follows."""

    at: int
    frame: str


class TaskTalk:
    keeps = True

    def __init__(self, run: Message, *, most_s: float, resend_speed: float | None) -> None:
        """`run` is a run-task whose header and payload are objects; the server judges the rest."""
        self.task_id: str = run["header"]["task_id"]
        self.name = "task"
        self.over = self.fruitful = False
        self.close: tuple[int, str] | None = None
        self.pace_s = 0.0
        self.finished = False
        """The client sends no more."""
        self._run = run
        parameters = run["payload"].get("parameters")
        self._parameters: Message = dict(parameters) if isinstance(parameters, dict) else {}
        self._memory = Memory(_format(self._parameters), session=uuid.uuid4().hex, most_s=most_s)
        self._most_s = most_s
        self._resend_speed = resend_speed
        self._total = 0
        """Bytes that the client has sent."""
        self._turns: list[Turn] = []
        self._turn = 0
        """The next one to send."""
        self._goodbye: str | None = None
        self._said_goodbye = False
        self._begun = False
        """This connection's server has taken the task."""
        self._told_begun = False
        self._winding_up = False
        self._offset_ms = 0
        self._shown = (0, 0)
        """Number and length of the interim that the client saw last."""
        self._catching_up = False
        self._first_of = 0
        self._duration: int | None = None
        self._breakdowns = 0

    # ---- the client -----------------------------------------------------------------------------------------------

    def audio(self, data: bytes) -> None:
        if not self._total:
            data = self._without_header(data)
        self._memory.keep(data)
        self._total += len(data)

    def turn(self, frame: str) -> None:
        if len(self._turns) >= MOST_TURNS and self._turn:
            del self._turns[0]
            self._turn -= 1
        self._turns.append(Turn(self._total, frame))

    def finish(self, frame: str) -> None:
        if self.finished:
            return
        self.finished, self._goodbye = True, frame
        self._memory.finish()

    def _without_header(self, data: bytes) -> bytes:
        """Some programs send a wav file as pcm. Its header would shift all that can be resumed."""
        memory = self._memory
        begin = data.find(b"data", 12, 4096) + 8
        if data[:4] != b"RIFF" or begin < 20 or memory.format.encoding != "pcm":
            return data
        rate_hz = int.from_bytes(data[24:28], "little")
        plain = int.from_bytes(data[22:24], "little") == 1 and int.from_bytes(data[34:36], "little") == 16
        return data[begin:] if plain and rate_hz == memory.format.rate_hz else data

    # ---- sending --------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        memory = self._memory
        return memory.full or (memory.kept_bytes >= memory.bytes_per_s * self._most_s and memory.unsent > 0)

    @property
    def kept_bytes(self) -> int:
        return self._memory.kept_bytes

    @property
    def has_work(self) -> bool:
        return bool(self._memory.unsent) or self._memory.all_sent

    def hello(self) -> list[Frame]:
        self._begun = self._said_goodbye = False
        ask = self._memory.ask()
        parameters = self._parameters | {"resume": ask} if self._memory.cuttable else self._parameters
        payload = self._run["payload"] | ({"parameters": parameters} if self._parameters else {})
        return [_text(self._run | {"payload": payload})]

    def take(self) -> Frame | None:
        self.pace_s = 0.0
        if not self._begun:
            return None
        memory = self._memory
        position = self._total - memory.unsent
        if self._turn < len(self._turns) and self._turns[self._turn].at <= position:
            self._turn += 1
            return self._turns[self._turn - 1].frame
        if memory.unsent:
            return self._take_audio(position)
        if memory.all_sent and not self._said_goodbye:
            self._said_goodbye = True
            return self._goodbye or _finish(self.task_id)
        return None

    def _take_audio(self, position: int) -> bytes | None:
        memory = self._memory
        if memory.resumes and memory.ahead_bytes > UNANSWERED_S * memory.bytes_per_s:
            return None
        most = int(PIECE_S * memory.bytes_per_s)
        if again := memory.again:
            most = min(most, again)
            speed = self._resend_speed
            self.pace_s = most / memory.bytes_per_s / speed if speed and not memory.resumes else 0.0
        if self._turn < len(self._turns):
            most = min(most, self._turns[self._turn].at - position)
        return memory.take(most)

    def lost(self) -> None:
        self._begun = False
        self._catching_up = True
        self.keeps = self._memory.can_resume

    def ends(self, code: int) -> bool:
        return False

    def wind_up(self) -> None:
        if not self.finished:
            self._winding_up = self.finished = True
            self._memory.finish()

    # ---- answers --------------------------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> list[Frame]:
        message = read(frame)
        header = message.get("header")
        if not isinstance(header, dict) or header.get("task_id") not in (self.task_id, "", None):
            return []
        payload = message.get("payload")
        payload = message["payload"] = payload if isinstance(payload, dict) else {}
        resume = payload.pop("resume", None)
        match header.get("event"):
            case "task-started":
                return self._start(message, resume)
            case "result-generated":
                self._answered()
                return self._result(message, payload, resume)
            case "resume-point":
                self._answered()
                if point := _point(resume):
                    self._memory.reach(point)
                return []
            case "task-finished":
                return self._finish(message, payload)
            case "task-failed":
                return self._fail(message, str(header.get("error_code")), str(header.get("error_message")))
            case _:
                return [_text(message)]

    def _answered(self) -> None:
        self.fruitful = True
        self._breakdowns = 0

    def _start(self, message: Message, resume: object) -> list[Frame]:
        point = _point(resume)
        self._memory.begin(point.from_ms if point else None)
        self._begun = True
        position = self._total - self._memory.unsent
        # Of the contexts before it the newest counts.
        self._turn = max(0, sum(turn.at <= position for turn in self._turns) - 1)
        probe = self._memory.place(Sentence(id=1 << 40, begin_ms=0, end_ms=None, words=(), stable=0, final=False))
        self._offset_ms = probe.begin_ms if probe else 0
        if self._told_begun:
            return []
        self._told_begun = True
        return [_text(message)]

    def _result(self, message: Message, payload: Message, resume: object) -> list[Frame]:
        output = payload.get("output")
        said = (output.get("sentence") or output.get("transcription")) if isinstance(output, dict) else None
        if not isinstance(said, dict) or said.get("heartbeat"):
            return [_text(message)]
        number, begin_ms, end_ms = said.get("sentence_id") or 0, said.get("begin_time") or 0, said.get("end_time")
        final = end_ms is not None
        told = Sentence(id=number, begin_ms=begin_ms, end_ms=end_ms, words=(), stable=0, final=final)
        placed = self._memory.place(told)
        if placed is None:
            return []
        if final:
            self._memory.settle(placed, _point(resume))
            self._count(payload)
        elif self._behind(placed.id, len(said.get("text") or "")):
            return []
        shift(output, placed.begin_ms - begin_ms, placed.id - number)
        if "sentence_begin" in said:
            said["sentence_begin"] = placed.id != self._first_of
        self._first_of = placed.id
        return [_text(message)]

    def _behind(self, number: int, length: int) -> bool:
        """Whether this interim is one on the way to what the client has seen already, before a drop."""
        if self._catching_up and number == self._shown[0] and length < self._shown[1]:
            return True
        self._catching_up = False
        self._shown = (number, length)
        return False

    def _count(self, payload: Message) -> None:
        """What was billed counts on over all connections, and never back."""
        usage = payload.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("duration"), int | float):
            counted = math.ceil(usage["duration"] + self._offset_ms / 1000)
            self._duration = usage["duration"] = max(counted, self._duration or 0)

    def _finish(self, message: Message, payload: Message) -> list[Frame]:
        self.over = True
        self._count(payload)
        if self._winding_up:
            return self.give_up("the relay stops; what was said until now has been answered", [])
        return [_text(message)]

    def _fail(self, message: Message, code: str, told: str) -> list[Frame]:
        again = self._memory.epoch > 1
        if code == NO_VALID_AUDIO and again and self._memory.all_sent and self._said_goodbye:
            return self._finish(_finished(self.task_id, self._duration), {})
        if self._memory.can_resume:
            if again and code == NO_AUDIO and not self._memory.all_sent:
                raise ServerTrouble(f"{code}: {told}", [_text(message)], idle=True)
            busy = self._told_begun and code.startswith(THROTTLED)
            if busy or (code.startswith(TROUBLE) and self._breakdowns < MOST_BREAKDOWNS):
                self._breakdowns += not busy
                raise ServerTrouble(f"{code}: {told}", [_text(message)])
        self.over, self.close = True, (1000, "task failed")
        return [_text(message)]

    def give_up(self, reason: str, last_words: list[Frame]) -> list[Frame]:
        self.over, self.close = True, (1012, "the relay stops") if self._winding_up else (1000, "task failed")
        return last_words or [failed(self.task_id, "ServiceUnavailable", reason)]


# ---- frames ---------------------------------------------------------------------------------------------------------


def read(frame: Frame) -> Message:
    """An object, or an empty one for anything else."""
    try:
        message = msgspec.json.decode(frame)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def failed(task_id: str, code: str, text: str) -> str:
    header = {"task_id": task_id, "event": "task-failed", "error_code": code, "error_message": text, "attributes": {}}
    return _text({"header": header, "payload": {}})


def shift(part: Any, ms: int, ids: int) -> None:
    """Move all times and numbers of sentences in `part`, in place."""
    if isinstance(part, list):
        for one in part:
            shift(one, ms, ids)
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        if name in TIMES and isinstance(value, int):
            part[name] = value + ms
        elif name == "sentence_id" and isinstance(value, int):
            part[name] = value + ids
        else:
            shift(value, ms, ids)


def _finish(task_id: str) -> str:
    header = {"action": "finish-task", "task_id": task_id, "streaming": "duplex"}
    return _text({"header": header, "payload": {"input": {}}})


def _finished(task_id: str, duration: int | None) -> Message:
    header = {"task_id": task_id, "event": "task-finished", "attributes": {}}
    return {"header": header, "payload": {"output": {}, "usage": {"duration": duration} if duration else None}}


def _text(message: Message) -> str:
    return msgspec.json.encode(message).decode()


def _point(resume: object) -> Any:
    return None if resume is None else read_point(msgspec.Raw(msgspec.json.encode(resume)))


def _format(parameters: Message) -> AudioFormat:
    """What cannot be read is the server's to refuse; until then anything will do."""
    rate_hz = parameters.get("sample_rate")
    usable = isinstance(rate_hz, int) and 1000 <= rate_hz <= 384_000
    return AudioFormat(ENCODINGS.get(str(parameters.get("format")), "wav"), rate_hz if usable else 16_000)  # type: ignore[arg-type]
