"""The nouns that every layer shares: frozen structs, with the units in the names.

Audio counts samples, text counts milliseconds. The utterance is where they convert.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono audio, float32[n] in [-1, 1)."""

SESSION_RATE_HZ = 16_000
"""Inside a session all audio runs at this rate; the front end converts."""
RESUME_STEP = 2_560
"""160 ms at the session's rate: whole frames of the detector, and whole samples at every rate that divides by 25 Hz."""

Mode = Literal["vad", "manual", "semantic"]
NoiseReduction = Literal["off", "near_field", "far_field", "auto"]
EndedBy = Literal["silence", "commit", "length", "meaning", "finish"]
Encoding = Literal["pcm", "wav", "mulaw", "alaw", "mp3", "opus", "opus_packets", "speex", "aac", "amr", "flac"]
"""A session takes the first four; the others are made wav in front of it (serving/decoding.py). opus is in Ogg or WebM;
opus_packets may also be bare packets, one per Audio."""


class Word(msgspec.Struct, frozen=True):
    """One spoken word. `text` has no blanks and no mark; a sentence reads `" ".join(text + mark)`."""

    text: str
    begin_ms: int
    end_ms: int
    mark: str = ""
    """Punctuation that follows the word, "" when there is none."""
    confidence: float | None = None
    """0..1, or None where the engine has no notion of it."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """One term that biasing wrote, and why: told in the audit of a final."""

    term: str
    before: str
    """The words that stood there without it; "" where that is not known."""
    begin: int
    """Index of its first word in the hypothesis or sentence."""
    words: int
    """How many words it became."""
    means: Literal["native", "tokens", "sound", "spelling"]
    """Given to the engine; written by its decoder along the term's tokens; found by sound and verified on the audio;
    only case or spacing differed."""
    source: Literal["hotword", "context"] = "hotword"
    weight: int = 4
    distance: float | None = None
    """Phone distance 0..1 between what stood there and the term."""
    gain: float | None = None
    """Log-likelihood of the new text less that of the old one on the same audio, in nats."""
    score: float | None = None
    """What decided: above 0."""


class Hypothesis(msgspec.Struct, frozen=True):
    """What an engine believes about one utterance. Times are ms from the start of the utterance's clip."""

    words: tuple[Word, ...] = ()
    stable: int = 0
    """How many leading words will not change before the final."""
    heard_ms: int = 0
    """How much of the clip this hypothesis rests on."""
    final: bool = False
    language: str | None = None
    emotion: str | None = None
    applied: tuple[Applied, ...] = ()


class Utterance(msgspec.Struct, frozen=True):
    """The acoustic unit: one engine stream. `start` and `end` are samples since the session began."""

    id: int
    start: int
    end: int
    ended_by: EndedBy


class Sentence(msgspec.Struct, frozen=True):
    """The text unit that a person sees. Times are ms since the session began."""

    id: int
    """Counts from 1."""
    begin_ms: int
    end_ms: int | None
    """None while the sentence is open."""
    words: tuple[Word, ...]
    stable: int
    """How many leading words are settled."""
    final: bool
    language: str | None = None
    speaker: str | None = None
    emotion: str | None = None
    applied: tuple[Applied, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(word.text + word.mark for word in self.words)


class AudioFormat(msgspec.Struct, frozen=True):
    """What a client says that its bytes are. pcm is signed 16-bit little-endian mono; mulaw and alaw are G.711."""

    encoding: Encoding
    rate_hz: int
    """8000..48000."""


class Segmentation(msgspec.Struct, frozen=True):
    """The rules that cut audio into utterances."""

    mode: Mode = "vad"
    threshold: float = 0.0
    """-1..1: below 0 more sound counts as speech, above 0 less; 0 is the detector's own advice."""
    silence_ms: int = 1300
    """Trailing silence that ends an utterance, 200..6000."""
    prefix_ms: int = 300
    """Audio kept from before the detected start, so that first words are whole."""
    max_ms: int = 12_000
    """No utterance is longer: it is cut at its best pause."""
    tapered: bool = False
    """Accept ever shorter silences as an utterance grows, against over-long sentences."""


class HotWord(msgspec.Struct, frozen=True):
    """A term that a client expects to be said."""

    text: str
    weight: int = 4
    """1..5, or 50: almost forced."""
    lang: str | None = None
    """Its language; None fits any."""
    sounds_like: tuple[str, ...] = ()
    """Spellings that say how it sounds, where its own is far from that."""


class Hint(msgspec.Struct, frozen=True):
    """All that an engine may know besides audio."""

    language: str | None = None
    hotwords: tuple[HotWord, ...] = ()
    context: str = ""
    before: str = ""
    """Text already said in this session."""


class TextOptions(msgspec.Struct, frozen=True):
    """What is done to words between the engine and the client."""

    punctuation: bool = True
    starred: tuple[str, ...] = ()
    """Words shown as asterisks."""
    dropped: tuple[str, ...] = ()
    """Words removed."""


class Limits(msgspec.Struct, frozen=True):
    """Timers of one session, in seconds; None switches one off. Wall time, given to the session as an argument."""

    first_audio_s: float | None = None
    """Fail when no audio at all has come this long after the opening."""
    stall_s: float | None = None
    """Fail when audio has begun and then nothing at all comes for this long."""
    silence_s: float | None = None
    """Fail after this much audio without speech. Counted in audio time."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """All that the cutting of utterances remembers right after it has closed one. Positions are samples since the
    session began."""

    heard: int
    """How far audio has been judged; whole frames."""
    floor: int
    """No later utterance begins before this."""
    start: int | None = None
    """Where the open utterance begins, when the one before it was cut in mid-speech."""
    speech_end: int = 0
    speech_frames: int = 0
    sure_frames: int = 0
    scores_from: int = 0
    """First frame of the open utterance that may be the pause to cut at."""
    quiet: float = 0.0
    """Evidence that speech has begun quietly, in nats."""
    quiet_from: int = 0
    """Since when, if there is any."""


class ResumePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where another session can take a session up as if nothing had happened: all audio before is answered."""

    begin: int
    """The audio to give it begins here: a sample since the session began, a multiple of RESUME_STEP."""
    place: Place
    ear_at: int
    """What the speech detector remembered at this sample: some LSTMs never forget, so a warm-up cannot replace it."""
    ear: bytes
    """Its own format; empty for a detector that has heard nothing."""
    sentences: int
    """How many have been told as finals."""


class Claim(msgspec.Struct, frozen=True):
    """A client's own name for one recognition, over any number of connections. Of two that hold it the later counts."""

    session: str
    epoch: int = 0
    """Counts the client's connections."""


class EngineInfo(msgspec.Struct, frozen=True):
    """What an engine is and can do, as data."""

    name: str
    languages: tuple[str, ...]
    rate_hz: int = SESSION_RATE_HZ
    step_ms: int = 200
    """Asking for an interim more often than this is a waste."""
    max_ms: int = 15_000
    """Longest clip that the engine recognises well."""
    batch: int = 1
    """How many interims one step may carry."""
    streaming: bool = False
    word_times: bool = False
    punctuates: bool = False
    biasing: Literal["none", "phrases", "text"] = "none"
    description: str = ""
    """One honest sentence for people: model, licence, measured accuracy."""
