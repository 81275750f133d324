"""What is recognised of recordings that were encoded and decoded again.

    python -m bench.formats_text SHIFT_MS,... [NAME ...]

It runs in the server's interpreter. The headline recordings are encoded in each format, sent in pieces of 1 byte to
64 KB through the decoder, the front end, the detector and the engine (finals, greedy), and once more as pcm of the same
rate. Each run begins the audio SHIFT_MS later: nothing to a listener, but a small model changes its mind about one word
in 50, so that only means over several such runs say anything of a format. Writes a line of JSON for each recording:
format, shift, id, and words with their times. Speex is encoded where `speexenc` is installed.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
from tests.audio.coded import encode, wavs

from bench import corpus
from bench.corpus import Samples, pcm
from stenowire.audio.vad import SpeechDetector
from stenowire.core.session import Output, Session
from stenowire.engines.base import Job
from stenowire.engines.moonshine import MoonshineEngine
from stenowire.events import Audio, Failed, Final, Finish, Heard, Listen, Open, OpenStream, Step, Stepped
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.types import AudioFormat, Encoding, Word

MOST_BYTES = 64 << 10


class Coded(NamedTuple):
    encoding: Encoding
    rate_hz: int
    codec: str
    container: str = ""
    bit_rate: int | None = None


FORMATS = {
    "flac 16 kHz": Coded("flac", 16_000, "flac", "flac"),
    "mp3 16 kHz 64 kbit/s": Coded("mp3", 16_000, "libmp3lame", "mp3", 64_000),
    "mp3 16 kHz 32 kbit/s": Coded("mp3", 16_000, "libmp3lame", "mp3", 32_000),
    "opus 32 kbit/s": Coded("opus", 48_000, "libopus", "ogg", 32_000),
    "opus 24 kbit/s": Coded("opus", 48_000, "libopus", "ogg", 24_000),
    "aac 16 kHz 64 kbit/s": Coded("aac", 16_000, "aac", "adts", 64_000),
    "mulaw 8 kHz": Coded("mulaw", 8_000, "pcm_mulaw"),
    "amr 12.2 kbit/s": Coded("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
    "speex narrow band": Coded("speex", 8_000, "speexenc"),
    "speex wide band": Coded("speex", 16_000, "speexenc"),
}


class Listener:
    """A session with the embedded engine, in one thread and in order."""

    def __init__(self) -> None:
        self._engine = MoonshineEngine(ensure("moonshine-tiny-en", default_root()))
        self._detector = SpeechDetector(ensure("silero-vad", default_root()))

    def words(self, format: AudioFormat, data: bytes, seed: str) -> list[Word]:
        opening = Open("bench", model="fun-asr-realtime", format=format, interims=False)
        self._session, self._ear = Session(opening, self._engine.info, 0.0), self._detector.open()
        self._states: dict[int, object] = {}
        self._said: list[Word] = []
        self._carry(self._session.begin(0.0))
        for piece in _pieces(data, seed):
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
                case OpenStream(stream=stream, hint=hint):
                    self._states[stream] = self._engine.open(hint)
                case Step() as step:
                    job = Job(state=self._states[step.stream], clip=step.clip, final=True)
                    answer = Stepped("bench", step.stream, step.ticket, step.kind, self._engine.step([job])[0])
                    todo += self._session.absorb(answer, 0.0)
                case Final(sentence=sentence):
                    self._said += sentence.words
                case Failed(error=error):
                    raise error
                case _:
                    pass


def _pieces(data: bytes, seed: str) -> Iterator[bytes]:
    """Sizes over all orders of magnitude up to MOST_BYTES, the same for the same seed."""
    draw, at = random.Random(seed), 0
    while at < len(data):
        size = int(MOST_BYTES ** draw.random()) if draw.random() < 0.9 else 1
        yield data[at : at + size]
        at += size


def _encoded(sound: Samples, coded: Coded) -> bytes:
    if coded.codec == "speexenc":
        return _speex(sound, coded.rate_hz)
    if coded.codec == "pcm_mulaw":
        return encode(sound, coded.rate_hz, coded.codec, "mulaw")
    return encode(sound, coded.rate_hz, coded.codec, coded.container, coded.bit_rate)


def _speex(sound: Samples, rate_hz: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.raw", Path(folder) / "out.spx"
        source.write_bytes(pcm(sound))
        mode = "--narrowband" if rate_hz == 8_000 else "--wideband"
        command = ["speexenc", mode, "--16bit", "--le", "--rate", str(rate_hz), str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return target.read_bytes()


def main(shifts: list[int], names: list[str]) -> None:
    listener = Listener()
    recordings = [one for one in corpus.load() if one.headline]
    chosen = {name: FORMATS[name] for name in names or FORMATS}
    if not shutil.which("speexenc"):
        chosen = {name: coded for name, coded in chosen.items() if coded.codec != "speexenc"}
    rates = dict.fromkeys(coded.rate_hz if coded.rate_hz == 8_000 else 16_000 for coded in chosen.values())
    plain = {f"pcm {rate // 1000} kHz": Coded("pcm", rate, "") for rate in rates}
    for shift in shifts:
        for name, coded in (plain | chosen).items():
            for one in recordings:
                moved = np.concatenate((np.zeros(16 * shift, np.float32), one.samples))
                sound = np.clip(soxr.resample(moved, corpus.RATE_HZ, coded.rate_hz), -0.999, 0.999).astype(np.float32)
                data = _encoded(sound, coded) if coded.codec else pcm(sound)
                format = AudioFormat(coded.encoding, coded.rate_hz)
                if coded.codec not in ("", "pcm_mulaw"):
                    data = wavs(coded.encoding, _pieces(data, one.id))
                    format = AudioFormat("wav", coded.rate_hz)
                words = [(word.text + word.mark, word.begin_ms) for word in listener.words(format, data, one.id)]
                print(json.dumps({"format": name, "shift": shift, "id": one.id, "words": words}), flush=True)


if __name__ == "__main__":
    main([int(shift) for shift in sys.argv[1].split(",")], sys.argv[2:])
