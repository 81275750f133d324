"""What each audio format costs between the socket and the session, in processor time.

    python -m bench.formats_work SECONDS

It runs in the server's interpreter. Read speech is encoded in each format, cut into ten pieces a second, and takes the
server's own way: a decoder process, the event loop, the front end's resampling, the speech detector. Writes a line of
JSON for each format: ms of processor time per second of audio, in `decoder`, `loop`, `resample` and `detect`.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tests.audio.coded import DATA, encode, packets

from stenowire.audio.frontend import FrontEnd
from stenowire.audio.twofold import joined
from stenowire.audio.vad import SpeechDetector
from stenowire.models.fetch import ensure
from stenowire.models.paths import default_root
from stenowire.serving.decoding import CODED, Decoders, as_wav
from stenowire.types import AudioFormat, Encoding, Samples

ROUNDS = 3
"""The cheapest counts: the others were disturbed."""
DETECT_SAMPLES = 1536
"""What a session asks about at once when audio comes every 100 ms."""

ENCODED: dict[str, tuple[Encoding, int, str, str, int | None]] = {
    "mp3, 16 kHz, 32 kbit/s": ("mp3", 16_000, "libmp3lame", "mp3", 32_000),
    "mp3, 44.1 kHz, 128 kbit/s": ("mp3", 44_100, "libmp3lame", "mp3", 128_000),
    "opus in Ogg, 32 kbit/s": ("opus", 48_000, "libopus", "ogg", 32_000),
    "opus in WebM, 32 kbit/s": ("opus", 48_000, "libopus", "webm", 32_000),
    "aac, 16 kHz, 48 kbit/s": ("aac", 16_000, "aac", "adts", 48_000),
    "aac, 44.1 kHz, 96 kbit/s": ("aac", 44_100, "aac", "adts", 96_000),
    "amr, 12.2 kbit/s": ("amr", 8_000, "libopencore_amrnb", "amr", 12_200),
    "flac, 16 kHz": ("flac", 16_000, "flac", "flac", None),
    "flac, 48 kHz": ("flac", 48_000, "flac", "flac", None),
}
KEPT: dict[str, tuple[Encoding, int, str]] = {
    "speex, narrow band": ("speex", 8_000, "voice-8k.spx"),
    "speex, wide band": ("speex", 16_000, "voice-16k.spx"),
    "amr-wb, 23.85 kbit/s": ("amr", 16_000, "voice.awb"),
}
"""Formats without an encoder at hand; three seconds each."""


def streams(seconds: int) -> dict[str, tuple[AudioFormat, float, list[bytes]]]:
    """Name -> (format, seconds, pieces)."""
    folder = ensure("moonshine-tiny-en", default_root())
    speech, rate_hz = soundfile.read(folder / "two_cities.wav", dtype="float32", frames=seconds * 48_000)

    def at(wanted_hz: int) -> Samples:
        return soxr.resample(speech, rate_hz, wanted_hz).astype(np.float32)

    seconds_s = len(speech) / rate_hz
    pcm = np.round(at(16_000) * 32767).astype("<i2").tobytes()
    found = {"pcm, 16 kHz": (AudioFormat("pcm", 16_000), seconds_s, cut(pcm, seconds_s))}
    for name, (encoding, to_hz, codec, container, bit_rate) in ENCODED.items():
        data = encode(at(to_hz), to_hz, codec, container, bit_rate)
        found[name] = AudioFormat(encoding, to_hz), seconds_s, cut(data, seconds_s)
    bare = packets(at(48_000), 48_000, "libopus", 32_000)
    found["opus, a packet in each message"] = AudioFormat("opus_packets", 48_000), seconds_s, bare
    for name, (encoding, to_hz, file) in KEPT.items():
        found[name] = AudioFormat(encoding, to_hz), 3.0, cut((DATA / file).read_bytes(), 3.0)
    return found


def cut(data: bytes, seconds: float) -> list[bytes]:
    step = max(1, round(len(data) / seconds / 10))
    return [data[at : at + step] for at in range(0, len(data), step)]


class Stopwatch:
    """Processor time of this thread, by what it was spent on."""

    def __init__(self) -> None:
        self.spent_s = {"decoder": 0.0, "loop": 0.0, "resample": 0.0, "detect": 0.0}
        self._on, self._since = "loop", time.thread_time()

    def on(self, what: str) -> None:
        now = time.thread_time()
        self.spent_s[self._on] += now - self._since
        self._on, self._since = what, now


async def take(format: AudioFormat, pieces: list[bytes], decoders: Decoders, detector: SpeechDetector) -> Stopwatch:
    front, heard = FrontEnd(as_wav(format)), []
    watch = Stopwatch()
    if format.encoding not in CODED:
        watch.on("resample")
        heard = [front.feed(piece) for piece in pieces]
    else:
        decoding = await decoders.open(format.encoding)
        for piece in pieces:
            async for wav in decoding.feed(piece):
                watch.on("resample")
                heard.append(front.feed(wav))
                watch.on("loop")
        watch.spent_s["decoder"] = _cpu_s(decoders)
        decoding.close()
    watch.on("detect")
    samples, ear = joined(heard).samples, detector.open()
    for at in range(0, len(samples) - DETECT_SAMPLES, DETECT_SAMPLES):
        detector.hear([(ear, samples[at : at + DETECT_SAMPLES])])
    watch.on("loop")
    return watch


def _cpu_s(decoders: Decoders) -> float:
    """Of the youngest decoder, by Linux's scheduler."""
    assert decoders._parent is not None
    parent = decoders._parent.process.pid
    child = max(map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()))
    return int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) / 1e9


async def main(seconds: int) -> None:
    detector = SpeechDetector(ensure("silero-vad", default_root()))
    detector.warm_up()
    decoders = Decoders()
    try:
        for name, (format, length_s, pieces) in streams(seconds).items():
            rounds = [await take(format, pieces, decoders, detector) for _ in range(ROUNDS)]
            best = min((watch.spent_s for watch in rounds), key=lambda spent: sum(spent.values()))
            print(json.dumps({"format": name, **{what: 1000 * s / length_s for what, s in best.items()}}), flush=True)
    finally:
        await decoders.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
