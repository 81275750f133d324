"""The inner language. Read this file first.

    client ──bytes──▶ Dialect ──Command──▶ Session ──Work──▶ Scheduler ──▶ detector and engine
    client ◀──bytes── Dialect ◀──Update─── Session ◀─Result──────────────────────┘

*Commands* say what a client wants, *updates* what we tell it, *work* what a session needs computed, *results* what
came of it. No wire dialect is a superset of another, so none of them is the inner model. `session` is the dialect's
name for one recognition session on one connection (the task id of the task protocol); several may run on one socket.
"""

from typing import Literal

import msgspec

from stenowire.errors import StenowireError
from stenowire.types import (
    AudioFormat,
    Claim,
    Hint,
    Hypothesis,
    Limits,
    NoiseReduction,
    ResumePoint,
    Samples,
    Segmentation,
    Sentence,
    TextOptions,
)


class Event(msgspec.Struct, frozen=True):
    session: str


# ---- commands: what a client wants ------------------------------------------------------------------------------


class Open(Event, frozen=True, kw_only=True):
    """Begin a session. The gateway resolves `model` to an engine; the rest is obeyed by the session."""

    model: str
    format: AudioFormat
    segmentation: Segmentation = Segmentation()
    hint: Hint = Hint()
    text: TextOptions = TextOptions()
    limits: Limits = Limits()
    heartbeat: bool = False
    """Keep a silent session alive and tell the client that it is."""
    interims: bool = True
    answer_empty: bool = False
    """Tell a Final for every utterance or commit, also when nothing was said in it."""
    vocabulary: str = ""
    """Id of a stored list of hot words; the gateway adds them to the hint. "" for none."""
    noise_reduction: NoiseReduction | None = None
    """None: what the server's settings say."""
    audit: bool = False
    """Say with each final which terms biasing wrote, and why."""
    claim: Claim | None = None
    """Not None: tell resume points, and let a later session of this claim end this one."""
    resume: ResumePoint | None = None
    """Begin where another session of this recognition was left."""


class Audio(Event, frozen=True):
    """Bytes in the session's declared format; borders between frames carry no meaning."""

    data: bytes


class Commit(Event, frozen=True):
    """All audio since the last commit is one item (manual mode); or: do not wait for more silence (other modes)."""


class Clear(Event, frozen=True):
    """Forget audio that is not committed."""


class Reconfigure(Event, frozen=True, kw_only=True):
    """Change what is given: the format for the bytes that follow, the rest from the next utterance on."""

    hint: Hint | None = None
    segmentation: Segmentation | None = None
    format: AudioFormat | None = None
    noise_reduction: NoiseReduction | None = None


class Finish(Event, frozen=True):
    """All audio has been sent: flush, answer everything, then Finished."""


class Hangup(Event, frozen=True):
    """The client is gone, or no longer wants this session: drop it silently."""


Command = Open | Audio | Commit | Clear | Reconfigure | Finish | Hangup


# ---- updates: what we tell a client -----------------------------------------------------------------------------


class Opened(Event, frozen=True):
    pass


class Reconfigured(Event, frozen=True):
    pass


class SpeechStarted(Event, frozen=True):
    """Speech, surely; not told in manual mode. `item` counts from 1 and names what Partial and Final speak of."""

    item: int
    at_ms: int


class SpeechStopped(Event, frozen=True):
    item: int
    at_ms: int


class Committed(Event, frozen=True):
    """Answers Commit in manual mode, once the audio before it has been heard; its Final follows."""

    item: int


class Cleared(Event, frozen=True):
    pass


class Partial(Event, frozen=True):
    """The whole current text of the open sentence; it replaces the former one."""

    sentence: Sentence
    item: int = 0


class Final(Event, frozen=True):
    """The sentence is finished. Finals come in the order of their ids, each exactly once."""

    sentence: Sentence
    audio_s: float
    """Audio received since the session began, in seconds."""
    item: int = 0
    resume: ResumePoint | None = None
    """Right behind this sentence; only with `Open.claim`."""


class Answered(Event, frozen=True):
    """Everything up to here is answered, the rest was silence; only with `Open.claim`, about once a second of it."""

    resume: ResumePoint


class Refused(Event, frozen=True):
    """The last command was refused and changed nothing; the session goes on."""

    error: StenowireError


class Alive(Event, frozen=True):
    """Silence goes on, and the session too (only with `Open.heartbeat`)."""


class Finished(Event, frozen=True):
    audio_s: float


class Failed(Event, frozen=True):
    """The session ended by an error. Nothing follows for it."""

    error: StenowireError


Update = (
    Opened
    | Reconfigured
    | SpeechStarted
    | SpeechStopped
    | Committed
    | Cleared
    | Partial
    | Final
    | Answered
    | Refused
    | Alive
    | Finished
    | Failed
)


# ---- work: what a session needs computed ------------------------------------------------------------------------

StepKind = Literal["partial", "final"]


class Listen(Event, frozen=True):
    """Speech probability of each 512-sample frame. One at a time per session; frames in order, whole frames only."""

    samples: Samples
    """float32[frames * 512] at 16 kHz."""
    ear: bytes | None = None
    """What the detector is to remember first, from an earlier `Heard`; None: what it remembers of this session."""
    keep_ear: bool = False
    """Say in the answer what the detector remembers then."""
    at: int = 0
    """Where it begins: a sample since the session began."""


class OpenStream(Event, frozen=True):
    """An engine stream for one utterance. Stream ids are unique within a session."""

    stream: int
    hint: Hint


class Step(Event, frozen=True, kw_only=True):
    """Recognise this clip. At most one in flight per stream; a newer partial replaces one that still waits.

    `clip` is all audio of the utterance so far (a view, not a copy). A final step decodes all of it.
    """

    stream: int
    clip: Samples
    again: Samples | None = None
    """Of a final: the same moments as the speech detector heard them, where that is another sound."""
    settled: int = 0
    """How many words of the last hypothesis are settled: an interim must begin with exactly them."""
    kind: StepKind = "partial"
    due: float = 0.0
    """When the answer is wanted (seconds of the caller's clock); finals are decoded by this order."""
    spacing_ms: int = 0
    """Least time between the starts of two interims of this stream; the scheduler may widen it."""
    ticket: int = 0
    """The session's own mark; comes back in `Stepped`."""


class CloseStream(Event, frozen=True):
    stream: int


Work = Listen | OpenStream | Step | CloseStream


# ---- results: what came of the work -----------------------------------------------------------------------------


class Heard(Event, frozen=True):
    """Answer to `Listen`: one probability 0..1 per frame."""

    probabilities: Samples
    ear: bytes = b""


class Stepped(Event, frozen=True):
    """Answer to `Step`."""

    stream: int
    ticket: int
    kind: StepKind
    hypothesis: Hypothesis


class Broken(Event, frozen=True):
    """Work that raised. `stream` is None when the detector failed."""

    stream: int | None
    error: StenowireError


Result = Heard | Stepped | Broken
