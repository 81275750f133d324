"""Coded audio for tests: a voice that anyone can make again, encoded as clients do, and what it is when decoded."""

import io
import struct
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from stenowire.audio.codecs.transcode import Transcoder
from stenowire.types import Samples

DATA = Path(__file__).parents[1] / "data" / "audio"
"""voice-8k.spx, voice-16k.spx, voice-32k.spx: speexenc 1.2.1 of `voice(rate, 3)`. voice-8k-stereo.spx: the same
in both channels, four frames in a packet (--nframes 4). voice.awb: vo-amrwbenc 0.1.3, mode 8, of `voice(16_000, 3)`."""


def voice(rate_hz: int, seconds: float, seed: int = 1) -> Samples:
    """Something like vowels: gliding pitch, wandering formants, syllables. No two moments of it are alike."""
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    draw = np.random.default_rng(seed)

    def wander(low: float, high: float, per_s: float) -> NDArray[np.float64]:
        points = draw.uniform(low, high, round(seconds * per_s) + 3)
        return np.interp(t * per_s, np.arange(len(points)), points)

    pitch = wander(90, 180, 3)
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    formants = [wander(300, 800, 5), wander(900, 2200, 5), wander(2300, 3000, 5)]
    sound = np.zeros_like(t)
    for harmonic in range(1, 30):
        frequency = pitch * harmonic
        gain = sum(np.exp(-(((frequency - formant) / 120) ** 2)) / (1 + at) for at, formant in enumerate(formants))
        sound += np.where(frequency < min(3400, rate_hz * 0.42), gain, 0) * np.sin(phase * harmonic)
    sound *= np.clip(wander(-0.4, 1, 8), 0.02, 1)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def encode(
    sound: Samples, rate_hz: int, codec: str, container: str, bit_rate: int | None = None, channels: int = 1
) -> bytes:
    """A whole file, as FFmpeg writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono" if channels == 1 else "stereo"
        if bit_rate:
            stream.bit_rate = bit_rate
        for packet in [*stream.encode(_frame(sound, rate_hz, channels)), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()


def packets(
    sound: Samples, rate_hz: int, codec: str, bit_rate: int | None = None, options: dict[str, str] | None = None
) -> list[bytes]:
    """What an encoder gives, without a container."""
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, "mono", "s16"
    if bit_rate:
        encoder.bit_rate = bit_rate
    encoder.options = options or {}
    size = rate_hz // 50
    blocks = [_frame(sound[at : at + size], rate_hz, 1) for at in range(0, len(sound) - size + 1, size)]
    return [bytes(packet) for block in [*blocks, None] for packet in encoder.encode(block)]


def _frame(sound: Samples, rate_hz: int, channels: int) -> av.AudioFrame:
    """Of two channels, the second is silent."""
    pcm = np.zeros((1, len(sound) * channels), np.int16)
    pcm[0, ::channels] = np.round(sound * 32767)
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono" if channels == 1 else "stereo")
    frame.sample_rate = rate_hz
    return frame


def wavs(encoding: str, pieces: Iterable[bytes]) -> bytes:
    """The WAV stream that comes of it."""
    transcoder = Transcoder(encoding)
    told = [wav for piece in pieces for wav in transcoder.feed(piece)]
    return b"".join([*told, *transcoder.flush()])


def cut(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def decode(encoding: str, data: bytes, step: int = 3200) -> tuple[Samples, int]:
    return read_wav(wavs(encoding, cut(data, step)))


def read_wav(wav: bytes) -> tuple[Samples, int]:
    """(samples, rate in Hz)"""
    return np.frombuffer(wav[44:], "<i2").astype(np.float32) / 32768, struct.unpack_from("<I", wav, 24)[0]


def likeness(decoded: Samples, original: Samples, rate_hz: int) -> tuple[float, float]:
    """(correlation at the best alignment within 100 ms, by how many ms `decoded` is late)"""
    reach = rate_hz // 10
    middle = original[reach : min(len(original), len(decoded)) - reach]
    scores = np.array([middle @ decoded[at : at + len(middle)] for at in range(2 * reach)])
    at = int(scores.argmax())
    heard = decoded[at : at + len(middle)]
    correlation = scores[at] / np.sqrt((middle @ middle) * (heard @ heard) + 1e-9)
    return float(correlation), (at - reach) * 1000 / rate_hz
