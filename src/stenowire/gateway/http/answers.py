"""What the two doors that answer with a message share: options, annotations, and what an answer is said to cost.

Tokens mean nothing to a recogniser: they are estimates, told because clients read them. Seconds are true.
"""

import math

import msgspec

from stenowire.dialects.omni_responses import AUDIO_TOKENS_PER_S
from stenowire.gateway.http.hearing import Transcript, Wanted
from stenowire.text.tokens import count_tokens


class AsrOptions(msgspec.Struct, frozen=True):
    """`enable_itn` and `enable_lid` are accepted and have no effect: text stays as it is spoken."""

    language: str | None = None
    enable_itn: bool | None = None
    enable_lid: bool | None = None

    @property
    def known_language(self) -> str | None:
        return None if self.language in ("", "auto") else self.language


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    language: str
    emotion: str
    """"neutral" where the engine has no notion of it."""
    type: str = "audio_info"


class Costs(msgspec.Struct, frozen=True):
    prompt: int
    audio: int
    said: int
    seconds: int


def annotations(transcript: Transcript, wanted: Wanted) -> list[Annotation]:
    emotion = next((sentence.emotion for sentence in transcript.sentences if sentence.emotion), "neutral")
    return [Annotation(language=transcript.language or wanted.language or "", emotion=emotion)]


def costs(wanted: Wanted, transcript: Transcript) -> Costs:
    return Costs(
        prompt=count_tokens(wanted.context),
        audio=math.ceil(transcript.audio_s * AUDIO_TOKENS_PER_S),
        said=count_tokens(transcript.text),
        seconds=math.ceil(transcript.audio_s),
    )
