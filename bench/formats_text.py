"""What is recognised of recordings that were encoded and decoded again.

    python -m bench.formats_text SHIFT_MS,... EVERY [NAME ...]

It runs in the server's interpreter. Every EVERYth headline recording is encoded in each format, sent in pieces of 1
byte to 64 KB through the decoder, the front end, the detector and the engine (finals by beam search, as the server has
them unless it is loaded), and once more as pcm of the same rate. Each run begins the audio SHIFT_MS later: nothing to a
listener, but a small model changes its mind about one word in 50, so that only means over several such runs say
anything of a format. Writes a line of JSON for each recording: format, plain (the pcm to compare it with), shift, id,
and words with their times; for a format without an encoder here, format and reason.
"""

import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import soxr
from tests.audio.coded import wavs

from bench import corpus
from bench.corpus import Samples
from bench.formats_coded import FORMATS, Coded, encoded, lacks
from stenowire.audio.vad import SpeechDetector
from stenowire.core.session import Output, Session
from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.events import Audio, Failed, Final, Finish, Heard, Listen, Open, OpenStream, Step, Stepped
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.types import AudioFormat, Hint, Hypothesis, Word

MOST_BYTES = 64 << 10


class Listener:
    """A session with the embedded engine, in one thread and in order."""

    def __init__(self) -> None:
        self._engine = MoonshineEngine(ensure("moonshine-tiny-en", default_root()))
        self._detector = SpeechDetector(ensure("silero-vad", default_root()))
        self._known: dict[bytes, Hypothesis] = {}
        """What was heard of clips that are the same to the last bit."""

    def words(self, format: AudioFormat, pieces: Iterator[bytes]) -> list[Word]:
        opening = Open("bench", model="fun-asr-realtime", format=format, interims=False)
        self._session, self._ear = Session(opening, self._engine.info, 0.0), self._detector.open()
        self._said: list[Word] = []
        self._carry(self._session.begin(0.0))
        for piece in pieces:
            self._carry(self._session.handle(Audio("bench", piece), 0.0))
        self._carry(self._session.handle(Finish("bench"), 0.0))
        return self._said

    def _carry(self, outputs: list[Output]) -> None:
        todo = list(outputs)
        while todo:
            match todo.pop(0):
                case Listen(samples=samples):
                    heard = self._detector.hear([(self._ear, samples)])[0]
                    todo += self._session.absorb(Heard("bench", heard), 0.0)
                case Step() as step:
                    answer = Stepped("bench", step.stream, step.ticket, step.kind, self._final(step))
                    todo += self._session.absorb(answer, 0.0)
                case Final(sentence=sentence):
                    self._said += sentence.words
                case Failed(error=error):
                    raise error
                case OpenStream():
                    pass

    def _final(self, step: Step) -> Hypothesis:
        key = step.clip.tobytes() + (b"" if step.again is None else step.again.tobytes())
        if key not in self._known:
            state: Any = self._engine.open(Hint())
            job = Job(state=state, clip=step.clip, again=step.again, final=True, effort="beam")
            (self._known[key],) = self._engine.step([job])
        return self._known[key]

    def forget(self) -> None:
        self._known.clear()


def _pieces(data: bytes, seed: str) -> Iterator[bytes]:
    """Sizes over all orders of magnitude up to MOST_BYTES, the same for the same seed."""
    draw, at = random.Random(seed), 0
    while at < len(data):
        size = int(MOST_BYTES ** draw.random()) if draw.random() < 0.9 else 1
        yield data[at : at + size]
        at += size


def _at(samples: Samples, shift_ms: int, rate_hz: int) -> np.ndarray:
    """int16[n] at `rate_hz`, begun so much later: what every format is given."""
    moved = np.concatenate((np.zeros(corpus.RATE_HZ // 1000 * shift_ms, np.float32), samples))
    sound = np.clip(soxr.resample(moved, corpus.RATE_HZ, rate_hz), -0.999, 0.999)
    return np.round(sound * 32768).astype("<i2")


def _say(listener: Listener, sound: np.ndarray, coded: Coded, seed: str) -> list[Word]:
    data = encoded(sound, coded)
    if coded.encoding in ("pcm", "wav", "mulaw", "alaw"):
        return listener.words(AudioFormat(coded.encoding, coded.rate_hz), _pieces(data, seed))
    wav = wavs(coded.encoding, _pieces(data, seed))
    return listener.words(AudioFormat("wav", coded.rate_hz), _pieces(wav, seed))


def main(shifts: list[int], every: int, names: list[str]) -> None:
    listener = Listener()
    recordings = [one for one in corpus.load() if one.headline][::every]
    chosen = {name: FORMATS[name] for name in names or FORMATS}
    for name, reason in [(name, lacks(coded)) for name, coded in chosen.items()]:
        if reason:
            print(json.dumps({"format": name, "reason": reason}), flush=True)
            del chosen[name]
    rates = dict.fromkeys(coded.rate_hz for coded in chosen.values())
    plain = {f"pcm {rate / 1000:g} kHz": Coded("pcm", rate, "pcm") for rate in rates}
    for shift in shifts:
        for one in recordings:
            listener.forget()
            for name, coded in (plain | chosen).items():
                said = _say(listener, _at(one.samples, shift, coded.rate_hz), coded, one.id)
                words = [(word.text + word.mark, word.begin_ms) for word in said]
                told = {"format": name, "plain": f"pcm {coded.rate_hz / 1000:g} kHz", "shift": shift, "id": one.id}
                print(json.dumps(told | {"words": words}), flush=True)


if __name__ == "__main__":
    main([int(shift) for shift in sys.argv[1].split(",")], int(sys.argv[2]), sys.argv[3:])
